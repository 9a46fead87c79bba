// Chaos: everything that can happen to processes, to everything that they can hold, for as long as
// you like, and every message accounted for.
//
//   chaos [--seconds N] [--seed N] [--kinds spsc,mpsc,pipe,bus,gateway] [--round N]
//         [--must-find] [--json] [--quiet]
//
// Rounds    of a second and a half. The seed and the round's number decide what a round is (its
//           roles, transport, sizes, checksums, whether a name goes away) and the schedule of all
//           that is done to it; --round repeats one. When each process runs, the machine decides
// Actions   SIGKILL at a random moment and at a chosen instruction (tracing.hpp), SIGSTOP and
//           SIGCONT, close and come again, fork, another thread (it may end in a claim), a wait
//           that a signal's handler interrupts, a consumer that dawdles; the channel renamed or
//           removed underneath while another takes its name, both accounted for
// Reckoning what was committed arrives: once or, where a consumer died, again in the same order;
//           nothing else does; each producer's messages in turn, a dead one's before its
//           replacement's; no damage is told (ledger.hpp)
// Answers   0: nothing was found. 1: something was; its seed and round are told, and the channel's
//           file is kept. 2: bad usage. With --must-find 0 and 1 change places, and no file is kept
//
// It is shown to see: planted.py builds it over a library with errors, each of which it must find.
#include "channels.hpp"
#include "passing.hpp"
#include <gtest/gtest.h>

#include <charconv>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace annulus::processes {
namespace {

enum class subject : std::uint8_t { spsc, mpsc, pipe, bus, gateway };
constexpr std::string_view subject_names[] = {"spsc", "mpsc", "pipe", "bus", "gateway"};

struct settings {
  std::uint64_t seconds = 60;
  std::uint64_t seed = processes::seed();
  std::optional<std::uint64_t> only_round;
  std::vector<subject> subjects = {subject::spsc, subject::mpsc, subject::pipe, subject::bus,
                                   subject::gateway};
  bool must_find = false;
  bool is_json = false;
  bool is_quiet = false;
};

// What a round is about, by its own seed.
struct scenario {
  subject of;
  std::uint64_t seed;
  std::string name;  // of a gateway: what is between which transports
  route passage;     // a gateway's
  bus::endpoint at;  // else
  departure leaves = departure::none;
  plan doings;
};

constexpr auto round_span = 1500ms;

std::uint64_t pick(dice& luck, std::initializer_list<std::uint64_t> from) {
  return *(from.begin() + luck.below(from.size()));
}

scenario passage(scenario out, dice& luck, const std::string& directory) {
  const auto transport = [&] { return luck.once_in(2) ? "shm" : "pipe"; };
  out.passage.directory = directory;
  out.passage.deaths = 0;
  out.passage.from = {transport()};
  if (luck.once_in(3)) out.passage.from.emplace_back(transport());
  out.passage.to = transport();
  out.passage.lanes = 1 + luck.below(2);
  out.passage.once = luck.once_in(2);
  out.doings.lanes = out.passage.from.size() * out.passage.lanes;
  out.doings.first_lane = out.passage.once ? 0 : 1;
  out.name = "gateway";
  for (const auto& one : out.passage.from) out.name += " " + one;
  out.name += " to " + out.passage.to + (out.passage.once ? ", once" : "");
  return out;
}

scenario draw(const settings& s, std::uint64_t round, const std::string& directory) {
  scenario out;
  out.seed = mixed(s.seed ^ mixed(round));
  dice luck(out.seed);
  out.of = s.subjects[luck.below(s.subjects.size())];
  out.doings.forks = luck.once_in(2);
  out.doings.dawdles = luck.once_in(2);
  out.doings.interrupts = luck.once_in(2);
  if (out.of == subject::gateway) return passage(std::move(out), luck, directory);

  out.doings.aims = true;
  out.doings.restarts = luck.once_in(2);
  const bool is_many = out.of != subject::spsc && (out.of == subject::mpsc || luck.once_in(2));
  out.doings.lanes = is_many ? 2 + luck.below(3) : 1;
  std::string scheme = out.of == subject::pipe ? "pipe" : "shm";
  if (out.of == subject::bus) scheme = luck.once_in(2) ? "auto" : luck.once_in(2) ? "pipe" : "shm";
  const auto name = scheme == "auto" ? "chaos." + std::to_string(getpid()) : directory + "/channel";
  const auto capacity = scheme == "pipe" ? pick(luck, {16, 64}) : pick(luck, {4, 16, 32});
  out.name = scheme + ":" + name + "?capacity=" + std::to_string(capacity) +
             "KiB&producers=" + std::to_string(out.doings.lanes);
  if (scheme != "pipe" && luck.once_in(2)) out.name += "&integrity=crc32c";
  out.at = must(bus::parse(out.name));
  out.leaves = static_cast<departure>(luck.below(3));
  out.doings.leaves = out.leaves != departure::none;
  return out;
}

// What came of a round.
struct outcome {
  toll all{};
  std::string kept;  // where the channel lies, if something was found
};
void add(toll& to, const toll& more) {
  to.delivered += more.delivered;
  to.read += more.read;
  to.repeated += more.repeated;
  to.deaths_in_claims += more.deaths_in_claims;
  to.producer_deaths += more.producer_deaths;
  to.consumer_deaths += more.consumer_deaths;
  to.hits += more.hits;
}
bool is_fine() { return !::testing::Test::HasFailure(); }

// Two ends of a channel, and where its name goes away, two of the next channel of that name.
template <class Producer, class Consumer>
outcome run_channel(const scenario& s) {
  using place = channel_place<Producer, Consumer>;
  outcome out;
  standing_channel first(s.at);
  place old_place(first);
  std::optional<standing_channel> second;
  std::optional<place> new_place;
  std::optional<killing<place>> young;
  killing<place> old(s.doings, old_place, s.seed);

  old.start();
  const auto half = within(round_span / 2), end = within(round_span);
  while (is_fine() && std::chrono::steady_clock::now() < half) old.step();
  if (is_fine() && s.leaves != departure::none) old.await_all();
  if (is_fine() && s.leaves != departure::none) {
    first.leave(s.leaves);
    second.emplace(s.at);
    new_place.emplace(*second);
    young.emplace(s.doings, *new_place, mixed(s.seed));
    young->start();
  }
  while (is_fine() && std::chrono::steady_clock::now() < end) {
    old.step();
    if (young) young->step();
  }
  if (is_fine()) old.finish();
  if (is_fine() && young) young->finish();
  if (is_fine()) old.add_up();
  if (is_fine() && young) young->add_up();

  add(out.all, old.so_far());
  if (young) add(out.all, young->so_far());
  if (is_fine()) return out;
  first.keep();
  out.kept = first.endpoint().name + ", and what lies beside it";
  if (second) second->keep();
  return out;
}

template <class Reading>
outcome run_gateway(const scenario& s) {
  outcome out;
  gateway_place place(s.passage);
  killing<gateway_place, Reading> all(s.doings, place, s.seed);
  all.start();
  const auto end = within(round_span);
  while (is_fine() && std::chrono::steady_clock::now() < end) all.step();
  if (is_fine()) all.finish();
  if (is_fine()) all.add_up();
  out.all = all.so_far();
  if (is_fine()) return out;
  place.keep();
  out.kept = place.path() + " and what lies beside it";
  return out;
}

outcome run(const scenario& s) {
  switch (s.of) {
    case subject::spsc: return run_channel<spsc_producer, spsc_consumer>(s);
    case subject::mpsc: return run_channel<mpsc_producer, mpsc_consumer>(s);
    case subject::pipe: return run_channel<pipe_producer, pipe_consumer>(s);
    case subject::bus: return run_channel<bus_producer, bus_consumer>(s);
    case subject::gateway: break;
  }
  if (s.passage.once) return run_gateway<reading<gateway_place>>(s);
  return run_gateway<reading_again>(s);
}

// Failures go to stderr, so that stdout is the report alone.
class teller : public ::testing::EmptyTestEventListener {
  void OnTestPartResult(const ::testing::TestPartResult& one) override {
    if (one.failed()) std::fprintf(stderr, "chaos: %s\n", one.message());
  }
};

const char* text_of(departure d) {
  switch (d) {
    case departure::none: return "";
    case departure::renamed: return ", renamed underneath";
    case departure::removed: return ", removed underneath";
  }
  return "";
}

using number = unsigned long long;

// All rounds, or the one that was asked for. True: something was found.
bool run_all(const settings& s) {
  const std::string directory = "/dev/shm/annulus-chaos." + std::to_string(getpid());
  toll all{};
  std::uint64_t rounds = 0;
  outcome last;
  std::uint64_t round = s.only_round.value_or(0);
  const auto started = std::chrono::steady_clock::now(),
             end = started + std::chrono::seconds(s.seconds);
  std::fprintf(stderr, "chaos: --seed %llu\n", static_cast<number>(s.seed));
  do {
    std::filesystem::create_directory(directory);
    const auto one = draw(s, round, directory);
    last = run(one);
    add(all, last.all);
    ++rounds;
    if (is_fine() || s.must_find) std::filesystem::remove_all(directory);
    if (!s.is_quiet) {
      const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - started;
      std::fprintf(stderr,
                   "%5.0f s  round %llu: %s, %s%s: %llu messages, %llu deaths, %llu aimed\n",
                   spent.count(), static_cast<number>(round),
                   std::string(subject_names[static_cast<std::size_t>(one.of)]).c_str(),
                   one.name.c_str(), text_of(one.leaves), static_cast<number>(last.all.read),
                   static_cast<number>(last.all.producer_deaths + last.all.consumer_deaths),
                   static_cast<number>(last.all.hits));
    }
    if (!s.only_round) ++round;
  } while (is_fine() && std::chrono::steady_clock::now() < end);

  const bool is_found = !is_fine();
  if (is_found) {
    const auto at = s.only_round.value_or(round - 1);
    std::fprintf(stderr,
                 "chaos: found in round %llu; repeat its schedule by --seed %llu --round %llu\n",
                 static_cast<number>(at), static_cast<number>(s.seed), static_cast<number>(at));
    if (!s.must_find) std::fprintf(stderr, "chaos: kept: %s\n", last.kept.c_str());
  }
  std::printf(s.is_json ? "{\"seed\": %llu, \"rounds\": %llu, \"messages\": %llu, \"repeated\": "
                          "%llu, \"producer_deaths\": %llu, \"consumer_deaths\": %llu, "
                          "\"deaths_in_claims\": %llu, \"aimed\": %llu, \"found\": %s}\n"
                        : "seed %llu: %llu rounds, %llu messages, %llu of them again; deaths: %llu "
                          "producers, %llu consumers; %llu in claims, %llu aimed; found: %s\n",
              static_cast<number>(s.seed), static_cast<number>(rounds),
              static_cast<number>(all.read), static_cast<number>(all.repeated),
              static_cast<number>(all.producer_deaths), static_cast<number>(all.consumer_deaths),
              static_cast<number>(all.deaths_in_claims), static_cast<number>(all.hits),
              is_found ? "true" : "false");
  return is_found;
}

// Reading the command.

[[noreturn]] void usage(const std::string& why) {
  std::fprintf(stderr,
               "chaos: %s\nusage: chaos [--seconds N] [--seed N] [--kinds "
               "spsc,mpsc,pipe,bus,gateway] [--round N] [--must-find] [--json] [--quiet]\n",
               why.c_str());
  std::exit(2);
}
std::uint64_t parse_number(std::string_view text, const char* of) {
  std::uint64_t out = 0;
  const auto end = std::from_chars(text.data(), text.data() + text.size(), out);
  if (end.ec != std::errc() || end.ptr != text.data() + text.size()) {
    usage(std::string(of) + " wants a number");
  }
  return out;
}
std::vector<subject> parse_subjects(std::string_view text) {
  std::vector<subject> out;
  while (!text.empty()) {
    const auto one = text.substr(0, text.find(','));
    const auto at = std::ranges::find(subject_names, one);
    if (at == std::end(subject_names)) usage("no kind '" + std::string(one) + "'");
    out.push_back(static_cast<subject>(at - std::begin(subject_names)));
    text.remove_prefix(std::min(text.size(), one.size() + 1));
  }
  if (out.empty()) usage("--kinds wants one at least");
  return out;
}
settings parse(int count, char** words) {
  settings out;
  for (int i = 1; i < count; ++i) {
    const std::string_view word = words[i];
    const auto value = [&] {
      if (++i == count) usage(std::string(word) + " wants a value");
      return std::string_view(words[i]);
    };
    if (word == "--seconds")
      out.seconds = parse_number(value(), "--seconds");
    else if (word == "--seed")
      out.seed = parse_number(value(), "--seed");
    else if (word == "--round")
      out.only_round = parse_number(value(), "--round");
    else if (word == "--kinds")
      out.subjects = parse_subjects(value());
    else if (word == "--must-find")
      out.must_find = true;
    else if (word == "--json")
      out.is_json = true;
    else if (word == "--quiet")
      out.is_quiet = true;
    else
      usage("no option '" + std::string(word) + "'");
  }
  return out;
}

}  // namespace
}  // namespace annulus::processes

int main(int count, char** words) {
  using namespace annulus::processes;
  const auto given = parse(count, words);
  auto& listeners = ::testing::UnitTest::GetInstance()->listeners();
  delete listeners.Release(listeners.default_result_printer());
  listeners.Append(new teller);
  return run_all(given) == given.must_find ? 0 : 1;
}
