// How the ring's throughput depends on its size, on how the lengths of its messages vary, and on
// how many messages a producer of many claims at once.
#include "bench/experiments.hpp"
#include "bench/program.hpp"
#include "bench/statistics.hpp"
#include "bench/systems/ring.hpp"
#include "bench/table.hpp"
#include <fmt/format.h>

#include <array>
#include <functional>
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
  varied(const shape& of, std::size_t shortest)
      : memory_(must(segment::anonymous({.capacity = of.capacity}))) {
    std::mt19937_64 random(of.bytes);
    std::uniform_int_distribution<std::size_t> length(shortest, of.bytes);
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
  [[nodiscard]] std::uint64_t memory_bytes() const override { return 0; }

 private:
  segment memory_;
  std::array<std::size_t, many> lengths_{};
};

system threads(std::function<std::unique_ptr<link>(const shape&)> open) {
  system one{"ring", "", std::move(open)};
  one.sides = where::threads;
  return one;
}
template <class Roles>
system fixed() {
  return threads(&link_of<ring_channel<Roles, by::push, true>>::open);
}

// One line of a table: each cell is measured once a round, and shows its median.
struct row {
  std::string name;
  std::vector<std::function<double(laboratory&)>> cells;
  std::vector<std::vector<double>> seen{};
};

// The first lap of a large ring maps its pages, at some 2 bytes a nanosecond. It must end in the
// first fifth of a run, which is not measured.
nanoseconds with_a_lap_before(std::size_t capacity) { return nanoseconds(5 * capacity); }

std::vector<row> by_capacity(std::size_t largest) {
  std::vector<row> out;
  for (std::size_t capacity = 4 * KiB; capacity <= largest; capacity *= 4) {
    out.push_back({fmt::format("{} KiB", capacity / KiB), {}});
    for (const auto& [bytes, limit] : {std::pair{16, 1}, {16, 1024}, {128, 1}, {128, 1024}}) {
      const shape of{static_cast<std::size_t>(bytes), capacity, 1, true};
      out.back().cells.emplace_back([=, most = static_cast<std::size_t>(limit)](laboratory& lab) {
        return lab.lasting(with_a_lap_before(of.capacity))
            .throughput(fixed<spsc_roles<tallied>>(), of, 1, most);
      });
    }
  }
  return out;
}

std::vector<row> by_lengths() {
  std::vector<row> out;
  for (const std::size_t most : {16U, 64U, 256U, 1024U, 4096U}) {
    const auto cell = [](std::size_t shortest, std::size_t longest) {
      const auto open = [=](const shape& of) { return std::make_unique<varied>(of, shortest); };
      return [=](laboratory& lab) {
        return lab.throughput(threads(open), {longest, 1024 * KiB, 1, true}, 1, 1024);
      };
    };
    const auto mean = (8 + most) / 2;
    out.push_back({fmt::format("{}", most), {cell(8, most), cell(mean, mean), cell(most, most)}});
  }
  return out;
}

std::vector<row> by_claim() {
  std::vector<row> out;
  for (const std::size_t bytes : {16U, 128U, 1024U}) {
    for (const unsigned producers : {1u, 2u, 4u}) {
      out.push_back({fmt::format("{}, {}", bytes, producers), {}});
      for (const std::size_t batch : {1U, 4U, 16U, 100U}) {
        const shape of{bytes, 1024 * KiB, producers, true};
        out.back().cells.emplace_back([=](laboratory& lab) {
          return lab.throughput(fixed<mpsc_roles<tallied>>(), of, batch, 1024);
        });
      }
    }
  }
  return out;
}

void show(const char* title, table figures, const std::vector<row>& rows) {
  for (const auto& one : rows) {
    table::row cells{one.name};
    for (const auto& seen : one.seen) cells.push_back(fmt::format("{:.3g}", median_of(seen) / 1e6));
    figures.add(std::move(cells));
  }
  fmt::print("### {}, million messages a second\n\n{}\n", title, figures.markdown());
}

void measure_all(double milliseconds, int rounds, std::size_t largest) {
  const auto two = processors::two_cores();
  laboratory lab(processors(two.empty() ? processors::allowed() : two,
                            may_be_realtime() ? priority::realtime : priority::normal),
                 std::chrono::duration_cast<nanoseconds>(
                     std::chrono::duration<double, std::milli>(milliseconds)),
                 std::chrono::seconds(60));
  auto capacities = by_capacity(largest), lengths = by_lengths(), claims = by_claim();
  std::vector<double> raws;
  for (int round = 0; round < rounds; ++round) {
    for (auto* all : {&capacities, &lengths, &claims}) {
      raws.push_back(lab.raw(where::threads, std::chrono::milliseconds(2)).mean);
      for (auto& one : *all) {
        one.seen.resize(one.cells.size());
        for (std::size_t i = 0; i < one.cells.size(); ++i) {
          one.seen[i].push_back(one.cells[i](lab));
        }
      }
    }
  }
  fmt::print("Raw round trip {:.0f} ns: cores {}\n\n", median_of(raws),
             distance_of(median_of(raws)));
  show("By the ring's capacity", table({"capacity", "16 B", "drained", "128 B", "drained"}),
       capacities);
  show("From 8 bytes to so many, drained",
       table({"bytes", "random", "all of the mean", "all of the greatest"}), lengths);
  show("Many producers, by the messages of one claim, drained",
       table({"bytes, producers", "1", "4", "16", "100"}), claims);
}

}  // namespace
}  // namespace annulus::bench

int main(int argc, char** argv) {
  double milliseconds = 10;
  int rounds = 5;
  std::size_t largest = 1 << 20;
  CLI::App app("The ring by its size, by lengths, by the messages of one claim.", "shapes");
  app.add_option("milliseconds", milliseconds, "of one measurement")->capture_default_str();
  app.add_option("rounds", rounds, "how often")->capture_default_str();
  app.add_option("largest", largest, "ring, KiB")->capture_default_str();
  return annulus::bench::run_program(app, argc, argv, [&] {
    annulus::bench::measure_all(milliseconds, rounds, largest * 1024);
    return 0;
  });
}
