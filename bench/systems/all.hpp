// The systems that are measured. Each file here adds its own, or says why it is missing.
#pragma once

#include "bench/system.hpp"

#include <vector>

#include <annulus/channel/waiting.hpp>
#include <annulus/ring/layout.hpp>

namespace annulus::bench {

// Between processes, any message size: what `annulus compare` compares.
[[nodiscard]] std::vector<system> ring_systems();  // spin, block, nap
[[nodiscard]] system pipe_system();
[[nodiscard]] system unix_socket_system();
[[nodiscard]] system posix_queue_system();
[[nodiscard]] system boost_message_queue_system();
[[nodiscard]] system zeromq_system();
[[nodiscard]] std::vector<system> all_transports();  // these, in the order of the tables

// A ring as its user asks for it; producers push.
[[nodiscard]] system ring_system(topology of, const waiting& how);

// The peers of the benchmarks: threads of one process, or processes, message sizes known to the
// compiler.
[[nodiscard]] std::vector<system> sized_ring_systems();
[[nodiscard]] std::vector<system> named_systems();    // by name: the bus and a gateway
[[nodiscard]] std::vector<system> limited_systems();  // the bus under gcc's limit of inlining
[[nodiscard]] std::vector<system> pipe_systems();     // the named pipe and bare frames on a FIFO
[[nodiscard]] std::vector<system> plain_systems();    // the two classic designs
[[nodiscard]] std::vector<system> plain_claimed_systems();  // many producers, of Aeron's shape
[[nodiscard]] std::vector<system> boost_systems();
[[nodiscard]] std::vector<system> moodycamel_systems();
[[nodiscard]] std::vector<system> ck_systems();

}  // namespace annulus::bench
