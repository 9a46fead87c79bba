// annulus choose: which transport for which need, and why.
#include "cli/commands.hpp"
#include "cli/console.hpp"
#include "cli/json.hpp"
#include "cli/options.hpp"
#include <fmt/format.h>

#include <limits>
#include <vector>

#include <annulus/bus/channel.hpp>
#include <annulus/bus/rendezvous.hpp>
#include <annulus/nats/leg.hpp>

namespace annulus::cli {
namespace {

struct choose_options {
  std::vector<std::string> names;
  bus::needs needs;
  bool is_another_machine = false;
  bool as_json = false;
};

// What would be chosen for an endpoint, or was, by whoever opened it first. Without a name: for
// its needs alone.
json answer_for(const bus::endpoint& e) {
  const auto bytes = must(segment::bytes_for(bus::shape_of(e)));
  const auto chosen = bus::choose(e.needs, bytes, bus::directory_of(e));
  const auto missing = bus::shared_memory_is_missing(bytes, bus::directory_of(e));
  json out;
  if (!e.name.empty()) out["endpoint"] = to_string(e);
  out.update({{"transport", bus::to_string(chosen.transport)},
              {"chosen", bus::to_string(chosen.transport)},
              {"why", chosen.why},
              {"is_fallback", chosen.is_fallback},
              {"has_shared_memory", missing.empty()}});
  if (!missing.empty()) out["shared_memory_is_missing"] = missing;
  if (e.name.empty()) return out;
  const auto decided = bus::decision_of(e);
  if (decided) {
    out["transport"] = out["decided"] = bus::to_string(decided->transport);
    out["decided_why"] = decided->why;
  } else if (decided.error().kind != fault::not_found) {
    end_with(decided.error());
  }
  return out;
}

bus::endpoint undecided(const std::string& name) {
  auto e = parsed(name);
  if (e.transport == bus::transport::automatic) return e;
  end_with(exit_code::usage, "'{}' leaves nothing to choose; write auto:NAME", name);
}

bus::endpoint with(bus::endpoint e, const bus::needs& also) {
  const auto differ = [](const auto& one, const auto& other) {
    return one && other && *one != *other;
  };
  if (differ(e.needs.latency, also.latency) || differ(e.needs.rate, also.rate)) {
    end_with(exit_code::usage, "{} is contradicted in '{}'; leave one of them out",
             differ(e.needs.rate, also.rate) ? "--rate" : "--latency", to_string(e));
  }
  e.needs.portable |= also.portable;
  e.needs.guarded |= also.guarded;
  if (also.latency) e.needs.latency = also.latency;
  if (also.rate) e.needs.rate = also.rate;
  return e;
}

void say(const json& a) {
  if (a.contains("endpoint")) print("{}: ", a["endpoint"]);
  if (a.contains("decided")) {
    print("{}, as was decided when it was first opened: {}\n", a["decided"], a["decided_why"]);
    if (a["decided"] != a["chosen"]) {
      print("  for these needs {} would be chosen: {}\n", a["chosen"], a["why"]);
      print("  to have it decided anew: annulus remove {}\n", a["endpoint"]);
    }
  } else {
    print("{}: {}\n", a["chosen"], a["why"]);
  }
  if (a["has_shared_memory"] == true) {
    print("  shared memory is to be had\n");
  } else {
    print("  shared memory is unavailable: {}\n", a["shared_memory_is_missing"]);
  }
}

// Neither transport leaves the machine: a gateway at each end does.
void choose_far(const choose_options& o) {
  if (!o.names.empty()) {
    end_with(exit_code::usage,
             "--another-machine asks about no channel of this one; leave the names out");
  }
  const bool is_there = nats::is_built_in();
  if (o.as_json) {
    json out;
    out["transport"] = "nats";
    out["is_built_in"] = is_there;
    if (!is_there) out["why"] = nats::why_not_built_in();
    print_json(json::array({out}), 2);
    return;
  }
  print(
      "nats: neither shared memory nor a pipe reaches another machine; a gateway does, through a "
      "NATS server\n"
      "  here:  annulus gateway shm:NAME nats://HOST:PORT/STREAM\n"
      "  there: annulus gateway nats://HOST:PORT/STREAM?max_message=SIZE shm:NAME --once\n");
  if (is_there) {
    print("  the leg is built in\n");
  } else {
    print("  {}\n", nats::why_not_built_in());
  }
}

void choose(const choose_options& o) {
  if (o.is_another_machine) return choose_far(o);
  auto answers = json::array();
  bus::endpoint nameless;
  nameless.transport = bus::transport::automatic;
  if (o.names.empty()) answers.push_back(answer_for(with(nameless, o.needs)));
  for (const auto& name : o.names) answers.push_back(answer_for(with(undecided(name), o.needs)));
  if (o.as_json) return print_json(answers, 2);
  for (const auto& one : answers) say(one);
}

constexpr const char* footer =  // the braces: the limits in words
    "The tree, from the top:\n"
    "  must it reach another machine?               yes: nats://, see --another-machine\n"
    "  must it work where shared memory does not?   yes: pipe\n"
    "  is less than {} needed?                  yes: shm\n"
    "  are more than {} needed?  yes: shm\n"
    "  else                                         pipe\n"
    "Both shm and pipe end at this machine: a FIFO is no network.\n"
    "Where shm is chosen and shared memory is not available, the pipe takes its place.\n"
    "\n"
    "The first opener of an auto: name decides for all; this command decides nothing.\n"
    "What this machine can do: annulus compare.\n"
    "\n"
    "Examples:\n"
    "  annulus choose --latency 50us\n"
    "  annulus choose 'auto:orders?rate=20000' auto:events --json";

}  // namespace

void add_choose(CLI::App& app, exit_code& ends_with) {
  auto& command = add_command(app, "choose", "Tell which transport to take, and why",
                              fmt::format(footer, bus::low_latency_words, bus::high_rate_words));
  auto& o = options_of(command, ends_with, choose);
  command.add_option("endpoints", o.names, "what they resolve to")->type_name("auto:NAME...");
  add_span(command, "--latency", o.needs.latency, "needed, one way");
  add_number(command, "--rate", o.needs.rate, 0, std::numeric_limits<std::uint64_t>::max(),
             "needed, messages a second");
  command.add_flag("--portable", o.needs.portable, "must work without shared memory");
  command.add_flag("--another-machine", o.is_another_machine,
                   "must reach another machine: says how");
  command.add_flag("--guarded", o.needs.guarded, "the system guards it, and logs who comes");
  command.add_flag("--json", o.as_json, "as JSON");
}

}  // namespace annulus::cli
