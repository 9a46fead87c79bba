#include <algorithm>
#include <cstring>
#include <optional>
#include <span>
#include <type_traits>

#include <annulus/channel/file.hpp>
#include <annulus/ring/crc32c.hpp>
#include <annulus/ring/dump.hpp>

namespace annulus {
namespace {

using kind = dumped_record::kind;
using place = dumped_record::place;

// The same words, as they lie in the file.
struct plain {
  template <class T>
  using word = T;
};
static_assert(sizeof(control_words<plain>) == sizeof(control_words<std_atomics>));
static_assert(sizeof(producer_words<plain>) == sizeof(producer_words<std_atomics>));

// The data of a ring, read from its file.
class data_file {
 public:
  data_file(int file, const geometry& shape) : file_(file), shape_(shape), block_(block_bytes) {}

  // Past the end, or not to be read: zeros.
  void read(std::uint64_t offset, std::span<std::byte> into) const {
    while (!into.empty()) {
      const auto got = files::read_at(file_, into.data(), into.size(), offset);
      if (got <= 0) {
        std::ranges::fill(into, std::byte{0});
        return;
      }
      offset += static_cast<std::uint64_t>(got);
      into = into.subspan(static_cast<std::size_t>(got));
    }
  }
  [[nodiscard]] std::uint64_t word(std::uint64_t pos) {
    const auto index = index_of(pos);
    if (block_at_ != index / block_bytes) {
      block_at_ = index / block_bytes;
      read(shape_.data_offset + block_at_ * block_bytes, block_);
    }
    std::uint64_t out = 0;
    std::memcpy(&out, block_.data() + index % block_bytes, sizeof out);
    return out;
  }
  // Where the file is written next, from pos on; at most end. Asks once for each block.
  [[nodiscard]] std::uint64_t next_written(std::uint64_t pos, std::uint64_t end) const {
    const auto index = index_of(pos);
    if (index % block_bytes != 0) return pos;
    const auto next = written_from(shape_.data_offset + index);
    const auto to_the_end = shape_.capacity - index;
    const auto skipped =
        next ? std::min(*next - shape_.data_offset - index, to_the_end) : to_the_end;
    return pos + std::min(skipped & ~(record_align - 1), end - pos);
  }
  // Requires: count <= max_message, so that it lies within the data and the extension.
  void payload(std::uint64_t pos, std::span<std::byte> into) const {
    read(shape_.data_offset + index_of(pos) + header_bytes, into);
  }
  [[nodiscard]] bool is_whole(std::uint64_t pos, std::uint64_t count) const {
    if (shape_.trailer_bytes() == 0) return true;
    const auto from = shape_.data_offset + index_of(pos) + header_bytes;
    // A payload that has a checksum was written; a hole of any size is not read through.
    const auto written = kernel::next_data(file_, from, from + count);
    if (written.from != from || written.to != from + count) return false;
    const std::uint64_t start[] = {pos ^ shape_.key, count};
    auto sum = crc32c(0, std::as_bytes(std::span(start)));
    std::vector<std::byte> some(static_cast<std::size_t>(std::min(count, most_at_once)));
    for (std::uint64_t done = 0; done < count;) {
      const auto part = std::span(some).first(
          static_cast<std::size_t>(std::min<std::uint64_t>(some.size(), count - done)));
      read(from + done, part);
      sum = crc32c(sum, part);
      done += part.size();
    }
    std::uint32_t trailer = 0;
    read(from + count, std::as_writable_bytes(std::span(&trailer, 1)));
    return sum == trailer;
  }

 private:
  static constexpr std::uint64_t block_bytes = 4096;
  static constexpr std::uint64_t most_at_once = 1 << 20;

  [[nodiscard]] std::uint64_t index_of(std::uint64_t pos) const noexcept {
    return pos & (shape_.capacity - 1) & ~(record_align - 1);
  }
  // Returns nothing if only a hole follows.
  [[nodiscard]] std::optional<std::uint64_t> written_from(std::uint64_t offset) const {
    const auto next = kernel::next_data(file_, offset, shape_.segment_bytes);
    return next.from == next.to ? std::nullopt : std::optional(next.from);
  }

  int file_;
  const geometry& shape_;
  std::vector<std::byte> block_;
  std::uint64_t block_at_ = ~std::uint64_t{0};
};

class dumper {
 public:
  dumper(const segment& of, const std::function<void(const dumped_record&)>& each)
      : of_(of), shape_(of.geometry()), data_(of.file(), shape_), each_(each) {
    out_.geometry = shape_;
  }

  ring_dump run() {
    read_words();
    if (do_positions_make_sense()) {
      const auto end = walk(out_.read_pos, end_);
      scan(end - shape_.capacity, out_.read_pos, place::consumed);
    } else {
      for (const auto base :
           {out_.read_pos & ~(record_align - 1), out_.write_pos & ~(record_align - 1)}) {
        scan(base - shape_.capacity, base + shape_.capacity, place::stray);
        if (out_.write_pos - out_.read_pos + shape_.capacity <= 2 * shape_.capacity) break;
      }
    }
    if (out_.damaged != 0) {
      problem(std::to_string(out_.damaged) + " unread records or stretches are damaged");
    }
    return std::move(out_);
  }

 private:
  void problem(std::string what) { out_.problems.push_back(std::move(what)); }

  // The words of all roles.

  void read_words() {
    control_words<plain> control;
    data_.read(shape_.control_offset, std::as_writable_bytes(std::span(&control, 1)));
    out_.read_pos = control.consumer.read_pos;
    out_.releasing = control.consumer.releasing;
    out_.write_pos = control.write_pos;
    check_bell("consumer_bell", control.consumer_bell);
    check_bell("producers_bell", control.producers_bell);
    out_.consumer = role("the consumer", control.consumer, consumer_role);
    std::vector<producer_words<plain>> words(shape_.producers);
    data_.read(shape_.producers_offset, std::as_writable_bytes(std::span(words)));
    for (std::uint32_t i = 0; i < shape_.producers; ++i) {
      const auto name = "producer " + std::to_string(i);
      producer_report one{role(name, words[i], producer_role(i))};
      one.has_claim = shape_.topology == topology::mpsc && words[i].announcement != 0;
      if (one.has_claim) one.claim_pos = words[i].announcement - 1;
      if (one.has_claim &&
          (one.claim_pos % record_align != 0 || is_before(out_.write_pos, one.claim_pos))) {
        problem(name + " announces a claim at " + std::to_string(one.claim_pos) +
                ", where none can be");
      }
      out_.producers.push_back(one);
    }
  }
  void check_bell(const char* name, std::uint32_t value) {
    if (value > 3) problem(std::string(name) + " is " + std::to_string(value) + ", not 0 to 3");
  }
  template <class Words>
  role_report role(const std::string& name, const Words& all, std::uint32_t number) {
    const role_words<plain>& words = all.role;
    const counter_words<plain>& counted = all.counters;
    role_report out;
    const bool is_held = of_.is_held(number);
    out_.is_live |= is_held;
    out.incarnation = incarnation_of(words.owner);
    switch (tenure_of(words.owner)) {
      case tenure::vacant: break;
      case tenure::closed: out.state = presence::closed; break;
      case tenure::attached: out.state = is_held ? presence::attached : presence::died; break;
      default: problem(name + " is neither vacant, attached nor closed"); break;
    }
    out.pid = static_cast<std::int32_t>(words.pid);
    out.pid_namespace = namespace_of(all.origin, words.pid);
    out.uid = words.uid;
    out.attached_at = static_cast<std::int64_t>(words.attached_at);
    out.counters = {counted.messages, counted.bytes,     counted.refused, counted.dropped,
                    counted.waits,    counted.recovered, counted.corrupt, counted.high_water};
    return out;
  }

  // A lone producer stores write_pos after it has committed, so the consumer may be ahead of it.
  bool do_positions_make_sense() {
    const auto before = out_.problems.size();
    for (const auto& [name, pos] :
         {std::pair("read_pos", out_.read_pos), std::pair("write_pos", out_.write_pos)}) {
      if (pos % record_align == 0) continue;
      problem(std::string(name) + " " + std::to_string(pos) + " is not a multiple of 8");
    }
    const bool is_ahead = is_before(out_.write_pos, out_.read_pos);
    const auto distance =
        is_ahead ? out_.read_pos - out_.write_pos : out_.write_pos - out_.read_pos;
    if (distance > shape_.capacity || (is_ahead && shape_.topology == topology::mpsc)) {
      problem("read_pos " + std::to_string(out_.read_pos) + " and write_pos " +
              std::to_string(out_.write_pos) + " do not belong together");
    }
    const bool is_sense = out_.problems.size() == before;
    if (is_sense && shape_.topology == topology::mpsc &&
        out_.releasing - out_.read_pos > distance) {
      problem("the consumer zeroes up to " + std::to_string(out_.releasing) +
              ", which is not between the positions");
    }
    end_ = is_ahead ? out_.read_pos : out_.write_pos;
    return is_sense;
  }

  // What stands where.

  // The record that is valid at pos, with `what` and `bytes`; of a message the payload is read.
  std::optional<dumped_record> record_at(std::uint64_t pos, place where) {
    const record_header header(data_.word(pos));
    dumped_record out;
    out.pos = pos;
    out.where = where;
    if (header.is_committed(pos, shape_.key)) {
      if (header.bytes() > shape_.max_message) return std::nullopt;
      out.what = kind::committed;
      out.payload_bytes = header.bytes();
      out.bytes = record_bytes(header.bytes(), shape_.trailer_bytes());
      out.is_whole = data_.is_whole(pos, header.bytes());
      out.head_bytes = std::min<std::size_t>(out.head.size(), header.bytes());
      data_.payload(pos, std::span(out.head).first(out.head_bytes));
      return out;
    }
    if (shape_.topology != topology::mpsc || header.bytes() > shape_.max_claim())
      return std::nullopt;
    out.bytes = claim_bytes(header.bytes());
    if (header.is_aborted(pos, shape_.key)) {
      out.what = kind::aborted;
      return out;
    }
    if (!header.is_busy(pos, shape_.key, shape_.producers)) return std::nullopt;
    out.what = kind::busy;
    out.producer = header.producer(pos, shape_.key);
    return out;
  }

  void report(const dumped_record& one) {
    const bool is_unread = one.where == place::unread || one.where == place::unannounced;
    switch (one.what) {
      case kind::committed:
        if (one.where == place::consumed) ++out_.consumed;
        if (one.where == place::stray) ++out_.stray;
        if (is_unread) ++(one.is_whole ? out_.unread : out_.damaged);
        break;
      case kind::aborted: ++out_.aborted; break;
      case kind::busy:
      case kind::nothing: ++out_.unfinished; break;
      case kind::unreadable: ++out_.damaged; break;
    }
    each_(one);
  }

  // What is unread in [pos, end), and what a lone producer had committed past it. Returns the end.
  std::uint64_t walk(std::uint64_t pos, std::uint64_t end) {
    while (is_before(pos, end)) {
      auto one = record_at(pos, place::unread);
      if (!one) one = gap(pos, end);
      report(*one);
      pos += one->bytes;
    }
    const auto limit = out_.read_pos + shape_.capacity;
    while (shape_.topology == topology::spsc && is_before(pos, limit)) {
      const auto one = record_at(pos, place::unannounced);
      if (!one || is_before(limit, pos + one->bytes)) break;
      report(*one);
      pos += one->bytes;
    }
    return pos;
  }
  dumped_record gap(std::uint64_t pos, std::uint64_t end) {
    dumped_record out;
    out.pos = pos;
    bool is_zero = true;
    auto at = pos;
    while (is_before(at, end)) {
      const auto next = data_.next_written(at, end);
      if (next != at) {
        at = next;
        continue;
      }
      const auto word = data_.word(at);
      if (word != 0 && at != pos && record_at(at, place::unread)) break;
      is_zero &= word == 0;
      at += record_align;
    }
    out.bytes = at - pos;
    out.what = is_zero && shape_.topology == topology::mpsc ? kind::nothing : kind::unreadable;
    return out;
  }
  // What is valid at its own position in [pos, end), wherever it starts.
  void scan(std::uint64_t pos, std::uint64_t end, place where) {
    while (is_before(pos, end)) {
      const auto next = data_.next_written(pos, end);
      if (next != pos) {
        pos = next;
        continue;
      }
      const auto one = data_.word(pos) == 0 ? std::nullopt : record_at(pos, where);
      if (one && !is_before(end, pos + one->bytes)) report(*one);
      pos += one ? one->bytes : record_align;
    }
  }

  const segment& of_;
  const geometry& shape_;
  data_file data_;
  const std::function<void(const dumped_record&)>& each_;
  ring_dump out_;
  std::uint64_t end_ = 0;
};

}  // namespace

std::string_view to_string(dumped_record::kind k) noexcept {
  switch (k) {
    case kind::committed: return "message";
    case kind::aborted: return "aborted claim";
    case kind::busy: return "unfinished claim";
    case kind::nothing: return "claim without header";
    case kind::unreadable: return "unreadable";
  }
  return "unknown";
}

std::string_view to_string(dumped_record::place p) noexcept {
  switch (p) {
    case place::unread: return "unread";
    case place::unannounced: return "unannounced";
    case place::consumed: return "consumed";
    case place::stray: return "stray";
  }
  return "unknown";
}

result<ring_dump> dump(const segment& of, const std::function<void(const dumped_record&)>& each) {
  if (of.file() < 0) {
    return failure{fault::bad_argument, "only a segment in a file is dumped"};
  }
  return dumper(of, each).run();
}

}  // namespace annulus
