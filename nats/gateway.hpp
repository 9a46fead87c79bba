// A gateway whose ends may be streams on another machine, beside the channels of this one.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <annulus/bus/gateway.hpp>
#include <annulus/nats/name.hpp>

namespace annulus::nats {

// Messages of a batch into a stream, unless it is told otherwise: each batch waits for the server.
inline constexpr std::size_t usual_batch = 4096;

// As bus::gateway::open, for names of both kinds. With `once`, messages that go into a channel
// carry their marks; those that go into a stream always do.
[[nodiscard]] result<bus::gateway> open_gateway(const std::vector<std::string>& from,
                                                const std::string& to, bool once,
                                                bus::gateway_options options);

}  // namespace annulus::nats
