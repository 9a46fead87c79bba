// Going on where an earlier, killed `send` stopped, as the ring itself tells it.
#pragma once

#include "cli/file.hpp"

#include <cstdint>

#include <annulus/bus/channel.hpp>

namespace annulus::cli {

// Passes over what was sent. Returns true if that was all, down to a shorter last chunk. Throws
// command_error when the ring and the input do not fit each other. Requires: the caller is attached
// as its producer, so that positions are exact.
[[nodiscard]] bool skip_sent(const bus::channel& at, file& input, std::uint64_t chunk);

}  // namespace annulus::cli
