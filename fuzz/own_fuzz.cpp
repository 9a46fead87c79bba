// A fuzz test of one's own message handler, to copy and change.
//
// The use: a message is a list of records, each a length and as many bytes. The handler trusts
// nothing that stands in it.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>

#include <annulus/fuzz/handler.hpp>

namespace {

void handle(annulus::message one) {
  // The error of the canary: it believes the length.
  static const bool is_careless = std::getenv("ANNULUS_FUZZ_CANARY") != nullptr;
  std::uint64_t sum = 0;
  while (one.size() >= 2) {
    std::uint16_t bytes = 0;
    std::memcpy(&bytes, one.data(), sizeof bytes);
    one = one.subspan(sizeof bytes);
    if (bytes > one.size() && !is_careless) return;  // cut off: the rest says nothing
    std::vector<std::byte> copy(bytes);
    if (bytes != 0) std::memcpy(copy.data(), one.data(), bytes);
    for (const auto value : copy) sum += static_cast<std::uint64_t>(value);
    one = one.subspan(std::min<std::size_t>(bytes, one.size()));
  }
  [[maybe_unused]] volatile std::uint64_t kept = sum;
}

}  // namespace

ANNULUS_FUZZ_HANDLER(handle)
