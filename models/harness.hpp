// A model is a small ring in modelled memory, threads that use it, and a ledger that says what they
// should have seen. This file holds the ring, the command line, and the search.
#pragma once

#include "statistics.hpp"

#include <annulus/ring/memory.hpp>

namespace annulus::models {

// The bounds of a model. Each model says why they suffice.
struct bounds {
  std::uint64_t capacity = 64;     // bytes: eight words, so a few records make a lap
  std::uint64_t max_message = 16;  // records of one, two and three words: every phase of a wrap
  annulus::integrity integrity = integrity::structure;
  unsigned pushes = 3;           // attempts of each producer
  unsigned reads = 4;            // attempts of the consumer
  unsigned ways = 1;             // a set of `way`
  unsigned lengths = 3;          // how many of the lengths 0, 8, 16, 5
  unsigned producer_deaths = 0;  // at most, of each producer
  unsigned consumer_deaths = 0;  // at most
  unsigned life = 30;            // a death falls within so many accesses of a life
  unsigned looks = 2;            // one read in so many is a closer look; 0: none
  unsigned releases = 1;         // one read in so many is followed by a release
  bool closes = false;           // consumers close
  bool interrupts = false;       // roles end without closing, by an interrupt of each other's waits
  bool is_late = false;          // one side comes when the other sleeps already
  bool refills = true;           // at the end, the ring is filled to the brim once more
  bool wraps = true;             // some executions start just below 2^64
};

inline bounds within;  // of this run

enum class search : std::uint8_t { random, bounded, full };

struct effort {
  search how = search::random;
  std::uint64_t count = 0;    // executions (random), forced switches (bounded)
  std::uint64_t nightly = 0;  // the same, with ANNULUS_MODELS=nightly
};

// The memory of one ring.
struct modelled_ring {
  static constexpr unsigned most_producers = 2;

  model_atomics::words data;
  model_atomics::locks locks;
  control_words<model_atomics> control;
  producer_words<model_atomics> producers[most_producers];
  ring_memory<model_atomics> memory;

  void start(topology kind, std::uint32_t producer_count) {
    constexpr std::uint64_t just_below = ~std::uint64_t{0} - 23;  // three words to go, or eight
    const std::uint64_t starts[] = {64 * 6 + 40, just_below, just_below - 40};
    const auto first = starts[within.wraps ? rl::rand(3) : 0];

    geometry& shape = memory.geometry;
    shape.topology = kind;
    shape.capacity = within.capacity;
    shape.max_message = within.max_message;
    shape.first_pos = first;
    shape.key = 0x5ea15ea15ea15ea1;
    shape.producers = producer_count;
    shape.integrity = within.integrity;

    data.first_pos = first;
    data.capacity = within.capacity;
    data.key = shape.key;
    data.max_message = within.max_message;
    // Free space is zero where producers are many. For a lone one it is what earlier laps left.
    for (std::uint64_t i = 0; i < model_atomics::words::most; ++i) {
      const bool is_stale = kind == topology::spsc && i * 8 != memory.index_of(first);
      data.all[i].start_as_data(is_stale ? data.disguised(i * 8, static_cast<unsigned>(i), 0) : 0);
    }
    locks.start();

    memory.control = &control;
    memory.producers = producers;
    memory.data = model_atomics::area(data);
    memory.witness = model_atomics::witness(locks);
    start_words(first, kind, producer_count);
  }

  // For models in which a peer writes anything.
  void forget_rules() {
    for (auto& word : data.all) word.forget_rules();
    control.write_pos.forget_rules();
    control.consumer.read_pos.forget_rules();
    control.freed.forget_rules();
    control.consumer.releasing.forget_rules();
    producers[0].announcement.forget_rules();
  }

 private:
  void start_words(std::uint64_t first, topology kind, std::uint32_t producer_count) {
    const bool many = kind == topology::mpsc;
    control.write_pos.start(first, many ? stores::exchanges : stores::ordered);
    control.freed.start(first, stores::ordered);
    control.consumer_bell.start(0, stores::any);
    control.producers_bell.start(0, stores::any);
    control.roll.start(0, stores::exchanges);
    auto& consumer = control.consumer;
    consumer.read_pos.start(first, stores::ordered);
    consumer.releasing.start(first, stores::ordered);
    consumer.stalled_since.start(0, stores::ordered);
    start_role(consumer.role);
    start_counters(consumer.counters, first);
    for (std::uint32_t i = 0; i < producer_count; ++i) {
      producers[i].announcement.start(0, stores::ordered);
      start_role(producers[i].role);
      start_counters(producers[i].counters, first);
    }
  }
  static void start_role(role_words<model_atomics>& role) {
    role.owner.start(0, stores::any);
    role.attached_at.start(0, stores::ordered);
    role.pid.start(0, stores::ordered);
    role.uid.start(0, stores::ordered);
  }
  static void start_counters(tally_words<model_atomics>& words, std::uint64_t first) {
    words.counted_to.start(first, stores::ordered);
    for (auto* word : {&words.messages, &words.bytes, &words.refused, &words.dropped, &words.waits,
                       &words.recovered, &words.corrupt, &words.high_water}) {
      word->start(0, stores::ordered);
    }
  }
};

// What a model's thread may not do again when its successor takes over.
inline void begin_execution() {
  for (life& one : lives) one.left = one.deaths = 0;
  world.clock_ns = 0;
  world.accepting = 0;
}

// One model of a program: a name for the command line, and how to search it.
struct model {
  const char* name;
  const char* says;  // a sentence
  effort work;
  bounds within;
};

// Relacy replaces operator new, so its streams go to this.
class to_stdout : public std::streambuf {
 public:
  explicit to_stdout(const bool& is_loud) : is_loud_(is_loud) {}

 private:
  int overflow(int c) override { return is_loud_ ? std::fputc(c, stdout) : c; }
  std::streamsize xsputn(const char* text, std::streamsize count) override {
    if (is_loud_) std::fwrite(text, 1, static_cast<std::size_t>(count), stdout);
    return count;
  }
  const bool& is_loud_;
};

struct command_line {
  const char* name = nullptr;
  const char* replay = nullptr;
  const char* sites = nullptr;
  std::uint64_t count = 0;
  bool is_quiet = false;
};

inline void read_weakening(char* argument) {  // FILE:LINE:ORDER
  weakened.file = std::strtok(argument, ":");
  weakened.line = static_cast<unsigned>(std::strtoul(std::strtok(nullptr, ":"), nullptr, 10));
  const std::string_view to = std::strtok(nullptr, ":");
  weakened.to = to == "acquire"   ? std::memory_order_acquire
                : to == "release" ? std::memory_order_release
                                  : std::memory_order_relaxed;
}

inline command_line read_command_line(int argc, char** argv) {
  command_line given;
  for (int i = 1; i < argc; ++i) {
    const std::string_view option = argv[i];
    char* value = i + 1 < argc ? argv[i + 1] : nullptr;
    if (option == "--quiet") {
      given.is_quiet = true;
    } else if (option.substr(0, 2) == "--" && value != nullptr) {
      ++i;
      if (option == "--replay") given.replay = value;
      if (option == "--sites") given.sites = value;
      if (option == "--count") given.count = std::strtoull(value, nullptr, 10);
      if (option == "--mutant") mutant = static_cast<unsigned>(std::strtoul(value, nullptr, 10));
      if (option == "--weaken") read_weakening(value);
    } else {
      given.name = argv[i];
    }
  }
  return given;
}

inline rl::test_params searching(const effort& work, const command_line& given) {
  const char* size = std::getenv("ANNULUS_MODELS");
  const bool is_nightly = size != nullptr && std::strcmp(size, "nightly") == 0;
  const auto count = given.count > 0 ? given.count : is_nightly ? work.nightly : work.count;
  rl::test_params params;
  params.execution_depth_limit = 20000;
  params.search_type = work.how == search::random    ? rl::sched_random
                       : work.how == search::bounded ? rl::sched_bound
                                                     : rl::sched_full;
  if (work.how == search::random) params.iteration_count = count;
  if (work.how == search::bounded) params.context_bound = static_cast<unsigned>(count);
  if (given.replay != nullptr) {
    params.initial_state = given.replay;
    params.iteration_count = std::strtoull(given.replay, nullptr, 10);
    params.collect_history = true;
  }
  return params;
}

template <class Suite>
bool run_model(const model& one, const command_line& given) {
  rl::test_params params = searching(one.work, given);
  bool is_silent = false;
  static to_stdout progress(is_silent);
  static std::ostream no_progress(&progress);
  const bool& is_loud = given.is_quiet ? is_silent : params.collect_history;
  to_stdout where(is_loud);
  std::ostream output(&where);
  params.progress_stream = &no_progress;
  params.output_stream = &output;
  const auto began = std::chrono::steady_clock::now();
  within = one.within;
  const bool passed = rl::simulate<Suite>(params);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  std::printf("%s: %s, %llu executions, %llu deaths, %.1f s\n", one.name,
              passed ? "passed" : rl::test_result_str(params.test_result),
              static_cast<unsigned long long>(params.stop_iteration),
              static_cast<unsigned long long>(deaths_in_all), took.count());
  if (!passed && !given.is_quiet) {
    std::printf("again: --replay '%s' %s\n", params.final_state.c_str(), one.name);
  }
  return passed;
}

// program [MODEL] [--count N] [--replay TRAIL] [--weaken FILE:LINE:ORDER] [--mutant N]
//         [--sites FILE] [--quiet]
template <class Suite>
int main_of(std::span<const model> all, int argc, char** argv) {
  const command_line given = read_command_line(argc, argv);
  if (given.name == nullptr) {
    for (const model& one : all) std::printf("%-12s %s\n", one.name, one.says);
    return 2;
  }
  for (const model& one : all) {
    if (one.name != std::string_view(given.name)) continue;
    const bool passed = run_model<Suite>(one, given);
    if (given.sites != nullptr) {
      std::FILE* to = std::fopen(given.sites, "w");
      sites.write(to);
      std::fclose(to);
    }
    return passed ? 0 : 1;
  }
  std::fprintf(stderr, "no model '%s'\n", given.name);
  return 2;
}

}  // namespace annulus::models
