// Threads that play the roles of a ring: they push in every way, read, release, die and come back.
#pragma once

#include "ledger.hpp"

#include <annulus/ring/mpsc.hpp>
#include <annulus/ring/spsc.hpp>

namespace annulus::models {

enum way : unsigned {
  whole = 1,    // a message
  pieces = 2,   // a message in two pieces
  claims = 4,   // claim, fill, commit
  shorter = 8,  // claim, fill, commit less of it
  aborts = 16,  // claim, give up
  batches = 32  // two messages at once
};

// Everything that a model of a ring shares; Relacy makes one for each execution.
template <class Derived, unsigned ProducerCount,
          template <class, template <class> class> class Producer,
          template <class, template <class> class> class Consumer,
          template <class> class Statistics = observed>
struct ring_model : rl::test_suite<Derived, int{ProducerCount + 1}> {
  using producer_type = Producer<model_atomics, Statistics>;
  using consumer_type = Consumer<model_atomics, Statistics>;
  static constexpr unsigned consumer_thread = ProducerCount;
  static constexpr bool is_mpsc = producer_type::topology == topology::mpsc;

  void before() {
    begin_execution();
    ring.start(producer_type::topology, ProducerCount);
    book.start(ring, consumer_thread);
    next_id = 0;
    for (unsigned i = 0; i < ProducerCount; ++i) {
      pushes_left[i] = within.pushes;
      deaths_left[i] = within.producer_deaths;
    }
    reads_left = within.reads;
    deaths_left[consumer_thread] = within.consumer_deaths;
  }

  void thread(unsigned index) {
    if (index < ProducerCount) {
      play(index, producer_role(index), [&] {
        producer_type role(ring.memory, index);
        if (!is_mpsc) RL_ASSERT(ring.control.write_pos.newest() == book.end());
        while (pushes_left[index] > 0) {
          --pushes_left[index];
          push(role, index);
        }
      });
    } else {
      play(index, consumer_role, [&] {
        consumer_type role(ring.memory);
        book.consumer_came();
        dry_polls = 0;
        while (reads_left > 0) {
          --reads_left;
          read(role);
          // A release of nothing is one more step of every interleaving, and nothing else.
          if (role.unreleased_bytes() != 0 && rl::rand(within.releases) == 0) role.release();
        }
        if (role.unreleased_bytes() != 0) role.release();
      });
    }
  }

  // A quiet end: somebody takes up what is left, and all is accounted for.
  void after() {
    for (life& one : lives) one.left = 0;
    drain();
    book.settle(within.consumer_deaths > 0);
    if (within.refills && rl::rand(4) == 0) refill();
  }

 protected:
  // Lives, and at most so often dies and is replaced by a successor, or by nobody.
  template <class Body>
  void play(unsigned index, std::uint32_t role, Body body) {
    for (;;) {
      ring.locks.change(role);
      unsigned end = 0;
      if (deaths_left[index] > 0 && rl::rand(4) != 0) end = 1 + rl::rand(within.life);
      if (lived(end, body)) return;
      --deaths_left[index];
      book.died(index);
      ring.locks.change(role);
      if (rl::rand(4) == 0) return;
    }
  }

  static std::uint64_t length_of(unsigned which) {
    constexpr std::uint64_t lengths[] = {8, 0, 16, 5};
    return lengths[which];
  }

  void push(producer_type& role, unsigned index) {
    const auto how = chosen_way();
    const std::uint32_t id = next_id;
    next_id += how == batches ? 2 : 1;
    book.pushing(book.thread(), id);
    const auto count = length_of(rl::rand(within.lengths));
    const auto why = push(role, how, id, count);
    RL_ASSERT(why == status::ok || why == status::full || (within.closes && why == status::closed));
    (void)index;
  }

  way chosen_way() const {
    unsigned count = 0;
    way all[8];
    for (unsigned bit = 1; bit <= batches; bit *= 2) {
      if ((within.ways & bit) != 0) all[count++] = static_cast<way>(bit);
    }
    return count == 1 ? all[0] : all[rl::rand(count)];
  }

  status push(producer_type& role, way how, std::uint32_t id, std::uint64_t count) {
    using bytes = model_atomics::bytes;
    switch (how) {
      case whole: return role.try_push(bytes{nullptr, 0, count, id});
      case pieces: {
        const std::uint64_t first = count > 8 ? 8 : 0;
        const bytes parts[] = {{nullptr, 0, first, id},
                               {nullptr, 0, count - first, id, static_cast<unsigned>(first / 8)}};
        return role.try_push(std::span<const bytes>(parts));
      }
      case batches: {
        const bytes many[] = {{nullptr, 0, count, id},
                              {nullptr, 0, length_of(rl::rand(2)), id + 1}};
        return role.try_push_batch(std::span<const bytes>(many)).why;
      }
      default: return push_claim(role, how, id, count);
    }
  }

  status push_claim(producer_type& role, way how, std::uint32_t id, std::uint64_t count) {
    auto claim = role.try_claim(count);
    if (!claim) return claim.status();
    if (how != aborts || rl::rand(2) == 0) claim.bytes().say(id, {"roles.hpp", __LINE__, "push"});
    if (rl::rand(4) == 0) {  // a second one is refused while it is open
      const auto why = role.try_push(model_atomics::bytes{nullptr, 0, length_of(rl::rand(2)), id});
      RL_ASSERT(why == status::not_permitted || (within.closes && why == status::closed));
    }
    if (how == claims) claim.commit();
    if (how == shorter) claim.commit(count > 0 ? length_of(rl::rand(2)) % count : 0);
    return status::ok;  // a claim that is still open aborts itself
  }

  void read(consumer_type& role) {
    const auto looks = within.looks;
    const bool is_closer = looks > 0 && rl::rand(looks) == 0;
    const auto seen = is_closer ? role.examine() : role.try_read();
    dry_polls = take(seen) ? 0 : dry_polls + !is_closer;
    // A closer look tells what was released, and so does a lone producer's consumer that starves.
    const bool has_starved = !is_mpsc && dry_polls > model_atomics::polls_until_starved;
    RL_ASSERT(book.is_all_told() || !(is_closer || has_starved));
  }

  template <class View>
  bool take(const View& seen) {
    if (!seen) {
      RL_ASSERT(seen.status() == status::empty || seen.status() == status::stalled);
      return false;
    }
    const unsigned which = book.next(seen.bytes());
    RL_ASSERT(seen.bytes().says(book.id_of(which), {"roles.hpp", __LINE__, "read"}));
    book.read(which);
    return true;
  }

  void drain() {
    book.acting(max_threads - 1);
    consumer_type role(ring.memory);
    book.consumer_came();
    // What comes before what is left: at most one record a word, and some closer looks.
    for (unsigned left = 40; book.freed_pos() != book.end(); --left) {
      RL_ASSERT(left > 0);  // recovery ends
      if (const auto seen = role.examine(); seen.status() != status::closed) (void)take(seen);
      role.release();
    }
    RL_ASSERT(!role.try_read());
    if (is_mpsc) {
      for (std::uint64_t i = 0; i * 8 < within.capacity; ++i) {
        RL_ASSERT(ring.data.all[i].newest() == 0);  // free space is zero
      }
    }
  }

  // Full means full, and not before: with nothing else going on, the ring holds what it should.
  void refill() {
    constexpr std::uint64_t count = 8;
    const auto& shape = ring.memory.geometry;
    const auto need = ring.memory.record_bytes(count);
    const auto terminator = is_mpsc ? 0 : header_bytes;
    book.acting(0);
    producer_type role(ring.memory, 0);
    for (std::uint64_t used = 0;; used += need) {
      book.pushing(0, next_id);
      const auto why = role.try_push(model_atomics::bytes{nullptr, 0, count, next_id++});
      RL_ASSERT((why == status::ok) == (used + need + terminator <= shape.capacity));
      if (why != status::ok) break;
    }
    drain();
  }

  modelled_ring ring;
  ledger book;
  std::uint32_t next_id = 0;
  unsigned pushes_left[ProducerCount] = {};
  unsigned reads_left = 0;
  unsigned dry_polls = 0;  // of the consumer, since its last message
  unsigned deaths_left[ProducerCount + 1] = {};
};

}  // namespace annulus::models
