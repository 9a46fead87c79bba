// What every transport must do, written once.
//
// A transport is a default-constructible type: a fresh, empty channel that holds some kilobytes.
//
//     producer_type, consumer_type   its roles: annulus::producer, annulus::consumer
//     most_producers                 how many may be attached at once
//     make_producer(), make_consumer()   attach a role
//
// Two suites: Messages (what passes through) and Roles (who comes, waits and goes). Instantiate
// both with INSTANTIATE_TYPED_TEST_SUITE_P(Ring, Messages, types, names).
#pragma once

#include "bytes.hpp"
#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <annulus/channel/concepts.hpp>
#include <annulus/channel/typed.hpp>

namespace annulus::testing {

template <class T>
concept transport = std::default_initializable<T> && requires(T t) {
  requires producer<typename T::producer_type>;
  requires consumer<typename T::consumer_type>;
  { T::most_producers } -> std::convertible_to<std::uint32_t>;
  { t.make_producer() } -> std::same_as<typename T::producer_type>;
  { t.make_consumer() } -> std::same_as<typename T::consumer_type>;
};

[[nodiscard]] inline deadline passed() { return std::chrono::steady_clock::now(); }
[[nodiscard]] inline deadline soon() { return within(std::chrono::milliseconds(2)); }

// The next message as text, handed back at once; in brackets, why there is none.
template <consumer C>
[[nodiscard]] std::string next(C& from) {
  const view seen = from.try_read();
  if (!seen) return "[" + std::string(to_string(seen.status())) + "]";
  auto out = text(seen.bytes());
  from.release();
  return out;
}

// Pushes until there is no room; returns how many went in.
template <producer P>
[[nodiscard]] std::uint64_t fill_up(P& to, message one) {
  std::uint64_t count = 0;
  while (to.try_push(one) == status::ok) ++count;
  return count;
}

template <transport T>
class Conformance : public ::testing::Test {
 protected:
  T channel_;
  typename T::producer_type tx_ = channel_.make_producer();
  typename T::consumer_type rx_ = channel_.make_consumer();
};

}  // namespace annulus::testing

#include "conformance_messages.hpp"
#include "conformance_roles.hpp"
