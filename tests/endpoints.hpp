// Endpoints for tests: under a name that nobody else uses, and gone with all they leave.
#pragma once

#include "names.hpp"
#include <gtest/gtest.h>

#include <string>
#include <utility>

#include <annulus/bus/bus.hpp>
#include <annulus/bus/channel.hpp>
#include <annulus/bus/rendezvous.hpp>

namespace annulus::testing {

// The value, or the end of the program with the reason.
template <class T>
[[nodiscard]] T opened(result<T> got) {
  EXPECT_TRUE(got) << (got ? "" : got.error().message);
  return std::move(got).value();
}
// The failure; with a value the test has failed.
template <class T>
[[nodiscard]] failure refusal_of(const result<T>& got) {
  EXPECT_FALSE(got);
  return got ? failure{fault::system, "there was no failure"} : got.error();
}

// One name for every transport.
class scratch_endpoint {
 public:
  scratch_endpoint() = default;
  scratch_endpoint(const scratch_endpoint&) = delete;
  scratch_endpoint& operator=(const scratch_endpoint&) = delete;
  ~scratch_endpoint() {
    for (const auto* scheme : {"shm", "pipe"})
      (void)bus::remove(bus::parse(at(scheme)).value(), true);
    (void)bus::forget_decision(automatic());
  }

  [[nodiscard]] const std::string& str() const noexcept { return name_.str(); }
  [[nodiscard]] bus::endpoint automatic() const { return bus::parse(at("auto")).value(); }
  // at("shm", "capacity=8KiB"), at("auto")
  [[nodiscard]] std::string at(const std::string& scheme, const std::string& options = "") const {
    return scheme + ":" + str() + (options.empty() ? "" : "?" + options);
  }
  [[nodiscard]] std::string decision_path() const { return name_.path() + ".auto"; }
  [[nodiscard]] std::string seen_path() const { return name_.path() + ".shm.seen"; }

 private:
  scratch_name name_;
};

}  // namespace annulus::testing
