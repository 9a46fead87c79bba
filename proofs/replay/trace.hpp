// What a traced role did, one line each: the trace that replay.ml and replay_many.ml read.
//
//     ring capacity max_message first_pos key CHECKSUM [PRODUCERS]   bytes; CHECKSUM: how long one
//     is; PRODUCERS: of many, how many they are. The data's words as they are:
//     init INDEX VALUE
//     P enter | P dies | C enter | C dies           a role's lives
//     P claim WORDS | P abort                       its caller claims, gives the claim up
//     P load publish acquire D3 VALUE STORE PLACE   STORE: which store of D3 was read; - is unknown
//     P store | exchange | put EDGE ORDER LOCATION VALUE - PLACE
//     C get - - D3 VALUE - PLACE                    payload: plain memory (P: for its checksum)
//     C answers closed - - 0 - PLACE                what its caller is told instead of a message
//     end
//
//     unordered                                     only the lines of each role are in order
//
//     C asks - - A1 HELD - PLACE                    (many) of the kernel: whether producer 1 lives
//
// Locations: D0, D1, ... words of the data and its extension; WP write_pos, RP read_pos, FR freed,
// AN announcement, OW the producer's owner word, RO roll. Of many producers: roles P0, P1, ..., RM
// releasing, A0, A1, ... announcements, O0, O1, ... owner words. The other words have the names
// that projected.txt and projected_many.txt list: the protocol knows nothing of them.
#pragma once

#include "names.hpp"

#include <array>
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <cstring>

#include <annulus/ring/memory.hpp>

namespace annulus::replay {

// The ring whose traces are taken: so small that records often cross its end.
constexpr std::uint64_t key = 0x5ea15ea15ea15ea1;
constexpr std::uint64_t capacity = 128, max_message = 24;

inline geometry small_ring(topology of, std::uint32_t producers, std::uint64_t first_pos) {
  geometry made{};
  made.topology = of;
  made.capacity = capacity;
  made.max_message = max_message;
  made.first_pos = first_pos;
  made.key = key;
  made.producers = producers;
  return made;
}

using models::name_of;

// The name of a word: of the data by its index, of the others by where they lie.
struct location {
  std::array<char, 12> name{};

  static location data(std::uint64_t word) {
    location made;
    std::snprintf(made.name.data(), made.name.size(), "D%" PRIu64, word);
    return made;
  }
  static location of(const char* name) {
    location made;
    std::strncpy(made.name.data(), name, made.name.size() - 1);
    return made;
  }
};

// Calls f(word, name) for each word that a role tells to people.
template <class Words, class F>
void for_each_word_of(Words& of, F f) {
  f(of.role.attached_at, "told.at");
  f(of.role.pid, "told.pid");
  f(of.role.uid, "told.uid");
  for (auto* word : {&of.counters.messages, &of.counters.bytes, &of.counters.refused,
                     &of.counters.dropped, &of.counters.waits, &of.counters.recovered,
                     &of.counters.corrupt, &of.counters.high_water, &of.counters.counted_to}) {
    f(*word, "counter");
  }
}

// Calls f(word, name) for each word of a ring but the data.
template <class Atomics, class F>
void for_each_word(const ring_memory<Atomics>& ring, F f) {
  constexpr const char* announcements[] = {"A0", "A1", "A2", "A3"};
  constexpr const char* owners[] = {"O0", "O1", "O2", "O3"};
  const bool is_many = ring.geometry.topology == topology::mpsc;
  auto& control = *ring.control;
  f(control.write_pos, "WP");
  f(control.consumer.read_pos, "RP");
  f(control.freed, "FR");
  f(control.roll, "RO");
  for (std::uint32_t i = 0; i < ring.geometry.producers; ++i) {
    f(ring.producers[i].announcement, is_many ? announcements[i] : "AN");
    f(ring.producers[i].role.owner, is_many ? owners[i] : "OW");
    for_each_word_of(ring.producers[i], f);
  }
  for_each_word_of(control.consumer, f);
  f(control.consumer_bell, "bell.c");
  f(control.producers_bell, "bell.p");
  f(control.consumer.releasing, is_many ? "RM" : "releasing");
  f(control.consumer.stalled_since, "stalled");
  f(control.consumer.role.owner, "owner.c");
}

}  // namespace annulus::replay
