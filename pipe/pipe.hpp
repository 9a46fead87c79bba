// The pipe's roles, as programs use them: attached to a named pipe, able to wait, closed at the
// end. The same interface as the ring's, and the same answers.
//
//     auto orders = annulus::named_pipe::open_or_create("orders");
//     auto tx = annulus::pipe_producer::attach(*orders);
//     if (tx->try_push(message) == annulus::status::ok) ...
//
// Threads     a role is used by one thread at a time; roles are independent of each other. Another
//             thread may call interrupt(), and nothing else
// Signals     interrupt() alone is async-signal-safe. A handler that pushes into a role which the
//             interrupted thread is using spoils messages: give it a role of its own. No operation
//             is a cancellation point: pthread_cancel is heeded behind it, interrupt() ends a wait
// Processes   a role belongs to the process that attached it. In a child of fork() its copy, an
//             open or owed claim included, does nothing: every call answers not_permitted, close()
//             and the destructor change nothing, and the parent goes on as if nothing were. The
//             child attaches roles of its own. A parent that dies is found dead although the child
//             lives; the FIFO also keeps its contents while the child has it open. See process.hpp
//             and lock_file.hpp in channel/, also for vfork, posix_spawn and clone
// Exclusion   one consumer, as many producers as the pipe was made for: a role that a live process
//             holds is refused with in_use and the holder's pid
// Claims      are the producer's own memory, written to the pipe by their commit. If that room is
//             gone, commit() waits while a consumer is attached. Without one the message stays
//             pending: it is sent before any other, or dropped and counted at close(). interrupt()
//             ends that wait too; the next wait returns `interrupted`
// At once     try_ forms return never_fits above most_at_once(). The waiting forms pass messages up
//             to max_message(), whatever the kernel grants
// Progress    producer.hpp and consumer.hpp count the system calls of each operation
#pragma once

#include <annulus/channel/concepts.hpp>
#include <annulus/pipe/consumer.hpp>
#include <annulus/pipe/producer.hpp>

namespace annulus {

static_assert(producer<pipe_producer> && consumer<pipe_consumer>);

}  // namespace annulus
