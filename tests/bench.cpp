// The comparison: how it counts, not how fast anything is.
#include "bench/calls.hpp"
#include "bench/comparison_report.hpp"
#include "bench/laboratory.hpp"
#include "bench/line.hpp"
#include "bench/recommendation.hpp"
#include "bench/report.hpp"
#include "bench/schedule.hpp"
#include "bench/systems/all.hpp"
#include "bench/targets.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <numeric>
#include <set>
#include <string>
#include <vector>

#include <annulus/bus/quantity.hpp>
#include <annulus/channel/directory.hpp>

namespace annulus::bench {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

// Statistics.

TEST(Statistics, percentiles_of_known_samples_are_exact) {
  std::vector<std::uint64_t> sorted(1001);
  std::iota(sorted.begin(), sorted.end(), 0u);
  const auto seen = percentiles_of(sorted);
  ASSERT_TRUE(seen);
  EXPECT_DOUBLE_EQ(seen->p50, 500);
  EXPECT_DOUBLE_EQ(seen->p95, 950);
  EXPECT_DOUBLE_EQ(seen->p99, 990);
  EXPECT_DOUBLE_EQ(seen->p999, 999);
  EXPECT_DOUBLE_EQ(seen->max, 1000);
}

TEST(Statistics, a_percentile_between_two_samples_lies_between_them) {
  const std::vector<std::uint64_t> sorted{10, 20};
  EXPECT_DOUBLE_EQ(quantile_of_sorted(std::span(sorted), 0.5), 15);
  EXPECT_DOUBLE_EQ(quantile_of_sorted(std::span(sorted), 0), 10);
  EXPECT_DOUBLE_EQ(quantile_of_sorted(std::span(sorted), 1), 20);
}

TEST(Statistics, of_no_samples_nothing_is_told) { EXPECT_FALSE(percentiles_of({})); }

TEST(Statistics, half_of_the_values_lie_within_a_spread) {
  const auto seen = spread_of({5, 1, 4, 2, 3});
  EXPECT_DOUBLE_EQ(seen.low, 2);
  EXPECT_DOUBLE_EQ(seen.median, 3);
  EXPECT_DOUBLE_EQ(seen.high, 4);
}

// Open loop.

constexpr double rate = 50'000;
constexpr auto interval = 20us;

// A timeline that nobody waits for.
struct fake_clock {
  clock::time_point now{};
  void wait_until(clock::time_point due) { now = std::max(now, due); }
};

TEST(OpenLoop, a_message_is_due_at_its_time_whatever_became_of_the_others) {
  const schedule when(clock::time_point(1s), rate);
  EXPECT_EQ(when.due(0), clock::time_point(1s));
  EXPECT_EQ(when.due(50'000), clock::time_point(2s));
  EXPECT_EQ(when.latency(1, clock::time_point(1s + interval + 7us)), 7000u);
}

TEST(OpenLoop, a_stalled_consumer_shows_in_all_that_were_due_meanwhile) {
  const schedule when(clock::time_point(0s), rate);
  const clock::time_point stall(10ms), end(20ms);
  fake_clock time;
  std::vector<std::uint64_t> latencies;
  send_on_time(
      when, 2000, [&](clock::time_point due) { time.wait_until(due); },
      [&](std::uint64_t n) {
        const bool is_stalled = time.now >= stall && time.now < end;
        latencies.push_back(when.latency(n, is_stalled ? end : time.now));
      });
  ASSERT_EQ(latencies.size(), 2000u);
  for (std::uint64_t n = 0; n < 2000; ++n) {
    const bool was_due_meanwhile = n >= 500 && n < 1000;
    EXPECT_EQ(latencies[n], was_due_meanwhile ? (1000 - n) * 20'000 : 0) << n;
  }
}

TEST(OpenLoop, a_producer_that_was_held_up_sends_at_once_what_is_overdue) {
  const schedule when(clock::time_point(0s), rate);
  fake_clock time;
  std::vector<std::uint64_t> latencies;
  send_on_time(
      when, 2000, [&](clock::time_point due) { time.wait_until(due); },
      [&](std::uint64_t n) {
        if (n == 500) time.now += 10ms;  // it waited for room
        latencies.push_back(when.latency(n, time.now));
      });
  const auto late = std::ranges::count_if(latencies, [](auto ns) { return ns > 0; });
  EXPECT_EQ(late, 500);
  EXPECT_EQ(latencies[500], 10'000'000u);
  EXPECT_EQ(latencies[999], 20'000u);
  EXPECT_EQ(latencies[1000], 0u);
}

TEST(OpenLoop, messages_of_a_burst_are_due_together_and_the_rate_stays) {
  const schedule when(clock::time_point(0s), 1e6, 100);
  EXPECT_EQ(when.due(0), when.due(99));
  EXPECT_EQ(when.due(100), clock::time_point(100us));
  EXPECT_EQ(when.due(199), clock::time_point(100us));
}

// Sides.

TEST(Finish, is_reached_when_every_producer_has_announced_and_all_was_seen) {
  finish end;
  EXPECT_FALSE(end.is_reached(0, 2));
  end.announce(3);
  EXPECT_FALSE(end.is_reached(3, 2)) << "the other one may still send";
  end.announce(2);
  EXPECT_FALSE(end.is_reached(4, 2));
  EXPECT_TRUE(end.is_reached(5, 2));
}

TEST(Sides, those_that_share_a_processor_get_no_realtime_priority) {
  const processors two({0, 1}, priority::realtime);
  EXPECT_EQ(two.priority_of(2), priority::realtime);
  EXPECT_EQ(two.priority_of(3), priority::normal);
  EXPECT_EQ(processors({0, 1}, priority::realtime, true).priority_of(2), priority::normal);
}

TEST(Line, cores_are_near_below_the_limit_and_far_from_it_on) {
  EXPECT_STREQ(distance_of(near_below - 0.1), "near");
  EXPECT_STREQ(distance_of(near_below), "far");
}

TEST(Line, each_pair_has_the_first_processor_and_two_are_one_pair) {
  const auto all = processors::allowed();
  if (all.size() >= 2) {
    const std::vector<int> two{all[0], all[1]};
    EXPECT_THAT(near_and_far_pairs(two), ElementsAre(two));
  }
  if (all.size() < 3) return;
  const auto pairs = near_and_far_pairs(all);
  EXPECT_THAT(pairs.size(), testing::AllOf(testing::Ge(1u), testing::Le(2u)));
  for (const auto& one : pairs) EXPECT_EQ(one.front(), all.front());
}

TEST(Line, two_processes_hand_it_to_and_fro) {
  const processors on(processors::allowed(), priority::normal, true);
  const auto seen = raw_round_trips(where::processes, 20ms, on, {clock::now() + 60s, {}});
  EXPECT_GT(seen.mean, 0);
  EXPECT_FALSE(seen.each.empty());
}

TEST(Table, a_figure_that_is_not_there_is_a_dash_and_a_row_without_any_is_left_out) {
  const json rows = {{{"name", "ring"}, {"ns", {{"p50", 1500}}}}, {{"name", "none"}}};
  const auto shown =
      table_of(rows, {text_column("", "/name"), number_column("p50", "/ns/p50", bus::show_ns),
                      number_column("p99", "/ns/p99", bus::show_ns)});
  EXPECT_EQ(shown.text(), "            p50  p99\n  ring  1.50 us    -\n");
}

TEST(Table, columns_are_as_wide_as_their_widest_cell) {
  table all({"", "p50"});
  all.add({"ring", "1.5 \u00b5s"});
  EXPECT_EQ(all.text(), "           p50\n  ring  1.5 \u00b5s\n");
  EXPECT_EQ(all.markdown(), "|      |    p50 |\n|------|-------:|\n| ring | 1.5 \u00b5s |\n");
}

// Messages.

constexpr std::uint64_t salt = 7;

std::vector<std::byte> message_number(std::uint64_t n, std::size_t bytes = 128,
                                      std::uint64_t producer = 0) {
  std::vector<std::byte> one(bytes);
  script(salt, producer).write(one.data(), one.size(), n);
  return one;
}

TEST(OrderCheck, whole_messages_in_order_are_right) {
  order_check<> check(salt, 128);
  for (std::uint64_t n = 0; n < 3; ++n) EXPECT_EQ(check(message_number(n)), n);
  EXPECT_EQ(check.seen(), 3u);
  EXPECT_EQ(check.wrong(), 0u);
}

TEST(OrderCheck, a_damaged_byte_a_gap_and_another_size_are_wrong) {
  order_check<> check(salt, 128);
  auto damaged = message_number(0);
  damaged.back() ^= std::byte{1};
  check(damaged);
  EXPECT_EQ(check.wrong(), 1u);
  EXPECT_EQ(check(message_number(5)), 5u);
  EXPECT_EQ(check.wrong(), 2u);
  check(message_number(2, 64));
  EXPECT_EQ(check.wrong(), 3u);
}

TEST(OrderCheck, each_producer_has_an_order_of_its_own) {
  order_check<> check(salt, 16, 2);
  check(message_number(0, 16, 1));
  check(message_number(0, 16, 0));
  check(message_number(1, 16, 1));
  EXPECT_EQ(check.wrong(), 0u);
  check(message_number(1, 16, 1));
  EXPECT_EQ(check.wrong(), 1u) << "it came twice";
  check(message_number(0, 16, 2));
  EXPECT_EQ(check.wrong(), 2u) << "there is no such producer";
}

TEST(OrderCheck, sizes_that_are_no_multiple_of_a_word_are_checked_to_their_last_byte) {
  for (const std::size_t bytes : {1u, 7u, 9u, 15u, 17u}) {
    order_check<> check(salt, bytes);
    check(message_number(0, bytes));
    EXPECT_EQ(check.wrong(), 0u) << bytes;
    check(message_number(1, bytes));
    EXPECT_EQ(check.wrong(), 0u) << bytes;
    auto damaged = message_number(2, bytes);
    damaged.back() ^= std::byte{1};
    check(damaged);
    EXPECT_EQ(check.wrong(), 1u) << bytes;
  }
}

// Counting.

bench::system named(const std::string& name) {
  for (auto& one : all_transports()) {
    if (one.name == name) return one;
  }
  throw std::runtime_error("there is no system " + name);
}

calls counted(const std::string& name, pace how_fast = pace::on_time, std::size_t batch = 1) {
  load how{.pace = how_fast, .batch = batch, .limit = batch, .span = 10ms, .salt = 11};
  const processors on(processors::allowed());
  how.is_crowded = on.are_crowded_by(2);
  return count_calls(*named(name).open({}), how, on, {clock::now() + 60s, {}});
}

TEST(Calls, a_spinning_ring_makes_none_and_copies_nothing) {
  const auto seen = counted("ring spin");
  EXPECT_EQ(seen.producer, 0);
  EXPECT_LT(seen.consumer, 0.5);  // after 10 ms in vain it asks whether its peer lives
  EXPECT_EQ(seen.copies, 0);
}

TEST(Calls, a_socket_makes_two_and_copies_twice) {
  const auto seen = counted("Unix socket");
  EXPECT_GE(seen.producer + seen.consumer, 2);
  EXPECT_LT(seen.producer + seen.consumer, 3);
  EXPECT_EQ(seen.copies, 2);
}

TEST(Calls, a_batch_shares_them) {
  const auto seen = counted("Unix socket", pace::flood, 100);
  EXPECT_GT(seen.producer, 0);
  EXPECT_LT(seen.producer + seen.consumer, 1);
}

TEST(Calls, a_posix_queue_copies_twice_though_its_calls_return_nothing) {
  EXPECT_EQ(counted("POSIX mq").copies, 2);
}

TEST(Calls, a_count_asked_to_stop_ends_with_every_thread_of_its_sides) {
  const auto all = all_transports();
  const auto last =
      std::ranges::find_if(all.rbegin(), all.rend(), [](auto& one) { return one.open != nullptr; });
  const processors on(processors::allowed());
  const load how{.pace = pace::on_time, .span = 600s, .is_crowded = true};
  const auto begun = clock::now();
  const patience brief{clock::time_point::max(), [&] { return clock::now() > begun + 100ms; }};
  EXPECT_THROW(static_cast<void>(count_calls(*last->open({}), how, on, brief)), broken_off);
  EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1);  // nobody is left
}

// Targets.

// A transport of ours, as far as the verdicts and the recommendation ask about it.
json measured(const std::string& name, double one_by_one, double p99, double cpu) {
  const auto each = [](double value) { return json{{"messages_per_second", {{"median", value}}}}; };
  json one = {{"name", name},
              {"throughput", json::array({each(one_by_one), each(4 * one_by_one)})},
              {"open_loop_ns", {{"p50", p99 / 4}, {"p95", p99 / 2}, {"p99", p99}}},
              {"targets", json::array()}};
  one["cpu"] = {{"busier_of_one_core", cpu}, {"busier_of_eight_cores", cpu / 8}};
  return one;
}
json measured_ring() { return measured("ring block", 2e6, 20'000, 0.2); }
json measured_pipe() { return measured(pipe_name, 300e3, 40'000, 0.3); }

void set_p99(json& of, double ns) { of["open_loop_ns"]["p99"] = ns; }
void set_cpu(json& of, double share) { of["cpu"]["busier_of_one_core"] = share; }
void set_rate(json& of, double one_by_one) {
  of["throughput"][0]["messages_per_second"]["median"] = one_by_one;
}

const target& asked(std::string_view name) {
  return *std::ranges::find(targets(), name, [](const target& one) { return one.name; });
}

TEST(Targets, each_is_met_on_one_side_of_its_limit_only) {
  EXPECT_TRUE(asked("throughput").wanted.is_met(50'000));
  EXPECT_FALSE(asked("throughput").wanted.is_met(49'999));
  EXPECT_TRUE(asked("latency p50").wanted.is_met(50'000));
  EXPECT_FALSE(asked("latency p50").wanted.is_met(50'001));
  EXPECT_TRUE(asked("latency p95").wanted.is_met(100'000));
  EXPECT_FALSE(asked("latency p95").wanted.is_met(100'001));
  EXPECT_TRUE(asked("latency p99").wanted.is_met(500'000));
  EXPECT_FALSE(asked("latency p99").wanted.is_met(500'001));
  EXPECT_TRUE(asked("CPU per process").wanted.is_met(0.0299));
  EXPECT_FALSE(asked("CPU per process").wanted.is_met(0.03));
  EXPECT_TRUE(asked("memory").wanted.is_met(9'999'999));
  EXPECT_FALSE(asked("memory").wanted.is_met(10e6));
}

TEST(Targets, what_was_not_measured_is_not_judged) {
  const json nothing = {{"name", "ring spin"}, {"cpu", json()}};
  for (const auto& one : targets()) EXPECT_FALSE(number_at(nothing, one.figure)) << one.name;
}

// Recommendation.

std::string choice(const std::vector<advice>& all, const std::string& need) {
  for (const auto& one : all) {
    if (one.need.find(need) != std::string::npos) return one.choice;
  }
  return "no such need";
}

TEST(Recommendation, a_pipe_that_keeps_the_latency_twice_over_is_enough) {
  auto ring = measured_ring(), pipe = measured_pipe();
  set_p99(pipe, 50'000);
  EXPECT_EQ(choice(recommend(json::array({ring, pipe}), rate), "latency"), "pipe");
  set_p99(pipe, 50'001);
  EXPECT_EQ(choice(recommend(json::array({ring, pipe}), rate), "latency"), "ring block");
}

TEST(Recommendation, where_nobody_keeps_the_latency_it_says_so_and_names_the_nearest) {
  auto ring = measured_ring(), pipe = measured_pipe();
  set_p99(ring, 200'000);
  set_p99(pipe, 300'000);
  const auto all = recommend(json::array({ring, pipe}), rate);
  EXPECT_EQ(choice(all, "latency"), "");
  EXPECT_THAT(all[1].why, HasSubstr("the nearest is ring block"));
}

TEST(Recommendation, a_pipe_that_just_keeps_the_latency_is_taken_where_no_ring_does) {
  auto ring = measured_ring(), pipe = measured_pipe();
  set_p99(ring, 200'000);
  set_p99(pipe, 90'000);
  EXPECT_EQ(choice(recommend(json::array({ring, pipe}), rate), "latency"), "pipe");
}

TEST(Recommendation, above_ten_thousand_a_second_the_pipe_serves_if_it_carries_twice_that) {
  auto ring = measured_ring(), pipe = measured_pipe();
  set_rate(pipe, 20'000);
  EXPECT_EQ(choice(recommend(json::array({ring, pipe}), rate), "more than 10k"), "pipe");
  set_rate(pipe, 19'999);
  EXPECT_EQ(choice(recommend(json::array({ring, pipe}), rate), "more than 10k"), "ring block");
}

TEST(Recommendation, of_the_rings_that_keep_the_latency_the_cheapest_is_taken) {
  auto block = measured_ring(), spin = measured_ring(), pipe = measured_pipe();
  spin["name"] = "ring spin";
  set_cpu(spin, 1);
  set_p99(pipe, 90'000);
  EXPECT_EQ(choice(recommend(json::array({spin, block, pipe}), rate), "latency"), "ring block");
  set_p99(block, 100'001);
  EXPECT_EQ(choice(recommend(json::array({spin, block, pipe}), rate), "latency"), "ring spin");
}

TEST(Recommendation, a_tight_cpu_budget_takes_who_costs_least_and_is_not_too_late) {
  auto block = measured_ring(), nap = measured_ring(), pipe = measured_pipe();
  nap["name"] = "ring nap";
  set_cpu(nap, 0.01);
  set_p99(nap, 1'100'000);
  EXPECT_EQ(choice(recommend(json::array({block, nap, pipe}), rate), "CPU"), "ring nap");
  set_cpu(pipe, 0.005);
  EXPECT_EQ(choice(recommend(json::array({block, nap, pipe}), rate), "CPU"), "pipe");
  set_p99(pipe, 6'000'000);
  set_p99(nap, 6'000'000);
  EXPECT_EQ(choice(recommend(json::array({block, nap, pipe}), rate), "CPU"), "ring block");
}

TEST(Recommendation, no_shared_memory_and_no_need_at_all_take_the_pipe) {
  const auto all = recommend(json::array({measured_ring(), measured_pipe()}), rate);
  EXPECT_EQ(choice(all, "no shared memory"), "pipe");
  EXPECT_EQ(choice(all, "another machine"), "") << "a FIFO reaches no other machine";
  EXPECT_EQ(choice(all, "none of these"), "pipe");
  EXPECT_EQ(choice(all, "as many messages"), "ring block");
}

TEST(Recommendation, without_a_pipe_or_a_ring_it_says_what_was_not_measured) {
  const auto no_pipe = recommend(json::array({measured_ring()}), rate);
  EXPECT_EQ(choice(no_pipe, "none of these"), "");
  EXPECT_EQ(choice(no_pipe, "latency"), "ring block");
  for (const auto& one : recommend(json::array(), rate)) {
    EXPECT_EQ(one.choice, "") << one.need;
    if (one.need.find("another machine") != std::string::npos) continue;
    EXPECT_THAT(one.why, HasSubstr("measured here")) << one.need;
  }
}

// The whole.

// What this process might leave behind: its channels carry its number.
std::set<std::string> names_around() {
  const auto ours = std::to_string(getpid());
  std::set<std::string> all;
  for (const auto& folder : {files::directory(), std::string("/tmp"), std::string("/dev/mqueue")}) {
    std::error_code none;
    for (const auto& entry : std::filesystem::directory_iterator(folder, none)) {
      const auto name = entry.path().string();
      const bool is_ours =
          name.find("bench") != std::string::npos && name.find(ours) != std::string::npos;
      if (is_ours) all.insert(name);
    }
  }
  return all;
}

struct failing {
  explicit failing(const shape&) { throw std::runtime_error("it will not open"); }
};
std::unique_ptr<link> open_failing(const shape& of) {
  failing never(of);
  return nullptr;
}

comparison_options tiny(std::vector<bench::system> systems) {
  comparison_options how;
  how.systems = std::move(systems);
  how.seconds = 0.5;
  how.patience = std::chrono::minutes(1);  // of a sanitized build on a busy machine
  how.repeats = 2;
  how.sizes = {8, 1024};
  how.processors = processors::allowed();
  return how;
}

TEST(Comparison, a_transport_that_fails_says_why_and_the_others_go_on) {
  const auto seen = compare(tiny({{"broken", "", &open_failing}, named("Unix socket")}));
  const auto all = transports_of(seen);
  EXPECT_THAT(all[0]["missing"].get<std::string>(), HasSubstr("it will not open"));
  EXPECT_TRUE(all[1]["missing"].is_null());
  const auto rounds = std::ranges::count_if(seen.seen.samples, [&](const sample& one) {
    return seen.seen.trials[one.trial].in == group{experiment::at_once, 1, 128, 1};
  });
  EXPECT_EQ(rounds, 2);
}

TEST(Comparison, a_side_that_fails_says_why_to_the_other_process) {
  const processors on(processors::allowed());
  const std::vector<std::function<void()>> sides{[] { throw std::runtime_error("no room for me"); },
                                                 [] {
                                                   for (;;) pause();
                                                 }};
  try {
    run_sides(where::processes, on, sides);
    FAIL() << "it did not fail";
  } catch (const std::runtime_error& e) {
    EXPECT_STREQ(e.what(), "no room for me");
  }
}

TEST(Comparison, one_asked_to_stop_ends_and_leaves_nothing_behind) {
  const auto before = names_around();
  auto how = tiny(all_transports());
  std::string last;
  for (const auto& one : how.systems) {
    if (one.open != nullptr) last = one.name;
  }
  bool has_begun_the_last = false;
  how.tell = [&](const std::string& where) {
    if (where.find(last) != std::string::npos) has_begun_the_last = true;
  };
  how.is_asked_to_stop = [&] { return has_begun_the_last; };
  EXPECT_THROW(static_cast<void>(compare(how)), broken_off);
  EXPECT_EQ(names_around(), before);
}

TEST(Experiments, many_producers_of_a_ring_keep_their_order_and_a_batch_is_whole) {
  const processors on(processors::allowed(), priority::normal, true);
  laboratory lab(on, {.span = 20ms, .patience = 60s});
  const auto many = ring_system(topology::mpsc, {waiting::kind::yield});
  const auto one = ring_system(topology::spsc, {waiting::kind::yield});
  EXPECT_GT(lab.measure({&many, {experiment::many_producers, 3, 64}}).value, 0);
  EXPECT_GT(lab.measure({&one, {experiment::drained, 1, 7, 10}}).value, 0);
}

TEST(Comparison, every_transport_here_tells_every_figure_as_json) {
  const auto told = nlohmann::json::parse(
      as_json(report_of(facts_of_this_machine(), compare(tiny(all_transports())))));
  for (const auto* key : {"processor", "kernel", "compiler", "flags", "pinned", "raw round trip"}) {
    EXPECT_TRUE(told["machine"][key].is_string()) << key;
  }
  EXPECT_EQ(told["bytes"], 128);
  EXPECT_EQ(told["recommendation"].size(), 7u);
  for (const auto& one : told["transports"]) {
    SCOPED_TRACE(one["name"]);
    if (!one["missing"].is_null()) continue;
    EXPECT_EQ(one["throughput"].size(), 3u);
    EXPECT_EQ(one["throughput_by_size"].size(), 2u);
    for (const auto* loop : {"open_loop_ns", "closed_loop_ns"}) {
      for (const auto* p : {"p50", "p95", "p99", "p99.9", "max"}) {
        EXPECT_GT(one.at(loop).at(p), 0) << loop << " " << p;
      }
    }
    EXPECT_TRUE(one["cpu"]["consumer_of_one_core"].is_number());
    const double producer = one["cpu"]["producer_of_one_core"];
    const double consumer = one["cpu"]["consumer_of_one_core"];
    EXPECT_DOUBLE_EQ(one["cpu"]["busier_of_eight_cores"], std::max(producer, consumer) / 8);
    EXPECT_TRUE(one["per_message"]["copies"].is_number());
    EXPECT_TRUE(one["per_message_in_batches_of_100"]["producer_system_calls"].is_number());
    if (one.contains("targets")) {
      EXPECT_EQ(one["targets"].size(), targets().size());
      for (const auto& on : one["targets"]) EXPECT_TRUE(on["value"].is_number()) << on["target"];
      EXPECT_EQ(one["steps_ns"].size(), step_count);
    }
  }
}

TEST(Comparison, the_tables_show_each_target_and_what_was_not_measured) {
  const auto all =
      report_of(facts_of_this_machine(), compare(tiny({named("ring block"), named("iceoryx")})));
  const auto text = as_text(all);
  for (const auto& one : targets()) EXPECT_THAT(text, HasSubstr(one.name));
  EXPECT_THAT(text, HasSubstr("iceoryx: not in this build"));
  EXPECT_THAT(text, HasSubstr("For this machine"));
}

}  // namespace
}  // namespace annulus::bench
