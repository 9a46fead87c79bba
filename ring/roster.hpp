// Who is here: how a role comes and goes, and what the others know of it.
//
// A role says itself that it comes and that it closes; that it died, only the kernel can say.
#pragma once

#include <atomic>
#include <cstdint>

#include <annulus/channel/status.hpp>
#include <annulus/ring/edges.hpp>
#include <annulus/ring/memory.hpp>

namespace annulus {

// Enters a role. Where locks exist the caller holds the role's, and whoever was attached is dead;
// where there are none, an attached role is taken. False: it is.
template <class Atomics>
[[nodiscard]] bool enter(role_words<Atomics>& role, bool has_lock, std::uint64_t at,
                         std::uint32_t pid) noexcept {
  // [hint] relaxed: the exchange decides.
  auto owner = role.owner.template load<edge::hint>(std::memory_order_relaxed);
  if (!has_lock && tenure_of(owner) == tenure::attached) return false;
  const auto entered =
      owner_word(generation_of(owner) + 1,
                 tenure_of(owner) == tenure::attached ? tenure::succeeded : tenure::attached);
  // [roll] acquire: after all that the one before did.
  // [retry] relaxed: somebody else was faster.
  if (!role.owner.template compare_exchange<edge::roll>(owner, entered, std::memory_order_acquire,
                                                        std::memory_order_relaxed)) {
    return false;
  }
  // [own] relaxed: told to people.
  role.attached_at.template store<edge::own>(at, std::memory_order_relaxed);
  // [own] relaxed: told to people.
  role.pid.template store<edge::own>(pid, std::memory_order_relaxed);
  return true;
}

template <class Atomics>
void leave(role_words<Atomics>& role) noexcept {
  // [own] relaxed: written by this role itself.
  const auto owner = role.owner.template load<edge::own>(std::memory_order_relaxed);
  // [roll] release: all that it committed comes before its closing.
  role.owner.template store<edge::roll>(owner_word(generation_of(owner), tenure::closed),
                                        std::memory_order_release);
}

// Tells the consumer that a producer came or closed.
template <class Atomics>
void call_the_roll(control_words<Atomics>& control) noexcept {
  // [roll] release: the producer's own word comes before.
  control.roll.template fetch_add<edge::roll>(1, std::memory_order_release);
}

template <class Atomics>
[[nodiscard]] presence presence_of(const role_words<Atomics>& role,
                                   const typename Atomics::witness& kernel,
                                   std::uint32_t number) noexcept {
  // [roll] acquire: whoever has closed has committed all that it ever will.
  const auto owner = role.owner.template load<edge::roll>(std::memory_order_acquire);
  switch (tenure_of(owner)) {
    case tenure::vacant: return presence::never_came;
    case tenure::closed: return presence::closed;
    case tenure::attached:
    case tenure::succeeded: break;
  }
  return kernel.is_held(number) ? presence::attached : presence::died;
}

// The most alive of all producers: attached, else died, else closed, else never came.
template <class Atomics>
[[nodiscard]] presence presence_of_producers(const ring_memory<Atomics>& ring) noexcept {
  auto seen = presence::never_came;
  for (std::uint32_t i = 0; i < ring.geometry.producers; ++i) {
    const auto one = presence_of<Atomics>(ring.producers[i].role, ring.witness, producer_role(i));
    if (one == presence::attached) return one;
    if (one == presence::died || seen == presence::never_came) seen = one;
  }
  return seen;
}

// The consumer's knowledge that no more will come, kept until a producer comes or closes.
template <class Atomics>
class roll_call {
 public:
  // Whether the roll has changed since the last look. One load of a line that rarely changes.
  [[nodiscard]] bool has_news(const control_words<Atomics>& control) const noexcept {
    // [hint] relaxed: a stale value shows at the next poll; the look itself acquires.
    return control.roll.template load<edge::hint>(std::memory_order_relaxed) != seen_;
  }

  void look(const ring_memory<Atomics>& ring) noexcept {
    // [roll] acquire: the words of those who came or closed.
    seen_ = ring.control->roll.template load<edge::roll>(std::memory_order_acquire);
    bool any_closed = false;
    bool any_open = false;
    for (std::uint32_t i = 0; i < ring.geometry.producers; ++i) {
      // [roll] acquire: whoever has closed has committed all that it ever will.
      const auto owner =
          ring.producers[i].role.owner.template load<edge::roll>(std::memory_order_acquire);
      any_closed |= tenure_of(owner) == tenure::closed;
      any_open |= tenure_of(owner) == tenure::attached;
    }
    all_closed_ = any_closed && !any_open;
  }

  [[nodiscard]] bool all_closed() const noexcept { return all_closed_; }

  // Asked at each poll that found nothing: whether it is time for a closer look.
  [[nodiscard]] bool wants_a_look(const control_words<Atomics>& control) noexcept {
    return ++polls_ % polls_per_look == 0 || has_news(control) || all_closed_;
  }

 private:
  static constexpr std::uint32_t polls_per_look = 256;

  std::uint32_t polls_ = 0;
  std::uint32_t seen_ = 0;
  bool all_closed_ = false;
};

}  // namespace annulus
