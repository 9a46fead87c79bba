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

}  // namespace annulus
