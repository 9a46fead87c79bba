// Planning a pipe's geometry, and checking one that somebody else wrote.
#pragma once

#include <cstdint>
#include <string>

#include <annulus/channel/result.hpp>
#include <annulus/pipe/layout.hpp>

namespace annulus::pipes {

// The geometry of a new pipe, or why there is none.
[[nodiscard]] result<geometry> plan_geometry(std::uint64_t capacity, std::uint64_t max_message,
                                             std::uint32_t producers, unsigned mode,
                                             bool transient);
// Lays a new roles file into an empty one.
[[nodiscard]] result<bool> write_roles(int file, geometry shape, const std::string& name);
// Reads and checks a file that somebody else made.
[[nodiscard]] result<geometry> read_roles(int file, const std::string& name);

}  // namespace annulus::pipes
