// Space for one message, aligned to 8 bytes: fill it, then commit or abort. Used once, on the
// thread of its producer.
#pragma once

#include <cassert>
#include <cstdint>
#include <utility>

#include <annulus/channel/checked.hpp>
#include <annulus/channel/status.hpp>

namespace annulus {

// What the claim of one role and that of a role by name have in common. `Claim`, the derived class,
// ends what an `Owner` has claimed by commit_for() and abort_for(). An Owner is false where no
// claim is open.
template <class Claim, class Owner, class Bytes>
class claim_of {
 public:
  claim_of& operator=(claim_of&& other) noexcept {
    if (this != &other) {
      abort();
      owner_ = std::exchange(other.owner_, {});
      bytes_ = other.bytes_;
      status_ = std::exchange(other.status_, annulus::status::not_permitted);
      watch_ = std::move(other.watch_);
    }
    return *this;
  }

  // Whether it is open; else the status says why not.
  [[nodiscard]] explicit operator bool() const noexcept { return static_cast<bool>(owner_); }
  // ok, or why there is no claim; not_permitted once it has ended.
  [[nodiscard]] annulus::status status() const noexcept { return status_; }

  // Requires: the claim is open.
  [[nodiscard]] Bytes bytes() noexcept { return bytes_; }

  // Hands the message over. A claim that is not open does nothing.
  [[gnu::always_inline]] void commit() noexcept { commit(bytes_.size()); }

  // Commits the first `fewer` bytes. Requires: at most what was claimed; else aborts.
  [[gnu::always_inline]] void commit(std::size_t fewer) noexcept {
    if (fewer > bytes_.size()) watch_.exceeds();
    assert(!owner_ || fewer <= bytes_.size());
    if (fewer > bytes_.size()) return abort();
    const auto running = watch_.ending("commit");
    if (const Owner owner = close()) Claim::commit_for(owner, fewer);
  }

  // Gives the space up; the consumer never sees it.
  [[gnu::always_inline]] void abort() noexcept {
    const auto running = watch_.ending("abort");
    if (const Owner owner = close()) Claim::abort_for(owner);
  }

 protected:
  // Always inlined, like all that ends a claim: a call would take its address, and a claim whose
  // address is taken is kept in memory.
  [[gnu::always_inline]] ~claim_of() {
    if (owner_) [[unlikely]]
      abort();
  }

  // Ends it, and returns what is still to be committed or aborted.
  [[gnu::always_inline]] Owner close() noexcept {
    status_ = annulus::status::not_permitted;
    return std::exchange(owner_, {});
  }
  // The check of a debug build that goes with the claim.
  [[nodiscard]] checked_claim& watching() noexcept { return watch_; }

 private:
  friend Claim;  // alone derives from this

  // An open one, or a refusal.
  claim_of(Owner owner, Bytes bytes, annulus::status why) noexcept
      : owner_(owner), bytes_(bytes), status_(why) {}
  claim_of(claim_of&& other) noexcept
      : owner_(std::exchange(other.owner_, {})),
        bytes_(other.bytes_),
        status_(std::exchange(other.status_, annulus::status::not_permitted)),
        watch_(std::move(other.watch_)) {}

  Owner owner_{};
  Bytes bytes_{};
  annulus::status status_;
  [[no_unique_address]] checked_claim watch_;
};

// Requires: the producer is neither moved nor destroyed while one of its claims is open.
template <class Producer>
class basic_claim : public claim_of<basic_claim<Producer>, Producer*, typename Producer::bytes> {
  using in_common = claim_of<basic_claim, Producer*, typename Producer::bytes>;

 public:
  using bytes_type = typename Producer::bytes;  // a span of writable bytes

  // Open, or refused for a reason. Programs get claims from a producer.
  basic_claim(Producer& producer, bytes_type bytes) noexcept
      : in_common(&producer, bytes, annulus::status::ok) {}
  explicit basic_claim(annulus::status why) noexcept : in_common({}, {}, why) {}
  basic_claim(basic_claim&&) noexcept = default;
  basic_claim& operator=(basic_claim&&) noexcept = default;
  [[gnu::always_inline]] ~basic_claim() = default;

  // Hands the open claim to a type-erased wrapper: ends this one and returns its producer, or null.
  // The wrapper later calls commit_for or abort_for.
  [[nodiscard]] Producer* handed_over() noexcept { return this->close(); }
  // The check of a debug build that goes with the claim: taken, or set.
  [[nodiscard]] checked_claim watch() noexcept { return std::move(this->watching()); }
  void watch(checked_claim by) noexcept { this->watching() = std::move(by); }
  // Commits a claim of this producer.
  [[gnu::always_inline]] static void commit_for(Producer* producer, std::size_t bytes) noexcept {
    producer->commit_claim(bytes);
  }
  // Aborts a claim of this producer.
  static void abort_for(Producer* producer) noexcept { producer->abort_claim(); }
};

}  // namespace annulus
