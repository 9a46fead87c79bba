// Prints samples of the shipped layout, which layout.ml computes again with what Coq has.
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <random>

#include <annulus/ring/atomics.hpp>
#include <annulus/ring/memory.hpp>

namespace {

using annulus::record_header;

void header(std::uint64_t key, std::uint64_t pos, std::uint64_t bytes) {
  std::printf("committed %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", key, pos, bytes,
              record_header::committed(bytes, pos, key));
}
void read(std::uint64_t key, std::uint64_t pos, std::uint64_t word) {
  const record_header one(word);
  std::printf("read %" PRIu64 " %" PRIu64 " %" PRIu64 " %d %" PRIu64 "\n", key, pos, word,
              one.is_committed(pos, key), one.bytes());
}

// A header of many producers: aborted, or busy with its producer's number.
void stamped(std::uint64_t key, std::uint64_t pos, std::uint64_t bytes, std::uint32_t producer,
             std::uint64_t word) {
  std::printf("stamped %" PRIu64 " %" PRIu64 " %" PRIu64 " %u %" PRIu64 "\n", key, pos, bytes,
              producer, word);
}

}  // namespace

int main() {
  std::mt19937_64 random(20240501);  // the same samples each time
  for (int i = 0; i < 300; ++i) {
    const auto key = random();
    const auto pos =
        i % 3 == 0 ? (0 - random() % 4096) & ~std::uint64_t{7} : random() & ~std::uint64_t{7};
    const auto bytes =
        i % 4 == 0 ? annulus::largest_payload - random() % 9 : random() >> (24 + random() % 40);
    header(key, pos, bytes);
    const auto word = record_header::committed(bytes, pos, key);
    read(key, pos, word);
    read(key, pos ^ (std::uint64_t{1} << random() % 64), word);
    read(key, pos, word ^ (std::uint64_t{1} << random() % 64));
    read(key, pos, random());
    read(key, pos, record_header::aborted(bytes, pos, key));
    stamped(key, pos, bytes, 0, record_header::aborted(bytes, pos, key));
    const auto producer = static_cast<std::uint32_t>(random() % 1024);
    stamped(key, pos, bytes, producer, record_header::busy(bytes, pos, key, producer));
    const auto length = random() % 5000;
    std::printf("record %" PRIu64 " %" PRIu64 "\n", length, annulus::record_bytes(length, 0));
    annulus::ring_memory<annulus::std_atomics> ring;
    ring.geometry.capacity = std::uint64_t{4096} << random() % 20;
    std::printf("index %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", ring.geometry.capacity, pos,
                ring.index_of(pos));
    const auto other =
        random() % 2 == 0 ? random() & ~std::uint64_t{7} : pos + 8 * (random() % 64) - 256;
    std::printf("before %" PRIu64 " %" PRIu64 " %d %" PRIu64 "\n", pos, other,
                annulus::is_before(pos, other), pos - other);
  }
}
