// Space for one message, aligned to 8 bytes: fill it, then commit or abort. Used once, on the
// thread of its producer.
#pragma once

#include <cassert>
#include <cstdint>
#include <utility>

#include <annulus/channel/checked.hpp>
#include <annulus/channel/status.hpp>

namespace annulus {

// Requires: the producer is neither moved nor destroyed while one of its claims is open.
template <class Producer>
class basic_claim {
 public:
  using bytes_type = typename Producer::bytes;  // a span of writable bytes

  // Open, or refused for a reason. Programs get claims from a producer.
  basic_claim(Producer& producer, bytes_type bytes) noexcept
      : producer_(&producer), bytes_(bytes) {}
  explicit basic_claim(annulus::status why) noexcept : status_(why) {}

  basic_claim(basic_claim&& other) noexcept
      : producer_(std::exchange(other.producer_, nullptr)),
        bytes_(other.bytes_),
        status_(std::exchange(other.status_, annulus::status::not_permitted)),
        watch_(std::move(other.watch_)) {}
  basic_claim& operator=(basic_claim&& other) noexcept {
    if (this != &other) {
      abort();
      producer_ = std::exchange(other.producer_, nullptr);
      bytes_ = other.bytes_;
      status_ = std::exchange(other.status_, annulus::status::not_permitted);
      watch_ = std::move(other.watch_);
    }
    return *this;
  }
  ~basic_claim() {
    if (producer_ != nullptr) [[unlikely]]
      abort();
  }

  // Whether it is open; else the status says why not.
  [[nodiscard]] explicit operator bool() const noexcept { return producer_ != nullptr; }
  // ok, or why there is no claim; not_permitted once it has ended.
  [[nodiscard]] annulus::status status() const noexcept { return status_; }

  // Requires: the claim is open.
  [[nodiscard]] bytes_type bytes() noexcept { return bytes_; }

  // Hands the message over. A claim that is not open does nothing.
  [[gnu::always_inline]] void commit() noexcept { commit(bytes_.size()); }

  // Commits the first `fewer` bytes. Requires: at most what was claimed; else aborts.
  [[gnu::always_inline]] void commit(std::size_t fewer) noexcept {
    if (fewer > bytes_.size()) watch_.exceeds();
    assert(producer_ == nullptr || fewer <= bytes_.size());
    if (fewer > bytes_.size()) return abort();
    const auto running = watch_.ending("commit");
    if (Producer* producer = close()) producer->commit_claim(fewer);
  }

  // Gives the space up; the consumer never sees it.
  void abort() noexcept {
    const auto running = watch_.ending("abort");
    if (Producer* producer = close()) producer->abort_claim();
  }

  // Hands the open claim to a type-erased wrapper: ends this one and returns its producer, or null.
  // The wrapper later calls commit_for or abort_for.
  [[nodiscard]] Producer* handed_over() noexcept { return close(); }
  // The check of a debug build that goes with the claim: taken, or set.
  [[nodiscard]] checked_claim watch() noexcept { return std::move(watch_); }
  void watch(checked_claim by) noexcept { watch_ = std::move(by); }
  // Commits a claim that was handed over.
  [[gnu::always_inline]] static void commit_for(Producer& producer, std::size_t bytes) noexcept {
    producer.commit_claim(bytes);
  }
  // Aborts a claim that was handed over.
  static void abort_for(Producer& producer) noexcept { producer.abort_claim(); }

 private:
  Producer* close() noexcept {
    status_ = annulus::status::not_permitted;
    return std::exchange(producer_, nullptr);
  }

  Producer* producer_ = nullptr;
  bytes_type bytes_{};
  annulus::status status_ = annulus::status::ok;
  [[no_unique_address]] checked_claim watch_;
};

}  // namespace annulus
