// Prints samples of the shipped layout, which layout.ml computes again with what Coq has.
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <random>

#include <annulus/ring/atomics.hpp>
#include <annulus/ring/geometry.hpp>
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

// How the header of a claim of many producers is read, by one who knows of `producers`.
void taken(std::uint64_t key, std::uint64_t pos, std::uint32_t producers, std::uint64_t word) {
  const record_header one(word);
  const bool is_busy = one.is_busy(pos, key, producers);
  std::printf("taken %" PRIu64 " %" PRIu64 " %u %" PRIu64 " %d %d %u %" PRIu64 "\n", key, pos,
              producers, word, one.is_aborted(pos, key), is_busy,
              is_busy ? one.producer(pos, key) : 0, annulus::claim_bytes(one.bytes()));
}

// Where things lie in a ring as it is planned: the room for data, and a payload's place in it.
void places(std::uint64_t capacity, std::uint64_t max_message, annulus::integrity checked,
            std::uint64_t pos) {
  annulus::ring_options options;
  options.capacity = capacity;
  options.max_message = max_message;
  options.integrity = checked;
  const auto planned = annulus::plan_geometry(options);
  if (!planned) return;
  annulus::ring_memory<annulus::std_atomics> ring;
  ring.geometry = *planned;
  static std::byte base[8];
  ring.data = annulus::std_atomics::area(base);
  std::printf("room %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", capacity, max_message,
              ring.geometry.trailer_bytes(),
              ring.geometry.segment_bytes - ring.geometry.data_offset);
  const auto payload = ring.payload(pos, 1);
  std::printf("payload %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", capacity, pos,
              static_cast<std::uint64_t>(payload.data() - base));
  const auto all = annulus::header_bytes + pos % ring.geometry.max_claim() / 8 * 8;
  std::printf("claim %" PRIu64 " %" PRIu64 "\n", all,
              record_header(ring.busy(all, pos, 1)).bytes());
  std::printf("claim %" PRIu64 " %" PRIu64 "\n", all,
              record_header(ring.aborted(all, pos)).bytes());
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
    taken(key, pos, 64, record_header::aborted(bytes, pos, key));
    taken(key, pos, 64, record_header::busy(bytes, pos, key, producer % 128));
    taken(key, pos, 64, word ^ (std::uint64_t{1} << random() % 64));
    const auto length = random() % 5000;
    std::printf("record %" PRIu64 " 0 %" PRIu64 "\n", length, annulus::record_bytes(length, 0));
    std::printf("record %" PRIu64 " 4 %" PRIu64 "\n", length,
                annulus::record_bytes(length, annulus::crc_bytes));
    places(std::uint64_t{65536} << random() % 4, 1 + random() % 9000,
           i % 2 == 0 ? annulus::integrity::structure : annulus::integrity::crc32c, pos);
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
