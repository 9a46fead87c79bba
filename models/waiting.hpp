// Both sides wait: for messages, for room, for the other's end, or until they are interrupted.
//
// A waiter takes no poll but its last look: any before it came too early, and all is left to the
// bell. Where naps end by themselves, peers may die.
#pragma once

#include "roles.hpp"

#include <annulus/ring/role.hpp>

namespace annulus::models {

template <class Derived, unsigned ProducerCount,
          template <class, template <class> class> class Producer,
          template <class, template <class> class> class Consumer>
struct waiting_model : ring_model<Derived, ProducerCount, Producer, Consumer> {
  using base = ring_model<Derived, ProducerCount, Producer, Consumer>;
  using base::book;
  using base::ring;
  using typename base::consumer_type;
  using typename base::producer_type;

  void before() {
    base::before();
    world.barriers = rl::rand(2) == 0;
    for (auto& one : waits) one.interrupt.word().start(0, stores::exchanges);
    world.naps_end = within.producer_deaths + within.consumer_deaths > 0;
    who_is_late =
        within.is_late ? rl::rand(2) == 0 ? late::producers : late::consumer : late::nobody;
    ended = 0;
    // All are here: who may still come is waited for, and nobody can say that he has ended.
    come(ring.control.consumer.role, consumer_role);
    for (std::uint32_t i = 0; i < ProducerCount; ++i) {
      come(ring.producers[i].role, producer_role(i));
    }
  }

  void thread(unsigned index) {
    if (index < ProducerCount) {
      live(index, producer_role(index), [&] {
        while (who_is_late == late::producers && !book.has_consumer_slept()) rl::yield(1, $);
        producer_type role(ring.memory, index);
        call_the_roll<model_atomics>(ring.control);
        for (unsigned i = 0; i < within.pushes && push(role, index); ++i) {
        }
        if (within.interrupts && index == 0) {
          note($).store(1);
          waits[ProducerCount].interrupt.raise(ring.control.consumer_bell);
        } else {
          close_producer(role);
        }
      });
    } else {
      live(index, consumer_role, [&] {
        while (who_is_late == late::consumer && ended < ProducerCount &&
               !book.has_producer_slept()) {
          rl::yield(1, $);
        }
        consumer_type role(ring.memory);
        book.consumer_came();
        is_at_the_end = false;
        // Leaves early, while producers wait for room, or stays until it is told to leave.
        const bool may_leave = within.interrupts || within.is_late;
        const auto most = may_leave && rl::rand(2) == 0 ? 1 : within.reads;
        for (unsigned i = 0; i < most; ++i) {
          if (!read(role)) break;
          if (rl::rand(within.releases) == 0) release(role);
        }
        if (is_at_the_end) return;
        release(role);
        if (within.interrupts) {
          for (unsigned i = 0; i < ProducerCount; ++i) {
            waits[i].interrupt.raise(ring.control.producers_bell);
          }
        } else {
          close_consumer(role);
          RL_ASSERT(book.is_all_told());
        }
      });
    }
  }

  void after() {}

 private:
  void come(role_words<model_atomics>& words, std::uint32_t role) {
    ring.locks.change(role);
    RL_ASSERT(enter<model_atomics>(words, true, {}));
  }

  // Whoever dies is not replaced: waits must end all the same.
  template <class Body>
  void live(unsigned index, std::uint32_t role, Body body) {
    unsigned end = 0;
    if (base::deaths_left[index] > 0 && rl::rand(3) != 0) end = 1 + rl::rand(within.life);
    (void)lived(end, body);
    ++ended;
    ring.locks.change(role);
  }

  static constexpr waiting how{waiting::kind::block, std::chrono::nanoseconds(0)};

  bool push(producer_type& role, unsigned index) {
    const std::uint32_t id = base::next_id++;
    book.pushing(index, id);
    const auto count = base::length_of(rl::rand(3));
    const auto attempt = [&] { return role.try_push(model_atomics::bytes{nullptr, 0, count, id}); };
    // Who is late tries before it waits: a wait would fence.
    if (within.is_late && attempt() == status::ok) return true;
    const auto seen = wait_for_room(
        role, how, no_deadline, waits[index], [] { return false; }, attempt,
        [](status s) { return s; }, [](status s) { return s; });
    RL_ASSERT(seen == status::ok || seen == status::closed || seen == status::peer_gone ||
              (within.interrupts && seen == status::interrupted));
    RL_ASSERT(seen != status::peer_gone || within.consumer_deaths > 0);
    return seen == status::ok;
  }

  // False: the producers came to their end, and all of theirs was read; or an interrupt ended it.
  bool read(consumer_type& role) {
    auto seen = within.is_late ? role.try_read() : typename consumer_type::view_type(status::empty);
    if (!seen) {
      seen = wait_for_message(role, ours, how, no_deadline, waits[ProducerCount],
                              [] { return false; });
    }
    if (seen) {
      base::take(seen);
      return true;
    }
    if (within.interrupts && seen.status() == status::interrupted) {
      RL_ASSERT(note($).load() == 1);  // what was done before
      return false;
    }
    is_at_the_end = true;
    RL_ASSERT(seen.status() == status::closed || seen.status() == status::peer_gone);
    RL_ASSERT(seen.status() != status::peer_gone || within.producer_deaths > 0);
    RL_ASSERT(book.is_all_read());
    return false;
  }

  void release(consumer_type& role) {
    const bool is_awaited = book.has_producer_slept();
    role.release();
    RL_ASSERT(!is_awaited || book.is_all_told());
  }

  // Who comes when the others are asleep: no barrier of theirs has reached it.
  enum class late : std::uint8_t { nobody, producers, consumer };

  const model_atomics::home ours = model_atomics::home::here();
  bool is_at_the_end = false;  // nobody is left whom the consumer could tell anything
  late who_is_late = late::nobody;
  unsigned ended = 0;      // threads
  rl::var<unsigned> note;  // plain: before the consumer's interrupt
  wait_memory<model_atomics> waits[ProducerCount + 1];
};

constexpr model waiting_models[] = {
    {"blocked",
     "nobody sleeps through what he waits for, a close included",
     {search::random, 240'000, 24'000'000},
     {.pushes = 3, .reads = 20}},
    {"leaves",
     "the consumer closes while producers wait for room",
     {search::random, 160'000, 16'000'000},
     {.pushes = 4, .reads = 1}},
    {"late",
     "one side comes when the other sleeps already",
     {search::random, 80'000, 8'000'000},
     {.pushes = 4, .reads = 20, .is_late = true}},
    {"ends",
     "one producer closes while another dies",
     {search::random, 800'000, 80'000'000},
     {.pushes = 1, .reads = 4, .producer_deaths = 1, .life = 12}},
    {"deaths",
     "waits end when the peer dies, and not before all was read",
     {search::random, 240'000, 24'000'000},
     {.pushes = 3, .reads = 20, .producer_deaths = 1, .consumer_deaths = 1, .life = 30}},
    {"interrupts",
     "an interrupt ends a wait, and what was done before it is seen",
     {search::random, 160'000, 16'000'000},
     {.pushes = 4, .reads = 20, .interrupts = true}},
    {"struck",
     "the same, while roles die",
     {search::random, 80'000, 8'000'000},
     {.pushes = 3,
      .reads = 20,
      .producer_deaths = 1,
      .consumer_deaths = 1,
      .life = 40,
      .interrupts = true}},
    {"tight",
     "a dead claim may take most of the room that another waits for",
     {search::random, 40'000, 4'000'000},
     {.capacity = 32, .pushes = 3, .reads = 20, .producer_deaths = 1, .life = 30}},
};

}  // namespace annulus::models
