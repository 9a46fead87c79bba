// A value, or an error that says what was found, what was expected and what to do.
#pragma once

#include <cstdlib>
#include <string>
#include <utility>
#include <variant>

#include <annulus/channel/at_least_cxx20.hpp>

namespace annulus {

// Why something could not be opened, attached or removed.
enum class fault : unsigned char {
  bad_argument,    // a limit was broken by the caller
  not_found,       // no such channel or file
  already_exists,  // the name is taken
  in_use,          // the role is held by a live process
  no_permission,   // the system or the owner check refused
  no_space,        // no memory or disk space for it
  not_a_channel,   // the file is something else
  incompatible,    // another version, kind or geometry
  damaged,         // truncated, or its header does not add up
  system,          // the system refused for another reason
};

// What was found, what was expected, and what to do.
struct failure {
  fault kind;           // for programs
  std::string message;  // for people
};

// A value, or why there is none.
template <class T>
class [[nodiscard]] result {
 public:
  // Success, or failure.
  result(T value) noexcept : held_(std::in_place_index<0>, std::move(value)) {}    // NOLINT
  result(failure why) noexcept : held_(std::in_place_index<1>, std::move(why)) {}  // NOLINT

  // Whether there is a value.
  [[nodiscard]] explicit operator bool() const noexcept { return held_.index() == 0; }

  // Requires a value: without one the program ends.
  [[nodiscard]] T& operator*() & noexcept { return held<0>(*this); }
  [[nodiscard]] const T& operator*() const& noexcept { return held<0>(*this); }
  [[nodiscard]] T&& operator*() && noexcept { return std::move(held<0>(*this)); }
  // Requires a value: without one the program ends.
  [[nodiscard]] T* operator->() noexcept { return &held<0>(*this); }
  [[nodiscard]] const T* operator->() const noexcept { return &held<0>(*this); }
  // Requires a value: without one the program ends.
  [[nodiscard]] T& value() & noexcept { return held<0>(*this); }
  [[nodiscard]] const T& value() const& noexcept { return held<0>(*this); }
  [[nodiscard]] T&& value() && noexcept { return std::move(held<0>(*this)); }

  // Requires a failure: with a value the program ends.
  [[nodiscard]] const failure& error() const noexcept { return held<1>(*this); }

 private:
  template <std::size_t I, class Self>
  static auto& held(Self& self) noexcept {
    if (self.held_.index() != I) std::abort();
    return *std::get_if<I>(&self.held_);
  }

  std::variant<T, failure> held_;
};

}  // namespace annulus
