// The pipe's roles, as programs use them: attached to a named pipe, able to wait, closed at the
// end. The same interface as the ring's, and the same answers.
//
//     auto orders = annulus::named_pipe::open_or_create("orders");
//     auto tx = annulus::pipe_producer::attach(*orders);
//     if (tx->try_push(message) == annulus::status::ok) ...
//
// Threads, signals, processes, answers: channel/concepts.hpp. Beyond that, a child of fork() keeps
// the FIFO's contents alive while it has it open.
//
// Claims      are the producer's own memory, written to the pipe by their commit. If that room is
//             gone, commit() waits while a consumer is attached. Without one the message stays
//             pending: it is sent before any other, or dropped and counted at close(). interrupt()
//             ends that wait too; the next wait returns `interrupted`
// At once     try_ forms return never_fits above most_at_once(). The waiting forms pass messages up
//             to max_message(), whatever the kernel grants
// Takes       O(bytes); producer.hpp and consumer.hpp count the system calls of each operation
#pragma once

#include <annulus/channel/concepts.hpp>
#include <annulus/pipe/consumer.hpp>
#include <annulus/pipe/producer.hpp>

namespace annulus {

static_assert(producer<pipe_producer> && consumer<pipe_consumer>);

}  // namespace annulus
