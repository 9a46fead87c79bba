// A ring in memory, as one role sees it: where things are, by its own copy of the geometry.
//
// Safe     whatever a peer writes into a position or a header: an index is always aligned and lies
//          within capacity, and a payload of at most max_message ends within the extension
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <span>

#include <annulus/ring/edges.hpp>
#include <annulus/ring/layout.hpp>

namespace annulus {

// A role publishes counters and freed space at least this often, bytes.
inline constexpr std::uint64_t longest_chunk = std::uint64_t{64} << 10;

template <class Atomics>
struct ring_memory {
  using bytes = typename Atomics::bytes;
  using const_bytes = typename Atomics::const_bytes;

  control_words<Atomics>* control = nullptr;
  producer_words<Atomics>* producers = nullptr;
  typename Atomics::area data;
  annulus::geometry geometry;
  typename Atomics::witness witness;

  [[nodiscard]] std::uint64_t index_of(std::uint64_t pos) const noexcept {
    return pos & (geometry.capacity - record_align);
  }
  [[nodiscard]] auto& header(std::uint64_t pos) const noexcept {
    return data.header(index_of(pos));
  }

  // What a message takes up, and its header once it is there.
  [[nodiscard]] std::uint64_t record_bytes(std::uint64_t count) const noexcept {
    return annulus::record_bytes(count, geometry.trailer_bytes());
  }
  [[nodiscard]] std::uint64_t committed(std::uint64_t count, std::uint64_t pos) const noexcept {
    return record_header::committed(count, pos, geometry.key);
  }
  // The header of a claim that was given up, of `all` bytes.
  [[nodiscard]] std::uint64_t aborted(std::uint64_t all, std::uint64_t pos) const noexcept {
    return record_header::aborted(all - header_bytes, pos, geometry.key);
  }
  [[nodiscard]] std::uint64_t busy(std::uint64_t all, std::uint64_t pos,
                                   std::uint32_t producer) const noexcept {
    return record_header::busy(all - header_bytes, pos, geometry.key, producer);
  }

  [[nodiscard]] bytes payload(std::uint64_t pos, std::uint64_t count) const noexcept {
    return data.payload(index_of(pos) + header_bytes, count);
  }
  [[gnu::always_inline]] void fill(std::uint64_t pos, const_bytes from) const noexcept {
    data.fill(index_of(pos) + header_bytes, from);
  }
  void fill(std::uint64_t pos, std::span<const const_bytes> parts) const noexcept {
    std::uint64_t index = index_of(pos) + header_bytes;
    for (const auto& piece : parts) {
      data.fill(index, piece);
      index += piece.size();
    }
  }

  // Whether no more is claimed than a capacity (mpsc). Order matters: a claimant saw its space
  // freed, so a stale `freed` cannot look like damage.
  [[nodiscard]] bool positions_make_sense() const noexcept {
    // [claim] acquire: sees what the claimants had seen.
    const auto claimed = control->write_pos.template load<edge::claim>(std::memory_order_acquire);
    // [free] relaxed: at least as new as what the claimants had seen; it frees nothing here.
    const auto freed = control->freed.template load<edge::free>(std::memory_order_relaxed);
    return !is_before(freed + geometry.capacity, claimed);
  }

  // The next stretch of [from, to) that was ever written; if empty, continue from its end.
  // Unwritten memory is zero, and reading it would allocate pages.
  [[nodiscard]] interval next_written(std::uint64_t from, std::uint64_t to) const noexcept {
    const std::uint64_t index = index_of(from);
    const std::uint64_t last = std::min(index + (to - from), geometry.capacity);
    const auto some = data.written(index, last);
    return {from + (some.from - index), from + (some.to - index)};
  }

  // Zeroes [from, from + count). The extension needs none: nobody looks for headers there.
  void zero(std::uint64_t from, std::uint64_t count) const noexcept {
    count = std::min(count, geometry.capacity);
    if (count > large) [[unlikely]]
      return zero_written(from, from + count);
    const std::uint64_t index = index_of(from);
    const std::uint64_t to_the_end = std::min(count, geometry.capacity - index);
    data.zero(index, to_the_end);
    data.zero(0, count - to_the_end);
  }

  // How much the consumer frees before it stores `freed`, bytes.
  [[nodiscard]] std::uint64_t chunk() const noexcept {
    return std::clamp(geometry.capacity / 16, Atomics::cache_line_bytes, longest_chunk);
  }

  // Rewrites a word of each line that lies wholly in [from, to) as it stands, so that the consumer
  // owns the lines that it gives back: a line with one owner moves to the producer faster than a
  // shared one. A line that begins before `from` is the producer's again already.
  // Requires: the caller has the space to itself.
  void take_over(std::uint64_t from, std::uint64_t to) const noexcept {
    constexpr auto line = Atomics::cache_line_bytes;
    for (auto at = (from + line - 1) & ~(line - 1); !is_before(to, at + line); at += line) {
      auto& word = header(at);
      // [own] relaxed: nobody else touches the space before it is given back.
      const auto same = word.template load<edge::own>(std::memory_order_relaxed);
      // [own] relaxed: nobody else touches the space before it is given back.
      word.template store<edge::own>(same, std::memory_order_relaxed);
    }
  }

  // With integrity=crc32c, the four bytes behind the payload hold its checksum. It covers position,
  // key, length and payload: neither damage nor a record of another place or lap is delivered.
  // Requires of write_checksum: the payload is complete. Requires of is_whole: count <=
  // max_message.
  void write_checksum(std::uint64_t pos, std::uint64_t count) const noexcept {
    if (geometry.trailer_bytes() == 0) return;
    data.set_trailer(index_of(pos) + header_bytes + count, checksum(pos, count));
  }
  [[nodiscard]] bool is_whole(std::uint64_t pos, std::uint64_t count) const noexcept {
    if (geometry.trailer_bytes() == 0) return true;
    return data.trailer(index_of(pos) + header_bytes + count) == checksum(pos, count);
  }

 private:
  // Above this much, what was never written is left alone.
  static constexpr std::uint64_t large = std::uint64_t{1} << 20;

  void zero_written(std::uint64_t from, std::uint64_t to) const noexcept {
    while (is_before(from, to)) {
      const auto some = next_written(from, to);
      data.zero(index_of(some.from), some.to - some.from);
      from = some.to;
    }
  }

  [[nodiscard]] std::uint32_t checksum(std::uint64_t pos, std::uint64_t count) const noexcept {
    return data.checksum(index_of(pos) + header_bytes, count, pos ^ geometry.key);
  }
};

// Whether an end that a peer wrote can be one: at most a capacity past what was released. One that
// cannot is damage, and nothing follows from it.
[[nodiscard]] constexpr bool is_possible_end(std::uint64_t end, std::uint64_t released,
                                             std::uint64_t capacity) noexcept {
  return end - released <= capacity && end % record_align == 0;
}

}  // namespace annulus
