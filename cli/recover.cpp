// annulus recover: what the next consumer would have to skip, skipped now; or all of it thrown
// away.
//
// A live consumer recovers by itself. Without one, claims of dead producers and damage stay where
// they are. A message is never passed over, unless all of them are to be discarded.
#include "cli/commands.hpp"
#include "cli/console.hpp"
#include "cli/options.hpp"
#include "cli/signals.hpp"
#include "cli/text.hpp"
#include <fmt/format.h>

#include <optional>

#include <annulus/bus/channel.hpp>
#include <annulus/pipe/named_pipe.hpp>
#include <annulus/ring/inspect.hpp>
#include <annulus/ring/ring.hpp>

namespace annulus::cli {
namespace {

struct recover_options {
  named_endpoint name;
  bool drains = false;
};

struct outcome {
  status front = status::empty;  // ok: a message
  std::uint64_t drained = 0;
  std::uint64_t drained_bytes = 0;
};

// What lies in a ring is no more than its capacity, whatever its words say: more was never written.
class allowance {
 public:
  explicit allowance(const segment& memory) : memory_(memory) {}

  [[nodiscard]] bool is_spent() const noexcept { return used_ >= capacity(); }
  void take(message one) { used_ += record_bytes(one.size(), memory_.geometry().trailer_bytes()); }
  // Throws when there cannot be so much damage, or none was passed.
  void take(std::optional<damage> what) {
    const auto seen = what.value_or(damage{});
    const bool has_moved = seen.bytes != 0 && (used_ == 0 || seen.pos != last_pos_);
    last_pos_ = seen.pos;
    used_ += seen.bytes;
    if (has_moved && used_ <= capacity()) return;
    end_with(exit_code::damaged,
             "shm:{}: its positions make no sense; `annulus dump` shows what it holds; remove it "
             "and make it anew",
             memory_.name());
  }

 private:
  [[nodiscard]] std::uint64_t capacity() const noexcept { return memory_.geometry().capacity; }

  const segment& memory_;
  std::uint64_t used_ = 0;
  std::uint64_t last_pos_ = 0;
};

template <class Consumer>
outcome skip(const segment& memory, bool drains) {
  auto attached = Consumer::attach(memory);
  if (!attached && attached.error().kind == fault::in_use) {
    end_with(exit_code::refused, "shm:{}: {}; it recovers by itself", memory.name(),
             attached.error().message);
  }
  auto role = must(std::move(attached));
  outcome out;
  allowance left(memory);
  for (;;) {
    throw_if_stopped();
    const view seen = role.examine();
    out.front = seen.status();
    if (seen && drains && !left.is_spent()) {
      ++out.drained;
      out.drained_bytes += seen.bytes().size();
      left.take(seen.bytes());
      role.release();
    } else if (seen.status() == status::corrupt) {
      left.take(role.last_damage());
    } else {
      return out;  // a message that was not released is redelivered
    }
  }
}

const char* meaning_of(status front) noexcept {
  switch (front) {
    case status::ok: return "a message stands in front; nothing was taken";
    case status::closed: return "it is empty, and its producers have closed";
    case status::stalled:
    case status::empty: return "no message stands in front";
    default: return "it cannot be read";
  }
}

std::string holder_up(const segment& memory) {
  const auto seen = must(inspect(memory));
  if (seen.front != front::unfinished || !seen.front_producer) return {};
  const auto& who = seen.producers[*seen.front_producer];
  if (who.state != presence::attached) return {};
  return fmt::format(
      "; producer {} (process {}) is alive and has not yet committed its claim, "
      "which nobody may skip",
      *seen.front_producer, process_number(who));
}

exit_code recover_ring(const bus::endpoint& e, bool drains) {
  const auto memory = must(segment::open(must(bus::name_of(e)), access::read_write, e.owner));
  const auto before = must(inspect(memory));
  const auto out = memory.geometry().topology == topology::spsc
                       ? skip<spsc_consumer>(memory, drains)
                       : skip<mpsc_consumer>(memory, drains);
  const auto after = must(inspect(memory));
  const auto& was = before.consumer.counters;
  const auto& is = after.consumer.counters;
  const auto damage = is.corrupt - was.corrupt;
  print("shm:{}: {} claims of dead producers and {} stretches of damage were skipped\n", e.name,
        is.recovered - was.recovered, damage);
  if (drains) {
    print("shm:{}: {} messages, {}, were discarded\n", e.name, out.drained,
          show_bytes(out.drained_bytes));
  }
  print("shm:{}: {}{}\n", e.name, meaning_of(out.front), holder_up(memory));
  return damage > 0 ? exit_code::damaged : exit_code::ok;
}

exit_code recover_pipe(const bus::endpoint& e, bool drains) {
  static_cast<void>(must(named_pipe::open(must(bus::name_of(e)), e.owner)));
  const auto name = to_string(e);
  if (drains) {
    end_with(exit_code::usage,
             "--drain is for a ring; `annulus recv {} >/dev/null` discards what stands in a pipe",
             name);
  }
  print(
      "{}: there is nothing to recover by hand: its next consumer drops what the dead left "
      "unfinished, and counts it\n",
      name);
  return exit_code::ok;
}

exit_code recover(const recover_options& o) {
  const auto e = find(o.name.whole()).where;
  return e.transport == bus::transport::shm ? recover_ring(e, o.drains) : recover_pipe(e, o.drains);
}

constexpr const char* footer =
    "A live consumer recovers by itself; this is for a ring whose consumer is dead or absent. No\n"
    "message is lost to it, unless --drain asks for that. A live producer's claim is never\n"
    "skipped. A pipe needs none of it, and says so.\n"
    "\n"
    "Example: annulus recover shm:orders && annulus recv shm:orders >rest";

}  // namespace

void add_recover(CLI::App& app, exit_code& ends_with) {
  auto& command = add_command(app, "recover", "Skip what dead producers left behind", footer);
  auto& o = options_of(command, ends_with, recover);
  add_endpoint(command, o.name)->required();
  command.add_flag("--drain", o.drains, "discard all messages, too");
}

}  // namespace annulus::cli
