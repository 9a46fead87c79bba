#include "cli/splitter.hpp"

#include "cli/exit_code.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace annulus::cli {
namespace {

constexpr std::size_t usual_read = 256 << 10;
constexpr std::uint64_t usual_chunk = 32 << 10;

std::uint32_t little_endian(const std::byte* at) noexcept {
  std::uint32_t value = 0;
  for (unsigned i = 0; i < frame_header_bytes; ++i) {
    value |= std::to_integer<std::uint32_t>(at[i]) << (8 * i);
  }
  return value;
}

}  // namespace

std::uint64_t taker::chunk(std::uint64_t asked) const {
  if (asked > max_message) {
    end_with(exit_code::usage, "--chunk {} is more than {} takes in a message, {}", asked, name,
             max_message);
  }
  return asked != 0 ? asked : std::min(usual_chunk, max_message);
}

splitter::splitter(file& from, framing how, taker to, std::uint64_t chunk)
    : from_(from),
      how_(how),
      to_(std::move(to)),
      held_(how == framing::bytes ? chunk : usual_read) {}

messages splitter::next() {
  count_ += found_.size();
  found_.clear();
  if (how_ == framing::bytes) {
    read_chunk();
    return found_;
  }
  for (;;) {
    cut();
    if (!found_.empty()) return found_;
    if (is_at_end_) {
      finish();
      return found_;
    }
    refill();
  }
}

void splitter::read_chunk() {
  if (is_at_end_) return;
  const auto got = from_.read_full(held_);
  is_at_end_ = got < held_.size();
  if (got > 0) found_.emplace_back(held_.data(), got);
}

void splitter::cut() { how_ == framing::lines ? cut_lines() : cut_frames(); }

void splitter::cut_lines() {
  while (searched_ < end_) {
    const auto* const from = held_.data() + searched_;
    const auto* const stop =
        static_cast<const std::byte*>(std::memchr(from, '\n', end_ - searched_));
    const auto line_end = stop != nullptr ? static_cast<std::size_t>(stop - held_.data()) : end_;
    if (line_end - begin_ > to_.max_message) {
      if (!found_.empty()) return;
      too_long(line_end - begin_);
    }
    searched_ = line_end;
    if (stop == nullptr) return;
    found_.emplace_back(held_.data() + begin_, line_end - begin_);
    begin_ = searched_ = line_end + 1;
  }
}

void splitter::cut_frames() {
  while (end_ - begin_ >= frame_header_bytes) {
    const auto* const at = held_.data() + begin_;
    const std::uint64_t bytes = little_endian(at);
    if (bytes > to_.max_message) {
      if (!found_.empty()) return;
      too_long(bytes);
    }
    if (end_ - begin_ - frame_header_bytes < bytes) return;
    found_.emplace_back(at + frame_header_bytes, bytes);
    begin_ += frame_header_bytes + bytes;
  }
}

// What is left when the input has ended: a last line without its end, or half a frame.
void splitter::finish() {
  if (begin_ == end_) return;
  if (how_ == framing::frames) {
    end_with(exit_code::damaged,
             "the input ends within frame {}, {} bytes into it; the {} before it were sent",
             count_ + 1, end_ - begin_, count_);
  }
  found_.emplace_back(held_.data() + begin_, end_ - begin_);
  begin_ = searched_ = end_;
}

// Brings in more, behind what is left over.
void splitter::refill() {
  std::memmove(held_.data(), held_.data() + begin_, end_ - begin_);
  searched_ -= std::min(searched_, begin_);
  end_ -= begin_;
  begin_ = 0;
  if (held_.size() - end_ < usual_read / 2) held_.resize(2 * held_.size());
  const auto got = from_.read_some(std::span(held_).subspan(end_));
  is_at_end_ = got == 0;
  end_ += got;
}

void splitter::too_long(std::uint64_t bytes) const {
  const bool is_line = how_ == framing::lines;
  end_with(
      exit_code::failure,
      "{} {} has {}{} bytes, {} takes messages up to {}; the {} before it were sent; {}{}",
      is_line ? "line" : "frame", count_ + 1, is_line ? "at least " : "", bytes, to_.name,
      to_.max_message, count_, to_.advice,
      is_line
          ? ""
          : ", or is this no stream of frames (length, 4 bytes little endian, and as many bytes)?");
}

}  // namespace annulus::cli
