#include "hot_path.hpp"

#include <array>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <vector>

namespace annulus::hot_path {
namespace {

template <std::size_t Bytes, class Producer>
[[gnu::noinline]] bool push_of(Producer& tx, unsigned times) {
  std::byte bytes[Bytes] = {};
  for (; times > 0; --times) {
    const std::uint64_t word = times;
    std::memcpy(bytes, &word, sizeof word);
    if (tx.try_push(bytes) != status::ok) return false;
  }
  return true;
}

constexpr unsigned most = 1 << 20;

}  // namespace

template <class Producer>
bool push(Producer& tx, std::size_t bytes, unsigned times) {
  switch (bytes) {
    case 8: return push_of<8>(tx, times);
    case 16: return push_of<16>(tx, times);
    case 24: return push_of<24>(tx, times);
    case 64: return push_of<64>(tx, times);
    case 128: return push_of<128>(tx, times);
    case 256: return push_of<256>(tx, times);
    default: return false;
  }
}

template <class Producer>
bool push_four(Producer& tx, std::size_t bytes, unsigned times) {
  const std::vector<std::byte> one(bytes);
  const std::array<message, 4> four{one, one, one, one};
  for (; times > 0; --times) {
    if (tx.try_push_batch(four).count != four.size()) return false;
  }
  return true;
}

// As in a program whose own code may throw: then the claim is aborted. It stays in registers.
template <class Producer>
bool claim(Producer& tx, unsigned times) {
  for (; times > 0; --times) {
    auto one = tx.try_claim(8);
    if (!one) return false;
    if (times > most) throw std::out_of_range("so many times");  // while the claim is open
    std::memcpy(one.bytes().data(), &times, sizeof times);
    one.commit();
  }
  return true;
}

template <class Consumer>
bool read(Consumer& rx, unsigned times) {
  std::uint64_t sum = 0;
  for (; times > 0; --times) {
    const auto seen = rx.try_read();
    if (!seen) return false;
    std::uint64_t word;
    std::memcpy(&word, seen.bytes().data(), sizeof word);
    sum += word;
    rx.release();
  }
  return sum != 0;
}

#define ANNULUS_ROLES(producer, consumer)                     \
  template bool push(producer&, std::size_t, unsigned times); \
  template bool push_four(producer&, std::size_t, unsigned);  \
  template bool claim(producer&, unsigned times);             \
  template bool read(consumer&, unsigned times)

ANNULUS_ROLES(spsc_producer, spsc_consumer);
ANNULUS_ROLES(mpsc_producer, mpsc_consumer);
ANNULUS_ROLES(bus_producer, bus_consumer);

}  // namespace annulus::hot_path
