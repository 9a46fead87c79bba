// What a ring should hold, when its roles may die at any access: a deque with doubts.
//
// A push that a death cut off may have taken place or not; the consumer finds out, once for all.
// All else is certain: what was answered ok comes, in the order of the claims, and comes again only
// if its consumer died before it released it.
#pragma once

#include "target.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <deque>
#include <span>

#include <annulus/channel/concepts.hpp>
#include <annulus/ring/layout.hpp>

namespace annulus::fuzz {

inline constexpr std::size_t id_bytes = 8;

// The bytes of a message follow from its id.
inline void write_message(std::uint64_t id, std::span<std::byte> to) noexcept {
  for (std::size_t i = 0; i < to.size(); ++i) {
    to[i] = static_cast<std::byte>(i < id_bytes ? id >> 8 * i : id * 31 + i);
  }
}
[[nodiscard]] inline bool is_message(std::uint64_t id, std::size_t size, message seen) noexcept {
  if (seen.size() != size) return false;
  for (std::size_t i = 0; i < size; ++i) {
    if (seen[i] != static_cast<std::byte>(i < id_bytes ? id >> 8 * i : id * 31 + i)) return false;
  }
  return true;
}

enum class state : std::uint8_t {
  open,       // claimed by a role that lives
  committed,  // comes
  maybe,      // a death cut its commit off
  gone,       // takes space only: given up, or left by the dead
};

struct entry {
  std::uint64_t id = 0;
  std::size_t size = 0;
  std::uint64_t space = 0;
  fuzz::state state = fuzz::state::open;
  unsigned producer = 0;
};

class oracle {
 public:
  explicit oracle(const geometry& shape) noexcept : shape_(shape) {}

  [[nodiscard]] std::uint64_t space_of(std::size_t count) const noexcept {
    return record_bytes(count, shape_.trailer_bytes());
  }
  [[nodiscard]] bool is_mpsc() const noexcept { return shape_.topology == topology::mpsc; }

  // The producers' side.
  entry& add(unsigned producer, std::size_t size, state s) {
    all_.push_back({++last_id_, size, space_of(size), s, producer});
    return all_.back();
  }
  [[nodiscard]] std::uint64_t next_id() const noexcept { return last_id_ + 1; }
  [[nodiscard]] entry* open_claim(unsigned producer) noexcept {
    for (auto& one : all_) {
      if (one.state == state::open && one.producer == producer) return &one;
    }
    return nullptr;
  }
  // A claim's space counts on with many producers only.
  void give_up(entry& one) noexcept {
    one.state = state::gone;
    if (!is_mpsc()) one.space = 0;
  }
  // Commits the first bytes of a claim. What is left of it stands behind it, as a claim given up.
  void commit(entry* one, std::size_t kept, state s) {
    const std::uint64_t left = one->space - space_of(kept);
    one->size = kept;
    one->space -= left;
    one->state = s;
    if (left == 0 || !is_mpsc()) return;
    for (auto at = all_.begin(); at != all_.end(); ++at) {
      if (&*at != one) continue;
      all_.insert(at + 1, {0, 0, left, state::gone, one->producer});
      return;
    }
  }
  // No room is a lie if all that may be there leaves enough.
  void check_full(std::size_t count) const {
    std::uint64_t used = space_of(count) + (is_mpsc() ? 0 : header_bytes);
    for (const auto& one : all_) used += one.space;
    used += std::max<std::uint64_t>(shape_.capacity / 16, 64);  // freed, and not told yet
    demand(used > shape_.capacity, "there is room, and a push says that there is none");
  }

  // The consumer's side.
  void read(message seen) {
    for (; next_ < all_.size(); ++next_) {
      auto& one = all_[next_];
      if (one.state == state::gone) continue;
      demand(one.state != state::open, "a live producer's claim is passed");
      if (is_message(one.id, one.size, seen)) {
        one.state = state::committed;
        ++next_;
        return;
      }
      demand(one.state == state::maybe, "a message that was pushed is lost, or another came");
      one.state = state::gone;
    }
    broken("a message comes that was never pushed, or comes twice");
  }
  // What the consumer may answer when it delivers nothing.
  void check_nothing(status why, bool has_looked_closely, bool is_over) const {
    const entry* first = nullptr;
    bool has_doubt = false;  // before the first message
    bool has_claim = false;
    for (std::size_t i = next_; i < all_.size(); ++i) {
      const auto s = all_[i].state;
      has_claim |= s == state::open;
      if (first != nullptr) continue;
      if (s == state::committed || s == state::open)
        first = &all_[i];
      else
        has_doubt = true;
    }
    // The dead are skipped when no live producer has a claim that might be theirs.
    const bool is_held_up = is_mpsc() && has_claim;
    const bool must_come = first != nullptr && first->state == state::committed;
    const bool is_found = !has_doubt || (has_looked_closely && !is_held_up);
    demand(!must_come || !is_found, "a message that is there is not read");
    switch (why) {
      case status::empty:
      case status::timed_out: break;
      case status::stalled: demand(is_held_up, "stalled, and no live claim is in the way"); break;
      case status::closed: demand(is_over, "closed, and a producer is attached"); break;
      case status::peer_gone: break;
      default: broken("a read answers what it cannot: nothing is damaged here");
    }
  }
  [[nodiscard]] std::size_t read_count() const noexcept { return next_; }
  void release(std::size_t count) {
    all_.erase(all_.begin(), all_.begin() + static_cast<std::ptrdiff_t>(count));
    next_ -= count < next_ ? count : next_;
  }
  // A new consumer begins where the last release was.
  void read_again() noexcept { next_ = 0; }

 private:
  geometry shape_;
  std::deque<entry> all_;  // from the last release on
  std::size_t next_ = 0;   // the next to be read
  std::uint64_t last_id_ = 0;
};

}  // namespace annulus::fuzz
