// How the ring's throughput depends on its size, on how the lengths of its messages vary, and on
// how many messages a producer of many claims at once.
#include "bench/program.hpp"
#include "bench/systems/ring.hpp"
#include <fmt/format.h>

#include <array>
#include <random>
#include <string>
#include <vector>

namespace annulus::bench {
namespace {

constexpr std::size_t KiB = 1024;

// Messages of lengths that both sides know: the n-th has lengths[n % many].
class varied final : public link {
  static constexpr std::size_t many = 4096;

 public:
  explicit varied(const shape& of) : memory_(must(segment::anonymous({.capacity = of.capacity}))) {
    std::mt19937_64 random(of.bytes);
    std::uniform_int_distribution<std::size_t> length(8, of.bytes);
    for (auto& one : lengths_) one = length(random);
  }

  void produce(const load& how, stage& on, unsigned) override {
    auto tx = must(spsc_producer::attach(memory_));
    const script text(how.salt);
    std::array<std::byte, 4 * KiB> own{};
    begin_together(how, on, true);
    const auto send = [&](std::uint64_t n) {
      const auto one = std::span(own).first(lengths_[n % many]);
      text.write(one.data(), one.size(), n);
      while (tx.try_push(one) == status::full) {
      }
    };
    std::uint64_t n = 0;
    for (; n % 64 != 0 || !on.end.is_asked(); ++n) send(n);
    on.end.announce(n + 1);
    send(n);
  }

  void consume(const load& how, stage& on, std::span<std::uint64_t>) override {
    auto rx = must(spsc_consumer::attach(memory_));
    const script text(how.salt);
    std::uint64_t seen = 0;
    begin_together(how, on, false);
    const auto check = [&](message one) {
      const auto length = lengths_[seen % many];
      on.consumer.wrong += one.size() != length || !text.is(one.data(), length, seen);
      ++seen;
    };
    const auto take = [&] { rx.drain(check, how.limit); };
    repeat_for(how.span / 5, take);
    const auto before = seen;
    on.consumer.begin(how);
    repeat_for(how.span, take);
    on.end.ask();
    on.consumer.end(how);
    on.consumer.messages = seen - before;
    while (!on.end.is_reached(seen, 1)) take();
  }

  trips ask(link&, const load&, stage&, std::span<std::uint64_t>) override { return {}; }
  void answer(link&, const load&, stage&) override {}

 private:
  segment memory_;
  std::array<std::size_t, many> lengths_{};
};

template <class Roles>
using usual = ring_channel<Roles, by::push, true>;
const auto one_producer = in_threads("ring", "", opens<usual<spsc_roles<tallied>>>());
const auto many_producers = in_threads("ring", "", opens<usual<mpsc_roles<tallied>>>());
const auto of_random_sizes =
    in_threads("ring", "", [](const shape& of) { return std::make_unique<varied>(of); });

// A table of trials. A cell shows the median of its trial.
struct row {
  std::string name;
  std::vector<trial> cells{};
};
struct figures {
  const char* title;
  table::row head;
  std::vector<row> rows{};
};

figures by_capacity(std::size_t largest) {
  figures all{"By the ring's capacity", {"capacity", "16 B", "drained", "128 B", "drained"}};
  for (std::size_t capacity = 4 * KiB; capacity <= largest; capacity *= 4) {
    auto& to = all.rows.emplace_back(row{fmt::format("{} KiB", capacity / KiB)});
    for (const std::size_t bytes : {16U, 128U}) {
      for (const auto what : {experiment::per_message, experiment::drained}) {
        to.cells.push_back({&one_producer, {what, 1, bytes}, capacity});
      }
    }
  }
  return all;
}

figures by_lengths() {
  figures all{"From 8 bytes to so many, drained",
              {"bytes", "random", "all of the mean", "all of the greatest"}};
  for (const std::size_t most : {16U, 64U, 256U, 1024U, 4096U}) {
    all.rows.push_back({std::to_string(most),
                        {{&of_random_sizes, {experiment::drained, 1, most}},
                         {&one_producer, {experiment::drained, 1, (8 + most) / 2}},
                         {&one_producer, {experiment::drained, 1, most}}}});
  }
  return all;
}

figures by_claim() {
  figures all{"Many producers, by the messages of one claim, drained",
              {"bytes, producers", "1", "4", "16", "100"}};
  for (const std::size_t bytes : {16U, 128U, 1024U}) {
    for (const unsigned producers : {1U, 2U, 4U}) {
      auto& to = all.rows.emplace_back(row{fmt::format("{}, {}", bytes, producers)});
      for (const std::size_t batch : {1U, 4U, 16U, 100U}) {
        to.cells.push_back(
            {&many_producers, {experiment::many_producers, producers, bytes, batch}});
      }
    }
  }
  return all;
}

report report_of(const std::vector<figures>& tables, const measurement& seen) {
  report out;
  std::size_t trial = 0;
  for (const auto& all : tables) {
    table shown(all.head);
    for (const auto& line : all.rows) {
      table::row cells{line.name};
      for (std::size_t i = 0; i < line.cells.size(); ++i) {
        const auto rate = median_of(each(seen.of_trial(trial++), &sample::value));
        cells.push_back(fmt::format("{:.3g}", rate / 1e6));
        out.data[all.title][line.name].push_back(rate);
      }
      shown.add(std::move(cells));
    }
    out.add(fmt::format("{}, million messages a second", all.title), "", std::move(shown));
  }
  out.machine = facts_of_cores(median_of(each(seen.samples, &sample::raw)));
  return out;
}

int run(const program_options& o, std::size_t largest) {
  const std::vector<figures> tables{by_capacity(largest), by_lengths(), by_claim()};
  plan how = plan_of(o, std::chrono::seconds(60));
  how.polls = true;
  how.raw_span = std::chrono::milliseconds(2);
  for (const auto& all : tables) {
    for (const auto& line : all.rows) {
      how.trials.insert(how.trials.end(), line.cells.begin(), line.cells.end());
    }
  }
  const auto seen = measure_or_throw(how);
  deliver(report_of(tables, seen), "The ring by its size, by lengths and by claims", o);
  return 0;
}

}  // namespace
}  // namespace annulus::bench

int main(int argc, char** argv) {
  using namespace annulus::bench;
  program_options o{.milliseconds = 10};
  std::size_t largest = 1 << 20;
  CLI::App app("The ring by its size, by lengths, by the messages of one claim.", "shapes");
  add_options(app, o);
  app.add_option("--largest", largest, "The largest ring, KiB")
      ->check(CLI::Range(4, 1 << 24))
      ->capture_default_str();
  return run_program(app, argc, argv, [&] { return run(o, largest * KiB); });
}
