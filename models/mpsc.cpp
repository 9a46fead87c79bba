// Many producers, one consumer.
#include "roles.hpp"

namespace annulus::models {
namespace {

struct mpsc : ring_model<mpsc, 2, basic_mpsc_producer, basic_mpsc_consumer> {};

constexpr unsigned every_way = whole | pieces | claims | shorter | aborts | batches;

constexpr model all[] = {
    {"switches",
     "few forced switches between two producers of a message each and two reads",
     {search::bounded, 2, 3},
     {.pushes = 1, .reads = 2, .lengths = 1, .looks = 1, .refills = false, .wraps = false}},
    {"messages",
     "laps of every phase of lengths",
     {search::random, 800'000, 80'000'000},
     {.pushes = 3, .reads = 6, .ways = whole | pieces, .releases = 3}},
    {"ways",
     "every way to push",
     {search::random, 800'000, 80'000'000},
     {.pushes = 3, .reads = 6, .ways = every_way, .lengths = 4, .releases = 3}},
    {"checksums",
     "messages with a checksum",
     {search::random, 200'000, 20'000'000},
     {.integrity = integrity::crc32c, .pushes = 3, .reads = 5, .ways = every_way & ~shorter}},
    {"deaths",
     "producers and consumer die at any access, and are replaced",
     {search::random, 1'600'000, 160'000'000},
     {.pushes = 4,
      .reads = 7,
      .ways = every_way,
      .producer_deaths = 2,
      .consumer_deaths = 2,
      .life = 24,
      .releases = 3}},
    {"lines",
     "deaths in a ring of two cache lines, with checksums: long stretches are zeroed",
     {search::random, 400'000, 40'000'000},
     {.capacity = 128,
      .max_message = 24,
      .integrity = integrity::crc32c,
      .pushes = 4,
      .reads = 8,
      .ways = every_way & ~shorter,
      .producer_deaths = 2,
      .consumer_deaths = 2,
      .life = 28,
      .releases = 4}},
    {"hoard",
     "the consumer reads whole laps before it releases",
     {search::random, 400'000, 40'000'000},
     {.pushes = 4, .reads = 9, .looks = 4, .releases = 12}},
    {"slow",
     "a producer that is only slow is not robbed while the other dies",
     {search::random, 400'000, 40'000'000},
     {.pushes = 2, .reads = 8, .ways = whole, .producer_deaths = 1, .life = 12, .looks = 1}},
};

}  // namespace
}  // namespace annulus::models

int main(int argc, char** argv) {
  return annulus::models::main_of<annulus::models::mpsc>(annulus::models::all, argc, argv);
}
