// annulus choose: which transport for which need, and why.
#include "cli/commands.hpp"
#include "cli/console.hpp"
#include "cli/json.hpp"
#include "cli/options.hpp"
#include "cli/text.hpp"
#include <fmt/format.h>

#include <limits>
#include <memory>
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

// What would be chosen for an endpoint, or was.
struct answer {
  std::string name;  // empty: for needs alone
  bus::choice chosen;
  std::string missing;                 // why shared memory is missing
  std::optional<bus::choice> decided;  // by whoever opened it first
};

answer answer_for(const bus::endpoint& e) {
  answer out;
  const auto bytes = must(segment::bytes_for(bus::shape_of(e)));
  out.chosen = bus::choose(e.needs, bytes, bus::directory_of(e));
  out.missing = bus::shared_memory_is_missing(bytes, bus::directory_of(e));
  if (e.name.empty()) return out;
  out.name = to_string(e);
  auto decided = bus::decision_of(e);
  if (decided) {
    out.decided = *decided;
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

void say(const answer& a) {
  const auto* const name = a.name.empty() ? "" : a.name.c_str();
  const auto* const colon = a.name.empty() ? "" : ": ";
  if (a.decided) {
    print("{}{}{}, as was decided when it was first opened: {}\n", name, colon,
          bus::to_string(a.decided->transport), a.decided->why);
    if (a.decided->transport != a.chosen.transport) {
      print("  for these needs {} would be chosen: {}\n", bus::to_string(a.chosen.transport),
            a.chosen.why);
      print("  to have it decided anew: annulus remove {}\n", name);
    }
  } else {
    print("{}{}{}: {}\n", name, colon, bus::to_string(a.chosen.transport), a.chosen.why);
  }
  if (a.missing.empty()) {
    print("  shared memory is to be had\n");
  } else {
    print("  shared memory is unavailable: {}\n", a.missing);
  }
}

json json_of(const answer& a) {
  json out;
  if (!a.name.empty()) out["endpoint"] = a.name;
  out["transport"] = bus::to_string((a.decided ? *a.decided : a.chosen).transport);
  out["chosen"] = bus::to_string(a.chosen.transport);
  out["why"] = a.chosen.why;
  out["is_fallback"] = a.chosen.is_fallback;
  out["has_shared_memory"] = a.missing.empty();
  if (!a.missing.empty()) out["shared_memory_is_missing"] = a.missing;
  if (a.decided) {
    out["decided"] = bus::to_string(a.decided->transport);
    out["decided_why"] = a.decided->why;
  }
  return out;
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
  std::vector<answer> answers;
  bus::endpoint nameless;
  nameless.transport = bus::transport::automatic;
  if (o.names.empty()) answers.push_back(answer_for(with(nameless, o.needs)));
  for (const auto& name : o.names) answers.push_back(answer_for(with(undecided(name), o.needs)));
  if (!o.as_json) {
    for (const auto& one : answers) say(one);
    return;
  }
  auto all = json::array();
  for (const auto& one : answers) all.push_back(json_of(one));
  print_json(all, 2);
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

void add_choose(CLI::App& app, exit_code&) {
  auto o = std::make_shared<choose_options>();
  auto* command = app.add_subcommand("choose", "Tell which transport to take, and why");
  command->footer(fmt::format(footer, bus::low_latency_words, bus::high_rate_words));
  command->add_option("endpoints", o->names, "what they resolve to")->type_name("auto:NAME...");
  add_span(*command, "--latency", o->needs.latency, "needed, one way");
  command
      ->add_option_function<std::string>(
          "--rate",
          [o](const std::string& text) {
            o->needs.rate =
                read_number("--rate", text, 0, std::numeric_limits<std::uint64_t>::max());
          },
          "needed, messages a second")
      ->type_name("N");
  command->add_flag("--portable", o->needs.portable, "must work without shared memory");
  command->add_flag("--another-machine", o->is_another_machine,
                    "must reach another machine: says how");
  command->add_flag("--guarded", o->needs.guarded, "the system guards it, and logs who comes");
  command->add_flag("--json", o->as_json, "as JSON");
  command->callback([o] { choose(*o); });
}

}  // namespace annulus::cli
