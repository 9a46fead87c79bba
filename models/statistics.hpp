// What the models' roles count with.
#pragma once

#include "atomics.hpp"

#include <annulus/ring/tally.hpp>

namespace annulus::models {

// Statistics that the observer keeps: fewer accesses, so that a search meets more of the others.
template <class Atomics>
class observed : public uncounted<Atomics> {
 public:
  using uncounted<Atomics>::uncounted;
  void waited() noexcept {
    if (watching != nullptr) watching->waited();
  }
  void recovered() noexcept {
    if (watching != nullptr) watching->recovered();
  }
  void corrupt() noexcept {
    if (watching != nullptr) watching->corrupt();
  }
};

// The shipped ones, and the observer.
template <class Atomics>
class observed_and_counted : public tallied<Atomics> {
 public:
  using tallied<Atomics>::tallied;
  void recovered() noexcept {
    tallied<Atomics>::recovered();
    if (watching != nullptr) watching->recovered();
  }
  void corrupt() noexcept {
    tallied<Atomics>::corrupt();
    if (watching != nullptr) watching->corrupt();
  }
};

}  // namespace annulus::models
