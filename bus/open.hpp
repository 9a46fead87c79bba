// A channel by its name: opened, or made if it is missing, and fit for what was asked of it.
#pragma once

#include <annulus/bus/name.hpp>
#include <annulus/pipe/named_pipe.hpp>
#include <annulus/ring/segment.hpp>

namespace annulus::bus {

// What a new channel would be like.
[[nodiscard]] segment_options shape_of(const endpoint& e);
[[nodiscard]] pipe_options pipe_shape_of(const endpoint& e);

// Requires: the scheme is shm, or pipe.
[[nodiscard]] result<segment> open_segment(const endpoint& e);
[[nodiscard]] result<named_pipe> open_pipe(const endpoint& e);

}  // namespace annulus::bus
