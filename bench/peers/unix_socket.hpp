// A pair of Unix sockets that keep message boundaries.
#pragma once

#include "../message.hpp"
#include "../trial.hpp"
#include "compare/channels/handles.hpp"
#include <sys/socket.h>

namespace annulus::bench {

template <std::size_t Bytes>
class unix_socket {
 public:
  using message = payload<Bytes>;
  static constexpr traits about{"Unix socket", "SOCK_SEQPACKET, MSG_DONTWAIT, polling", false,
                                where::processes};

  struct producer_end {
    int socket;
    bool push(const message& m) {
      return send(socket, &m, sizeof m, MSG_DONTWAIT) == static_cast<ssize_t>(sizeof m);
    }
  };
  struct consumer_end {
    int socket;
    message next{};
    template <class F>
    std::uint64_t take(F& f) {
      const ssize_t bytes = recv(socket, &next, sizeof next, MSG_DONTWAIT);
      if (bytes != static_cast<ssize_t>(sizeof next)) return 0;
      f(next);
      return 1;
    }
  };

  unix_socket(std::uint64_t capacity, unsigned) : pair_(capacity) {}
  producer_end producer() { return {pair_.producer()}; }
  consumer_end consumer() { return {pair_.consumer()}; }

 private:
  compare::socket_pair pair_;
};

}  // namespace annulus::bench
