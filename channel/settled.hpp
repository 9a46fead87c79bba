// Retries an operation whose name other processes create and remove, for 2 s at most.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include <annulus/channel/file.hpp>
#include <annulus/channel/result.hpp>
#include <annulus/channel/status.hpp>

namespace annulus::files {

// Creating, repairing or removing a channel takes far less.
inline constexpr std::chrono::seconds patience{2};

// Repeats the attempt until it returns a value; fails after two seconds.
template <class T, class Attempt>
[[nodiscard]] result<T> settled(const std::string& name, Attempt attempt) {
  const auto until = within(patience);
  do {
    if (std::optional<result<T>> answer = attempt()) return std::move(*answer);
  } while (std::chrono::steady_clock::now() < until);
  return failure{fault::in_use, files::quoted(name) +
                                    " has been made and removed again and again for " +
                                    std::to_string(patience.count()) +
                                    " s now; find out who does that, and try again"};
}

}  // namespace annulus::files
