// What a role does around its core: it waits for the other side, and it closes.
//
// Requires of a core: atomics, memory(), counters(); try_read() and examine(), or an attempt to
// push.
#pragma once

#include <annulus/channel/roster.hpp>
#include <annulus/ring/bell.hpp>
#include <annulus/ring/memory.hpp>
#include <annulus/ring/wait.hpp>

namespace annulus {

// What a producer knows of the consumer. Asks the kernel.
template <class Atomics>
[[nodiscard]] presence consumer_of(const ring_memory<Atomics>& ring) noexcept {
  return presence_of<Atomics>(ring.control->consumer.role, ring.witness, consumer_role);
}

// Waits for room: until the attempt is met, the deadline, the consumer's close or its death, or the
// ring's name is gone; if there is room at once, none of these is checked. `status_of` reads what
// the attempt returns, `refusal` makes it.
template <class Core, class HasLostName, class Attempt, class StatusOf, class Refusal>
[[nodiscard]] auto wait_for_room(Core& core, waiting how, deadline until,
                                 wait_memory<typename Core::atomics>& own,
                                 HasLostName has_lost_name, Attempt attempt, StatusOf status_of,
                                 Refusal refusal) noexcept -> decltype(attempt()) {
  using atomics = typename Core::atomics;
  auto& bell = core.memory().control->producers_bell;
  const waiter what{attempt, status_of, refusal, [&] {
                      return why_in_vain(has_lost_name(),
                                         consumer_of<atomics>(core.memory()) == presence::died);
                    }};
  return wait_for<atomics>(
      how, until, bell, own, what, attempt, [&] { core.counters().waited(); },
      [&](bool slept) { hand_on<atomics>(bell, slept); });
}

// Waits for a message: until the deadline, the producers' close, or the death of the last of them,
// or the ring's name is gone.
// `role` is the process that holds it: a child that is forked in the wait ends it there.
template <class Core, class HasLostName>
[[nodiscard]] auto wait_for_message(Core& core, const typename Core::atomics::home& role,
                                    waiting how, deadline until,
                                    wait_memory<typename Core::atomics>& own,
                                    HasLostName has_lost_name) noexcept {
  using atomics = typename Core::atomics;
  using seen = typename Core::view_type;
  auto& bell = core.memory().control->consumer_bell;
  const auto ours = [&](auto attempt) {
    return role.is_here() ? attempt() : seen(status::not_permitted);
  };
  stay_awake<atomics>(bell, own);
  const waiter what{[&] { return ours([&] { return core.try_read(); }); },
                    [](const seen& v) { return v.status(); }, [](status s) { return seen(s); },
                    [&] {
                      return why_in_vain(has_lost_name(),
                                         presence_of_producers(core.memory()) == presence::died);
                    }};
  return wait_for<atomics>(
      how, until, bell, own, what, [&] { return ours([&] { return core.examine(); }); },
      [&] { core.counters().waited(); },
      [&](bool) {
        if (role.is_here()) set_bell<atomics>(bell, bell_state::awake);
      });
}

// Says that no more will come. An open claim is aborted first.
template <class Core>
void close_producer(Core& core) noexcept {
  using atomics = typename Core::atomics;
  core.abort_claim();
  core.publish_all();
  auto& ring = core.memory();
  leave<atomics>(ring.producers[core.number()].role);
  call_the_roll<atomics>(*ring.control);
  fence_and_wake<atomics>(ring.control->consumer_bell);
}

// Says that nothing more will be read. Unreleased messages are redelivered to the next.
template <class Core>
void close_consumer(Core& core) noexcept {
  using atomics = typename Core::atomics;
  auto& control = *core.memory().control;
  core.publish_all();
  // Before it leaves: the next consumer's bell must not be closed by this one.
  set_bell<atomics>(control.consumer_bell, bell_state::closed);
  leave<atomics>(control.consumer.role);
  fence_and_wake<atomics>(control.producers_bell);
}

}  // namespace annulus
