// Who is compared. One system is one class template over the message size:
//
//     using message = payload<Bytes>;
//     static constexpr traits about;
//     System(std::uint64_t capacity, unsigned producers);   before the sides part
//     producer()   for each producer's side: bool push(const message&), false when full
//     consumer()   for the consumer's side: take(f), how many messages went to f; 0 when empty
#pragma once

#include "annulus.hpp"
#include "boost_message_queue.hpp"
#include "boost_queue.hpp"
#include "boost_spsc_queue.hpp"
#include "ck_ring.hpp"
#include "moodycamel_many.hpp"
#include "moodycamel_one.hpp"
#include "posix_mq.hpp"
#include "unix_socket.hpp"

namespace annulus::bench {

using one_producer =
    systems<annulus_spsc, annulus_spsc_uncounted, annulus_spsc_crc, annulus_spsc_processes,
            annulus_mpsc, boost_spsc_queue, reader_writer_queue, circular_buffer, ck_spsc,
            concurrent_queue, boost_message_queue, posix_mq, unix_socket>;

using many_producers =
    systems<annulus_mpsc, annulus_mpsc_uncounted, annulus_mpsc_crc, annulus_mpsc_processes,
            concurrent_queue, ck_mpsc, boost_queue, boost_message_queue, posix_mq, unix_socket>;

}  // namespace annulus::bench
