#include <bit>

#include <annulus/channel/limits.hpp>

namespace annulus {
namespace {

// Says that `what` has a value, and which values there are.
std::string outside(const std::string& what, std::uint64_t value, const std::string& range,
                    std::uint64_t least, std::uint64_t most) {
  return what + " " + std::to_string(value) + " is not " + range + std::to_string(least) + " and " +
         std::to_string(most);
}

}  // namespace

std::string broken_limit(std::uint64_t capacity, std::uint64_t max_message, std::uint32_t producers,
                         std::uint32_t most_producers) {
  if (!std::has_single_bit(capacity) || capacity < min_capacity || capacity > max_capacity) {
    return outside("capacity", capacity, "a power of two between ", min_capacity, max_capacity);
  }
  if (max_message < 1 || max_message > capacity / 2) {
    return "max_message " + std::to_string(max_message) +
           " is not between 1 and half the capacity, " + std::to_string(capacity / 2);
  }
  if (producers < 1 || producers > most_producers) {
    return outside("producers", producers, "between ", 1, most_producers);
  }
  return {};
}

std::optional<failure> geometry_check::failed_by(bool has_magic, std::uint32_t its_version,
                                                 std::uint64_t its_checksum) const {
  const auto number = [](std::uint64_t n) { return std::to_string(n); };
  if (!has_magic) {
    return failure{fault::not_a_channel, what + " is not " + std::string(kind) +
                                             ": it does not start with the magic word; remove it "
                                             "or choose another name"};
  }
  if (its_version != version) {
    return failure{fault::incompatible,
                   what + " has layout version " + number(its_version) +
                       ", this library reads version " + number(version) +
                       "; use it with the library that made it, or make it anew"};
  }
  if (its_checksum != checksum) {
    return failure{fault::damaged, what + " has a damaged geometry: its checksum is " +
                                       number(its_checksum) + ", expected " + number(checksum) +
                                       "; remove it and make it anew"};
  }
  if (!broken.empty()) {
    return failure{fault::damaged, what + " has an impossible geometry: " + broken +
                                       "; remove it and make it anew"};
  }
  if (bytes < needed) {
    return failure{fault::damaged, what + " is truncated: it has " + number(bytes) +
                                       " bytes, its geometry tells " + number(needed) +
                                       "; remove it and make it anew"};
  }
  return std::nullopt;
}

failure too_short_for_a_geometry(const std::string& what, std::string_view kind,
                                 std::int64_t bytes) {
  return {fault::not_a_channel, what + " is not " + std::string(kind) + ": it has only " +
                                    std::to_string(bytes) +
                                    " bytes; remove it or choose another name"};
}

}  // namespace annulus
