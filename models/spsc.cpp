// One producer, one consumer.
#include "roles.hpp"

namespace annulus::models {
namespace {

struct spsc : ring_model<spsc, 1, basic_spsc_producer, basic_spsc_consumer> {};

constexpr unsigned every_way = whole | pieces | claims | shorter | aborts | batches;

constexpr model all[] = {
    {"little",
     "every interleaving of a push and a read, every stale value",
     {search::full, 0, 0},
     {.pushes = 1, .reads = 1, .lengths = 1, .looks = 0, .refills = false, .wraps = false}},
    {"switches",
     "few forced switches between three pushes and three reads",
     {search::bounded, 4, 5},
     {.pushes = 3, .reads = 3, .lengths = 1, .looks = 0, .refills = false, .wraps = false}},
    {"messages",
     "laps of every phase of lengths",
     {search::random, 800'000, 80'000'000},
     {.pushes = 5, .reads = 6, .ways = whole | pieces, .releases = 3}},
    {"ways",
     "every way to push",
     {search::random, 800'000, 80'000'000},
     {.pushes = 4, .reads = 5, .ways = every_way, .lengths = 4, .releases = 3}},
    {"checksums",
     "messages with a checksum",
     {search::random, 200'000, 20'000'000},
     {.integrity = integrity::crc32c, .pushes = 4, .reads = 5, .ways = every_way & ~shorter}},
    {"deaths",
     "both sides die at any access, and are replaced",
     {search::random, 1'200'000, 120'000'000},
     {.pushes = 6,
      .reads = 6,
      .ways = every_way,
      .producer_deaths = 3,
      .consumer_deaths = 2,
      .life = 24,
      .releases = 3}},
    {"lines",
     "deaths in a ring of two cache lines, with checksums: lines are taken over",
     {search::random, 400'000, 40'000'000},
     {.capacity = 128,
      .integrity = integrity::crc32c,
      .pushes = 6,
      .reads = 6,
      .ways = every_way & ~shorter,
      .producer_deaths = 3,
      .consumer_deaths = 2,
      .life = 24,
      .releases = 2}},
    {"steps",
     "a ring of two cache lines: the producer goes on in steps",
     {search::random, 400'000, 40'000'000},
     {.capacity = 128, .pushes = 7, .reads = 7, .ways = every_way, .releases = 3}},
};

}  // namespace
}  // namespace annulus::models

int main(int argc, char** argv) {
  return annulus::models::main_of<annulus::models::spsc>(annulus::models::all, argc, argv);
}
