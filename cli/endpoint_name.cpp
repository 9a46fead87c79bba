#include "cli/endpoint_name.hpp"

#include "cli/exit_code.hpp"
#include <fmt/format.h>

namespace annulus::cli {

std::string segment_name(std::string_view endpoint) {
  constexpr std::string_view scheme = "shm:";
  if (endpoint.substr(0, scheme.size()) != scheme) {
    throw command_error{
        exit_code::usage,
        fmt::format("'{}' is no endpoint: write shm:NAME, for example shm:orders", endpoint)};
  }
  if (endpoint.size() == scheme.size()) {
    throw command_error{exit_code::usage, "shm: lacks a name; write, for example, shm:orders"};
  }
  return std::string(endpoint.substr(scheme.size()));
}

}  // namespace annulus::cli
