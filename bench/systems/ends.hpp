// Ends of channels: of producers and consumers of channel/, and of systems that copy each message.
#pragma once

#include "bench/loops.hpp"
#include "bench/system.hpp"
#include <unistd.h>

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <annulus/channel/concepts.hpp>
#include <annulus/channel/result.hpp>

namespace annulus::bench {

// A name that no other channel of this machine has.
[[nodiscard]] inline std::string new_name() {
  static unsigned made = 0;
  return "bench-" + std::to_string(getpid()) + "-" + std::to_string(++made);
}

template <class T>
[[nodiscard]] T must(result<T> r) {
  if (!r) throw std::runtime_error(r.error().message);
  return std::move(r).value();
}

// How a role sends: by copying a message that the caller has, or by writing it in place.
enum class by : std::uint8_t { push, claim };

// A producer of our own. One that polls uses the try_ forms.
template <producer Role, by By, bool Polls>
struct role_producer {
  Role role;
  std::vector<std::byte> own{};  // for pushes of a size known at run time

  template <class Size, class Fill>
  void send(Size bytes, Fill fill, poll& wait) {
    if constexpr (By == by::claim) {
      for (;;) {
        auto claim = Polls ? role.try_claim(bytes) : role.claim(bytes, no_deadline);
        if (claim) [[likely]] {
          fill(claim.bytes().data());
          return claim.commit();
        }
        wait_for_room(claim.status(), wait);
      }
    } else if constexpr (is_constant<Size>) {
      value<Size::value> one;
      fill(one.bytes);
      push(message(one.bytes), wait);
    } else {
      if (own.size() < bytes) own.resize(bytes);
      fill(own.data());
      push(message(own).first(bytes), wait);
    }
  }
  void send_all(messages many, poll& wait) {
    for (;;) {
      const auto sent = Polls ? role.try_push_batch(many) : role.push_batch(many, no_deadline);
      many = many.subspan(sent.count);
      if (many.empty()) return;
      wait_for_room(sent.why, wait);
    }
  }

 private:
  void push(message one, poll& wait) {
    for (;;) {
      const status s = Polls ? role.try_push(one) : role.push(one, no_deadline);
      if (s == status::ok) [[likely]]
        return;
      wait_for_room(s, wait);
    }
  }
  static void wait_for_room(status s, poll& wait) {
    if (s != status::full) require(s);
    wait.again();
  }
};

template <consumer Role, bool Polls>
struct role_consumer {
  Role role;

  template <class F>
  std::size_t receive(F&& f, std::size_t limit) {
    if constexpr (!Polls) {
      const auto got = role.drain(f, limit, no_deadline);
      if (got.count == 0) require(got.why);
      return got.count;
    } else if (limit == 1) {
      const view seen = role.try_read();
      if (!seen) {
        if (seen.status() != status::empty && seen.status() != status::stalled) {
          require(seen.status());
        }
        return 0;
      }
      f(seen.bytes());
      role.release();
      return 1;
    } else {
      return role.drain(f, limit).count;
    }
  }
};

// `put(message)` sends a copy: true, or false when it polls and there is no room.
template <class Put>
class copying_producer {
 public:
  copying_producer(std::size_t bytes, Put put) : own_(bytes), put_(std::move(put)) {}

  template <class Size, class Fill>
  void send(Size bytes, Fill fill, poll& wait) {
    fill(own_.data());
    const auto one = message(own_).first(bytes);
    while (!put_(one)) wait.again();
  }
  void send_all(messages many, poll& wait) {
    for (const auto& one : many) {
      while (!put_(one)) wait.again();
    }
  }

 private:
  std::vector<std::byte> own_;
  Put put_;
};

// `get(span)` writes a message there and returns its size; 0 when it polls and there is none.
template <class Get>
class copying_consumer {
 public:
  copying_consumer(std::size_t bytes, bool polls, Get get)
      : own_(bytes), polls_(polls), get_(std::move(get)) {}

  template <class F>
  std::size_t receive(F&& f, std::size_t limit) {
    const std::size_t most = polls_ ? limit : 1;  // to wait for a second one may take for ever
    std::size_t taken = 0;
    for (; taken < most; ++taken) {
      const std::size_t bytes = get_(std::span(own_));
      if (bytes == 0) break;
      f(message(own_).first(bytes));
    }
    return taken;
  }

 private:
  std::vector<std::byte> own_;
  bool polls_;
  Get get_;
};

// Takes one value after the other: `try_one(v)` fills v, or returns false.
template <std::size_t Bytes, class TryOne, class F>
std::size_t take_each(TryOne try_one, F&& f, std::size_t limit) {
  value<Bytes> next;
  std::size_t taken = 0;
  for (; taken < limit && try_one(next); ++taken) f(next);
  return taken;
}

// A queue of values in this process, as a channel. `Kind<Bytes>` has a `queue` made from a number
// of values, and two functions:
//     push(queue, value)      true, or false when full
//     take(queue, f, limit)   f(value) up to `limit` times; how many
template <template <std::size_t> class Kind>
struct value_channels {
  template <std::size_t Bytes>
  class channel {
    using kind = Kind<Bytes>;
    using queue = typename kind::queue;

    struct producer_end {
      queue* to;

      template <class Size, class Fill>
      void send(Size, Fill fill, poll& wait) {
        value<Bytes> one;
        fill(one.bytes);
        while (!kind::push(*to, one)) wait.again();
      }
      void send_all(messages, poll&) { throw std::logic_error("values are pushed one by one"); }
    };
    struct consumer_end {
      queue* from;

      template <class F>
      std::size_t receive(F&& f, std::size_t limit) {
        return kind::take(
            *from, [&](const auto& one) { f(message(one.bytes)); }, limit);
      }
    };

   public:
    explicit channel(const shape& of) : queue_(of.capacity / of.bytes) {}
    producer_end producer() { return {&queue_}; }
    consumer_end consumer() { return {&queue_}; }

   private:
    queue queue_;
  };
};

// The sizes that the benchmarks measure.
inline constexpr std::array<std::size_t, 11> sizes{8,   16,  32,   48,   64,  128,
                                                   256, 512, 1024, 2048, 4096};

// Opens a `Channel` of the shape that is asked for; `more` goes to it, behind the shape.
template <class Channel, class Size = std::size_t, class... More>
[[nodiscard]] opening opens(const More&... more) {
  return
      [more...](const shape& of) { return std::make_unique<link_of<Channel, Size>>(of, more...); };
}

// Opens `Channel<Bytes>` for the size that is asked for.
template <template <std::size_t> class Channel>
std::unique_ptr<link> open_sized(const shape& of) {
  return [&]<std::size_t... I>(std::index_sequence<I...>) {
    std::unique_ptr<link> out;
    static_cast<void>((
        (of.bytes == sizes[I] && (out = opens<Channel<sizes[I]>, constant_size<sizes[I]>>()(of))) ||
        ...));
    if (!out) throw std::runtime_error("not built for messages of this size");
    return out;
  }
  (std::make_index_sequence<sizes.size()>());
}

// A system whose sides are threads.
[[nodiscard]] inline system in_threads(std::string name, std::string setting, opening open,
                                       unsigned most_producers = 1) {
  system one{std::move(name), std::move(setting), std::move(open)};
  one.sides = where::threads;
  one.most_producers = most_producers;
  return one;
}

// A queue of values between threads, as a system.
template <template <std::size_t> class Kind>
[[nodiscard]] system value_system(const char* name, const char* setting,
                                  unsigned most_producers = 1) {
  return in_threads(name, setting, &open_sized<value_channels<Kind>::template channel>,
                    most_producers);
}

}  // namespace annulus::bench
