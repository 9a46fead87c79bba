// What really happened, and so what each read must see.
//
// The ledger watches the words of a ring in the step in which they change. A claim is made when
// write_pos moves (mpsc), a message is committed when its claim's first header is, a message is
// released when read_pos has passed it, and space is free when `freed` says so. From these it knows
// at every step what may be delivered next, and that freed <= read_pos <= written <= freed +
// capacity.
#pragma once

#include "harness.hpp"

namespace annulus::models {

// A stretch of the ring: a claim, then what became of it.
struct part {
  enum class kind : std::uint8_t { claimed, committed, aborted } is = kind::claimed;
  std::uint64_t pos = 0;
  std::uint64_t end = 0;
  std::uint64_t count = 0;  // bytes of the message
  std::uint32_t id = 0;
  unsigned thread = 0;
  unsigned life = 0;  // of its thread
  unsigned delivered = 0;
  bool may_come_again = false;
  bool is_skipped = false;
};

class ledger : public observer {
 public:
  void start(const modelled_ring& ring, unsigned consumer) {
    ring_ = &ring;
    consumer_ = consumer;
    end_ = read_pos_ = freed_ = cursor_ = ring.memory.geometry.first_pos;
    count_ = staged_count_ = recovered_ = 0;
    has_producer_slept_ = has_consumer_slept_ = false;
    acting_ = max_threads;
    watching = this;
  }

  // A thread is about to push messages `id`, `id` + 1...
  void pushing(unsigned thread, std::uint32_t id) { pushing_[thread] = id; }
  // In the last phase one thread plays all roles.
  void acting(unsigned thread) { acting_ = thread; }
  [[nodiscard]] unsigned thread() const {
    return acting_ < max_threads ? acting_ : rl::thread_index();
  }

  // What a lone producer had written behind an unpublished header is nothing.
  void died(unsigned thread) {
    unsigned kept = 0;
    for (unsigned i = 0; i < staged_count_; ++i) {
      if (staged_[i].thread != thread) staged_[kept++] = staged_[i];
    }
    staged_count_ = kept;
  }

  // A consumer begins: what was read and not released is redelivered.
  void consumer_came() {
    cursor_ = read_pos_;
    for (unsigned i = 0; i < count_; ++i) {
      if (is_before(all_[i].pos, read_pos_)) continue;
      if (all_[i].delivered > 0) all_[i].may_come_again = true;
    }
  }

  // The consumer was given a message: is it the next? It still has to look inside.
  [[nodiscard]] unsigned next(const model_atomics::bytes& seen) {
    for (unsigned i = 0; i < count_; ++i) {
      part& one = all_[i];
      if (is_before(one.pos, cursor_)) continue;
      if (one.is == part::kind::committed) {
        RL_ASSERT(seen.index == ring_->memory.index_of(one.pos) + header_bytes);
        RL_ASSERT(seen.count == one.count);
        RL_ASSERT(one.delivered == 0 || one.may_come_again);
        return i;
      }
      pass_by(one);
    }
    RL_ASSERT(!"a message that nobody committed");
    return 0;
  }
  [[nodiscard]] std::uint32_t id_of(unsigned which) const { return all_[which].id; }
  void read(unsigned which) {
    part& one = all_[which];
    ++one.delivered;
    one.may_come_again = false;
    cursor_ = one.end;
  }

  void changed(const void* word, std::uint64_t from, std::uint64_t to) override {
    const auto& words = ring_->data.all;
    if (word == &ring_->control.consumer.read_pos) return released(to);
    if (word == &ring_->control.freed) return freed(to);
    if (word == &ring_->control.write_pos) {
      if (is_mpsc()) return claimed(from, to);
      RL_ASSERT(to == end_);  // the copy never runs ahead, and a new producer finds the end
    }
    if (word < &words[0] || word > &words[model_atomics::words::most - 1]) return;
    const auto index = static_cast<const model_atomics::data_word*>(word) - words;
    // A consumer only takes lines over, word by word as they stand, in what it has not given back.
    if (thread() >= consumer_) {
      RL_ASSERT(to == from);
      const auto past_freed =
          (static_cast<std::uint64_t>(index) * 8 - freed_) & (shape().capacity - 1);
      RL_ASSERT(past_freed < read_pos_ - freed_);
    } else {
      header_stored(static_cast<std::uint64_t>(index) * 8, to);
    }
  }
  void recovered() override { ++recovered_; }
  void corrupt() override { RL_ASSERT(!"nothing was damaged"); }
  void waited() override {
    const bool is_consumer = thread() == consumer_;
    (is_consumer ? has_consumer_slept_ : has_producer_slept_) = true;
    RL_ASSERT(!is_consumer || is_all_told());  // else a producer may wait for what is free
  }

  // At the end of an execution, all read and released: nothing lost, all accounted for.
  void settle(bool consumer_died) const {
    unsigned dead = 0;
    for (unsigned i = 0; i < count_; ++i) {
      const part& one = all_[i];
      if (one.is == part::kind::committed) RL_ASSERT(one.delivered >= 1);
      if (one.is == part::kind::committed && !consumer_died) RL_ASSERT(one.delivered == 1);
      if (one.is == part::kind::claimed) RL_ASSERT(one.is_skipped);
      dead += one.is == part::kind::claimed;
    }
    RL_ASSERT(read_pos_ == end_ && freed_ == end_);
    if (!consumer_died) RL_ASSERT(recovered_ <= dead && (recovered_ > 0) == (dead > 0));
  }

  [[nodiscard]] bool is_all_read() const {
    for (unsigned i = 0; i < count_; ++i) {
      if (all_[i].is == part::kind::committed && all_[i].delivered == 0) return false;
    }
    return true;
  }

  // What the counters should say.
  struct totals {
    std::uint64_t messages = 0;
    std::uint64_t bytes = 0;
    std::uint64_t deliveries = 0;
    std::uint64_t recovered = 0;
  };
  [[nodiscard]] totals sum() const {
    totals all;
    all.recovered = recovered_;
    for (unsigned i = 0; i < count_; ++i) {
      if (all_[i].is != part::kind::committed) continue;
      ++all.messages;
      all.bytes += all_[i].count;
      all.deliveries += all_[i].delivered;
    }
    return all;
  }

  // The producers know of all that was released.
  [[nodiscard]] bool is_all_told() const { return freed_ == read_pos_; }
  // One has: whoever releases from now on tells at once.
  [[nodiscard]] bool has_producer_slept() const { return has_producer_slept_; }
  [[nodiscard]] bool has_consumer_slept() const { return has_consumer_slept_; }

  [[nodiscard]] std::uint64_t end() const { return end_; }
  [[nodiscard]] std::uint64_t read_pos() const { return read_pos_; }
  [[nodiscard]] std::uint64_t freed_pos() const { return freed_; }

 private:
  static constexpr unsigned most = 48;

  [[nodiscard]] bool is_mpsc() const { return ring_->memory.geometry.topology == topology::mpsc; }
  [[nodiscard]] const geometry& shape() const { return ring_->memory.geometry; }

  part& add(part one) {
    RL_ASSERT(count_ < most);
    return all_[count_++] = one;
  }

  void claimed(std::uint64_t from, std::uint64_t to) {
    RL_ASSERT(from == end_);
    RL_ASSERT(to - freed_ <= shape().capacity);
    end_ = to;
    part one;
    one.pos = from;
    one.end = to;
    one.thread = thread();
    one.life = lives[one.thread].deaths;
    add(one);
  }

  // A header was stored by the thread: where does its record stand?
  void header_stored(std::uint64_t index, std::uint64_t value) {
    if (value == 0) return;
    part* claim = nullptr;
    for (unsigned i = 0; i < count_; ++i) {
      part& one = all_[i];
      if (one.is == part::kind::claimed && one.thread == thread() &&
          one.life == lives[thread()].deaths) {
        claim = &one;
      }
    }
    RL_ASSERT(!is_mpsc() || claim != nullptr);
    const auto start = claim != nullptr ? claim->pos : end_;
    const auto pos = start + ((index - start) & (shape().capacity - 1));
    const record_header header(value);
    if (header.is_busy(pos, shape().key, shape().producers)) {
      RL_ASSERT(claim != nullptr && pos == start);
      RL_ASSERT(pos + claim_bytes(header.bytes()) == claim->end);
      return;
    }
    part one;
    one.thread = thread();
    one.pos = pos;
    one.count = header.bytes();
    one.life = lives[thread()].deaths;
    const bool is_committed = header.is_committed(pos, shape().key);
    RL_ASSERT(is_committed || header.is_aborted(pos, shape().key));
    one.is = is_committed ? part::kind::committed : part::kind::aborted;
    one.end = pos + (is_committed ? ring_->memory.record_bytes(one.count) : claim_bytes(one.count));
    RL_ASSERT(staged_count_ < most);
    staged_[staged_count_++] = one;
    if (pos == start) publish(start, claim);
  }

  // The first header of a claim makes all of it visible. The records tile it.
  void publish(std::uint64_t from, part* claim) {
    std::uint64_t at = from;
    std::uint32_t id = pushing_[thread()];
    const auto end = claim != nullptr ? claim->end : end_ + shape().capacity;
    bool is_first = true;
    for (bool found = true; found && at != end;) {
      found = false;
      for (unsigned i = 0; i < staged_count_ && !found; ++i) {
        part one = staged_[i];
        if (one.thread != thread() || one.pos != at) continue;
        one.id = id++;
        at = one.end;
        found = true;
        if (claim != nullptr && is_first) {
          *claim = one;
        } else {
          insert(one);
        }
        is_first = false;
      }
    }
    RL_ASSERT(claim == nullptr || at == end);
    died(thread());  // nothing is staged any more
    if (claim == nullptr) {
      end_ = at;
      RL_ASSERT(end_ + header_bytes - freed_ <= shape().capacity);
    }
  }

  // Keeps the parts in the order of their positions.
  void insert(const part& one) {
    add(one);
    for (unsigned i = count_ - 1; i > 0 && is_before(all_[i].pos, all_[i - 1].pos); --i) {
      std::swap(all_[i], all_[i - 1]);
    }
  }

  // Space below `to` is the producers' again: all of it was released.
  void freed(std::uint64_t to) {
    RL_ASSERT(!is_before(to, freed_));
    RL_ASSERT(!is_before(read_pos_, to));
    freed_ = to;
  }

  // What stands below `to` will not come again: all of it was read, given up, or left by the dead.
  void released(std::uint64_t to) {
    RL_ASSERT(!is_before(to, read_pos_));
    bool is_end = to == read_pos_;
    for (unsigned i = 0; i < count_; ++i) {
      part& one = all_[i];
      if (is_before(one.pos, read_pos_) || !is_before(one.pos, to)) continue;
      if (one.is == part::kind::committed) {
        RL_ASSERT(one.delivered >= 1);
      } else {
        pass_by(one);
      }
      is_end |= one.end == to;
    }
    RL_ASSERT(is_end);
    read_pos_ = to;
  }

  // The consumer goes past something that is no message.
  static void pass_by(part& one) {
    if (one.is == part::kind::aborted) return;
    RL_ASSERT(one.is == part::kind::claimed);
    RL_ASSERT(one.life < lives[one.thread].deaths);  // the living are never robbed
    one.is_skipped = true;
  }

  const modelled_ring* ring_ = nullptr;
  std::uint64_t end_ = 0;       // claimed (mpsc) or committed (spsc) up to here
  std::uint64_t read_pos_ = 0;  // as published
  std::uint64_t freed_ = 0;     // what producers may go by
  std::uint64_t cursor_ = 0;    // what comes next
  unsigned consumer_ = 0;
  unsigned count_ = 0;
  unsigned staged_count_ = 0;
  unsigned recovered_ = 0;
  bool has_producer_slept_ = false, has_consumer_slept_ = false;
  unsigned acting_ = max_threads;
  part all_[most];
  part staged_[most];
  std::uint32_t pushing_[max_threads] = {};
};

}  // namespace annulus::models
