// Marks in messages, and the file that says what was seen: of the product's making, in any order of
// use, held to a map; and with any bytes in it, where only bounds hold.
//
//     u8 how   1: the file is spoiled   then steps: u8 what, u8 stream, i8 distance
#include "input.hpp"
#include "scratch.hpp"
#include "target.hpp"

#include <array>
#include <map>
#include <optional>
#include <vector>

#include <annulus/bus/dedup.hpp>

namespace annulus::fuzz {
namespace {

using bus::seen_list;

void check_mark(message some) {
  const auto found = bus::mark_in(some);
  if (!found) return;
  const auto head = bus::head_of(*found);
  demand(std::equal(head.begin(), head.end(), some.begin()), "a mark is read that was not written");
}

// What the list should know of a stream.
struct knowledge {
  std::optional<std::uint64_t> noted, delivered;
};

class list {
 public:
  list(std::string path, bool is_spoiled) : path_(std::move(path)), is_spoiled_(is_spoiled) {}

  // False: the file is refused.
  bool open() {
    held_.reset();
    auto made = seen_list::open(path_);
    if (!made) {
      demand(!made.error().message.empty(), "a refusal says nothing");
      demand(is_spoiled_, "the list's own file is refused");
      return false;
    }
    held_.emplace(std::move(*made));
    held_->take_up();
    for (auto& [stream, known] : streams_) known.delivered = known.noted;
    return true;
  }

  void see(const message_mark& mark) {
    auto& known = streams_[mark.stream];
    const bool is_expected =
        !known.delivered || static_cast<std::int64_t>(mark.sequence - *known.delivered) > 0;
    const bool is_new = held_->is_new(mark);
    demand(is_spoiled_ || is_new == is_expected, "a message comes twice, or is dropped unread");
    if (is_new) known.delivered = mark.sequence;
  }
  void release() {
    std::size_t ahead = 0;
    for (auto& [stream, known] : streams_) ahead += known.noted != known.delivered;
    if (has_canary() && ahead >= 3)
      planted();  // and nothing is noted
    else
      held_->note_released();
    for (auto& [stream, known] : streams_) known.noted = known.delivered;
  }
  // As long as a stream lasts, its next number.
  [[nodiscard]] std::uint64_t near(std::uint64_t stream, std::int8_t distance) {
    const auto& known = streams_[stream].delivered;
    return known.value_or(~std::uint64_t{0} << 4) + static_cast<std::uint64_t>(distance);
  }

 private:
  std::string path_;
  bool is_spoiled_;
  std::optional<seen_list> held_;
  std::map<std::uint64_t, knowledge> streams_;
};

void run(input& in) {
  const auto path = scratch_folder() + "/seen";
  unlink(path.c_str());
  const bool is_spoiled = in.flag();
  list seen(path, is_spoiled);
  if (is_spoiled && in.flag()) write_at(path, 0, in.bytes(40));
  if (!seen.open()) return;
  for (unsigned steps = 0; !in.is_over() && steps < 200; ++steps) {
    const auto what = in.take<std::uint8_t>();
    switch (what % 8) {
      case 0: seen.release(); break;
      case 1:
        if (!seen.open()) return;
        break;
      case 2:
        if (is_spoiled) write_at(path, in.take<std::uint16_t>() % 24576, in.bytes(what / 8));
        break;
      case 3: check_mark(in.bytes(what / 8 + 8)); break;
      default: {
        // Streams of every number: 0 is one that has none.
        const std::uint64_t stream = in.take<std::uint8_t>() * 0x0123456789abcdefULL;
        seen.see({stream + 1, seen.near(stream + 1, in.take<std::int8_t>())});
      }
    }
  }
}

// A peer that repeats for ever keeps nobody.
void check_repetition(input& in) {
  const std::array<std::byte, 64> one{};
  const std::uint64_t most = in.take<std::uint16_t>();
  std::uint64_t reads = 0;
  const auto seen = bus::first_delivered(
      [&] {
        ++reads;
        return view(message(one));
      },
      [&](message) { return std::optional<view>(); }, no_deadline, most);
  demand(!seen && reads <= most / one.size() + 1, "repeats keep a reader");
}

}  // namespace
}  // namespace annulus::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t count) {
  annulus::fuzz::input in(data, count);
  annulus::fuzz::check_mark(std::as_bytes(std::span(data, count)));
  annulus::fuzz::check_repetition(in);
  annulus::fuzz::run(in);
  return 0;
}
