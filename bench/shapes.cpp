// How the ring's throughput depends on its size, on how the lengths of its messages vary, and on
// how many messages a producer of many claims at once.
#include "bench/experiments.hpp"
#include "bench/program.hpp"
#include "bench/statistics.hpp"
#include "bench/systems/ring.hpp"
#include <fmt/format.h>

#include <array>
#include <random>
#include <string>
#include <vector>

namespace annulus::bench {
namespace {

constexpr std::size_t KiB = 1024;
constexpr std::size_t usual_capacity = 1024 * KiB;
constexpr std::size_t drained = 1024;  // messages taken at once, at most

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

  static std::unique_ptr<link> open(const shape& of) { return std::make_unique<varied>(of); }
  trips ask(link&, const load&, stage&, std::span<std::uint64_t>) override { return {}; }
  void answer(link&, const load&, stage&) override {}
  [[nodiscard]] std::uint64_t memory_bytes() const override { return 0; }

 private:
  segment memory_;
  std::array<std::size_t, many> lengths_{};
};

template <class Link>
system ring() {
  system one{"ring", "", &Link::open};
  one.sides = where::threads;
  return one;
}
template <class Roles>
using usual_link = link_of<ring_channel<Roles, by::push, true>>;
const system one_producer = ring<usual_link<spsc_roles<tallied>>>();
const system of_random_sizes = ring<varied>();
const system many_producers = ring<usual_link<mpsc_roles<tallied>>>();

// A cell of a table: it is measured once a round, and shows its median.
struct cell {
  const system* of;
  shape how;
  std::size_t batch;
  std::size_t limit;
  std::vector<double> seen{};
};
struct row {
  std::string name;
  std::vector<cell> cells{};
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
      for (const std::size_t limit : {std::size_t{1}, drained}) {
        to.cells.push_back({&one_producer, {bytes, capacity, 1, true}, 1, limit});
      }
    }
  }
  return all;
}

figures by_lengths() {
  figures all{"From 8 bytes to so many, drained",
              {"bytes", "random", "all of the mean", "all of the greatest"}};
  for (const std::size_t most : {16U, 64U, 256U, 1024U, 4096U}) {
    auto& to = all.rows.emplace_back(row{std::to_string(most)});
    const auto add = [&](const system& of, std::size_t bytes) {
      to.cells.push_back({&of, {bytes, usual_capacity, 1, true}, 1, drained});
    };
    add(of_random_sizes, most);
    add(one_producer, (8 + most) / 2);
    add(one_producer, most);
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
            {&many_producers, {bytes, usual_capacity, producers, true}, batch, drained});
      }
    }
  }
  return all;
}

// The first lap of a large ring maps its pages, at some 2 bytes a nanosecond. It must end in the
// first fifth of a run, which is not measured.
nanoseconds with_a_lap_before(std::size_t capacity) { return nanoseconds(5 * capacity); }

void measure(figures& all, laboratory& lab) {
  for (auto& line : all.rows) {
    for (auto& [of, how, batch, limit, seen] : line.cells) {
      auto longer = lab.lasting(with_a_lap_before(how.capacity));
      seen.push_back(longer.throughput(*of, how, batch, limit));
    }
  }
}

void add_to(report& out, const figures& all) {
  table shown(all.head);
  for (const auto& line : all.rows) {
    table::row cells{line.name};
    for (const auto& one : line.cells) {
      cells.push_back(fmt::format("{:.3g}", median_of(one.seen) / 1e6));
      out.data[all.title][line.name].push_back(median_of(one.seen));
    }
    shown.add(std::move(cells));
  }
  out.add(fmt::format("{}, million messages a second", all.title), "", std::move(shown));
}

int run(const program_options& o, std::size_t largest) {
  const auto two = processors::two_cores();
  laboratory lab(processors(two.empty() ? processors::allowed() : two,
                            may_be_realtime() ? priority::realtime : priority::normal),
                 o.span(), std::chrono::seconds(60));
  std::vector<figures> all{by_capacity(largest), by_lengths(), by_claim()};
  std::vector<double> raws;
  for (unsigned round = 0; round < o.repeats; ++round) {
    for (auto& one : all) {
      raws.push_back(lab.raw(where::threads, std::chrono::milliseconds(2)).mean);
      measure(one, lab);
    }
  }
  report out;
  out.machine = facts_of_this_machine();
  out.machine.emplace_back("raw round trip", fmt::format("{:.0f} ns: cores {}", median_of(raws),
                                                         distance_of(median_of(raws))));
  for (const auto& one : all) add_to(out, one);
  deliver(out, "The ring by its size, by lengths and by claims", o);
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
  app.add_option("--largest", largest, "The largest ring, KiB")->capture_default_str();
  return run_program(app, argc, argv, [&] { return run(o, largest * KiB); });
}
