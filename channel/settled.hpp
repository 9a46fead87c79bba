// Opening, making and removing a channel while other processes do so: retried for 2 s at most.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

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

// Opens what there is, or makes it.
template <class T, class Open, class Create>
[[nodiscard]] result<T> opened_or_created(const std::string& name, Open open, Create create) {
  return settled<T>(name, [&]() -> std::optional<result<T>> {
    result<T> found = open();
    if (found || found.error().kind != fault::not_found) return found;
    result<T> made = create();
    if (made || made.error().kind != fault::already_exists) return made;
    return std::nullopt;
  });
}

// Why the maker's lock of `path` could not be taken. `does`: what its holder does, as it seems.
[[nodiscard]] failure maker_holds(const std::string& what, std::string_view does,
                                  const std::string& path);

// Takes the lock of each role, so that nobody attaches from here on. Fails if a role is held.
[[nodiscard]] result<bool> take_all_roles(int file, std::uint32_t producers,
                                          const std::string& name);

// Advice for a channel whose geometry cannot be read, to a remover.
inline constexpr std::string_view takes_force =
    "; a role that is attached cannot be seen: to remove it takes force";

}  // namespace annulus::files
