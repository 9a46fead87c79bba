// A channel by its name: opened, or made if it is missing, and fit for what was asked of it; or
// removed, with all that it left.
#pragma once

#include <annulus/bus/name.hpp>
#include <annulus/pipe/named_pipe.hpp>
#include <annulus/ring/segment.hpp>

namespace annulus::bus {

// What a new channel would be like.
[[nodiscard]] ring_options shape_of(const endpoint& e);
[[nodiscard]] pipe_options pipe_shape_of(const endpoint& e);

// Requires, here and below: the scheme is shm, or pipe.
[[nodiscard]] result<segment> open_segment(const endpoint& e);
[[nodiscard]] result<named_pipe> open_pipe(const endpoint& e);

// The directory of its files, and the file that its name stands for.
[[nodiscard]] std::string directory_of(const endpoint& e);
[[nodiscard]] std::string path_of(const endpoint& e);
// What segment and named_pipe take for its name: with dir=, a path. Fails where the directory does
// not do.
[[nodiscard]] result<std::string> name_of(const endpoint& e);
// Where a consumer with once=yes keeps what it has seen (once.hpp).
[[nodiscard]] std::string seen_path_of(const endpoint& e);

// Removes the channel and what the bus keeps beside it: what was seen and, of an auto: name, the
// decision. False: no channel was there, only such remains. In use: fails, unless forced.
[[nodiscard]] result<bool> remove(const endpoint& e, bool is_forced = false);

}  // namespace annulus::bus
