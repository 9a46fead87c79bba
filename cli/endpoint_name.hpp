// Endpoints as the command line names them: shm:NAME.
#pragma once

#include <string>
#include <string_view>

namespace annulus::cli {

// The segment's name behind shm:. Throws command_error when it is no such endpoint.
[[nodiscard]] std::string segment_name(std::string_view endpoint);

}  // namespace annulus::cli
