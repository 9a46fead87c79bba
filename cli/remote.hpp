// send and recv over a stream of a NATS server: nats://HOST:PORT/STREAM.
//
// Sent       what the server has acknowledged. Each run marks its messages anew
// Received   what was written out is acknowledged, and what was not comes again. A stream has no
//            end: --count, --timeout or a signal ends it
// Away       a server that is lost is tried again, until --timeout or the name's patience= has
//            passed; both end with 7
#pragma once

#include "cli/file.hpp"
#include "cli/options.hpp"

#include <annulus/nats/name.hpp>

namespace annulus::cli {

void send_to(const nats::address& to, const transfer_options& o, file& input);
void receive_from(const nats::address& from, const transfer_options& o, file& output);

}  // namespace annulus::cli
