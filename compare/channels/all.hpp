// Who is compared: each file here adds its transports, or says why it has none.
#pragma once

#include "compare/link.hpp"

#include <vector>

namespace annulus::compare {

[[nodiscard]] std::vector<transport> ring_transports();
[[nodiscard]] transport pipe_transport();
[[nodiscard]] transport unix_socket_transport();
[[nodiscard]] transport posix_queue_transport();
[[nodiscard]] transport boost_queue_transport();
[[nodiscard]] transport zeromq_transport();

}  // namespace annulus::compare
