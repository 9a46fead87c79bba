// Any bytes as the command's input, cut into lines or frames: the same as a plain loop cuts them.
//
//     u8 how   1: frames, else lines   u16 the largest message   the rest: the stream
#include "cli/exit_code.hpp"
#include "cli/splitter.hpp"
#include "input.hpp"
#include "target.hpp"
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <vector>

namespace annulus::fuzz {
namespace {

using bytes = std::vector<std::byte>;

// What comes out of a stream: the messages before its end, or before its first error.
struct outcome {
  std::vector<bytes> messages;
  bool is_whole = true;
  friend bool operator==(const outcome&, const outcome&) = default;
};

outcome plain_lines(std::span<const std::byte> in, std::size_t most) {
  outcome out;
  while (!in.empty()) {
    const auto end = std::find(in.begin(), in.end(), std::byte{'\n'});
    const auto size = static_cast<std::size_t>(end - in.begin());
    if (size > most) {
      out.is_whole = false;
      break;
    }
    out.messages.emplace_back(in.begin(), end);
    in = in.subspan(std::min(size + 1, in.size()));
  }
  return out;
}
outcome plain_frames(std::span<const std::byte> in, std::size_t most) {
  outcome out;
  while (!in.empty()) {
    input header(in);
    const std::size_t size = header.take<std::uint32_t>();
    if (in.size() < 4 || size > most || in.size() - 4 < size) {
      out.is_whole = false;
      break;
    }
    out.messages.emplace_back(in.begin() + 4, in.begin() + 4 + static_cast<std::ptrdiff_t>(size));
    in = in.subspan(4 + size);
  }
  return out;
}

outcome split(const std::string& path, cli::framing how, std::size_t most) {
  outcome out;
  auto from = cli::file::for_reading(path);
  cli::splitter cut(from, how, {"here", most, "send less"});
  try {
    for (auto some = cut.next(); !some.empty(); some = cut.next()) {
      for (const auto one : some) out.messages.emplace_back(one.begin(), one.end());
    }
  } catch (const cli::command_error& e) {
    demand(!e.message.empty(), "a refusal says nothing");
    out.is_whole = false;
  }
  return out;
}

void run(input& in) {
  static const int file = memfd_create("stream", MFD_CLOEXEC);
  static const std::string path = "/proc/self/fd/" + std::to_string(file);
  const auto how = in.flag() ? cli::framing::frames : cli::framing::lines;
  const std::size_t most = in.take<std::uint16_t>();
  const auto stream = in.rest();
  demand(ftruncate(file, 0) == 0 &&
             pwrite(file, stream.data(), stream.size(), 0) == static_cast<ssize_t>(stream.size()),
         "no stream");
  auto expected =
      how == cli::framing::frames ? plain_frames(stream, most) : plain_lines(stream, most);
  if (has_canary() && expected.messages.size() > 3 && expected.messages[3].size() == 3) {
    planted();
    expected.messages.pop_back();
  }
  demand(split(path, how, most) == expected, "a stream is cut elsewhere than where it says");
}

}  // namespace
}  // namespace annulus::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t count) {
  annulus::fuzz::input in(data, count);
  annulus::fuzz::run(in);
  return 0;
}
