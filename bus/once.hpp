// The consumer of a name with once=yes: a consumer of any transport that drops what was released
// before (dedup.hpp).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include <annulus/bus/any_role.hpp>
#include <annulus/bus/dedup.hpp>
#include <annulus/channel/drain.hpp>

namespace annulus::bus {

class once_consumer : public any_consumer<spsc_consumer, mpsc_consumer, pipe_consumer> {
 public:
  once_consumer(roles role, std::unique_ptr<seen_list> seen) noexcept
      : any_consumer(std::move(role)), seen_(std::move(seen)) {}

  // Each call is the role's; views are of new messages only.
  [[nodiscard]] view try_read() noexcept {
    return first_new([&] { return with(role_, [](auto& r) { return r.try_read(); }); }, no_deadline,
                     capacity());
  }
  [[nodiscard]] view read(deadline until) noexcept {
    return first_new([&] { return with(role_, [&](auto& r) { return r.read(until); }); }, until,
                     any_number);
  }
  void release() noexcept {
    if (seen_ == nullptr) return;  // moved from
    seen_->note_released();
    unreleased_ = 0;
    has_views_ = false;
    with(role_, [](auto& r) { r.release(); });
  }
  template <class F>
  batch drain(F&& f, std::size_t limit) noexcept {
    return drain_from(*this, f, limit, [&] { return much_is_unreleased(); });
  }
  template <class F>
  batch drain(F&& f, std::size_t limit, deadline until) noexcept {
    return drain_from(*this, f, limit, until, [&] { return much_is_unreleased(); });
  }
  void close() noexcept {
    if (seen_ == nullptr) return;
    seen_->forget_unreleased();
    any_role::close();
  }

  // Duplicates that were dropped.
  [[nodiscard]] std::uint64_t repeated() const noexcept {
    return seen_ != nullptr ? seen_->repeated() : 0;
  }

 private:
  // What the channel holds at once, bytes.
  [[nodiscard]] std::uint64_t capacity() const noexcept {
    return with(role_, [](auto& r) { return r.capacity(); });
  }
  [[nodiscard]] bool much_is_unreleased() const noexcept {
    return unreleased_ >= max_message() / 4;
  }

  // Drops duplicates, and releases their space at once if no view is open.
  template <class Attempt>
  view first_new(Attempt attempt, deadline until, std::uint64_t most) noexcept {
    const auto deliver = [&](message one) -> std::optional<view> {
      unreleased_ += one.size();
      const auto mark = mark_in(one);
      if (mark && !seen_->is_new(*mark)) {
        if (!has_views_) release();
        return std::nullopt;
      }
      has_views_ = true;
      return mark ? one.subspan(mark_bytes) : one;
    };
    return first_delivered(attempt, deliver, until, most);
  }

  std::unique_ptr<seen_list> seen_;
  std::size_t unreleased_ = 0;  // bytes
  bool has_views_ = false;
};

}  // namespace annulus::bus
