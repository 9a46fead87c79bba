// A pair of Unix sockets that keep message boundaries.
#pragma once

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "../message.hpp"
#include "../trial.hpp"

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

  unix_socket(std::uint64_t capacity, unsigned) {
    if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends_) != 0) {
      throw std::system_error(errno, std::generic_category(), "socketpair");
    }
    const int bytes = static_cast<int>(capacity);
    setsockopt(ends_[0], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
  }
  unix_socket(const unix_socket&) = delete;
  unix_socket& operator=(const unix_socket&) = delete;
  ~unix_socket() {
    close(ends_[0]);
    close(ends_[1]);
  }

  producer_end producer() { return {ends_[0]}; }
  consumer_end consumer() { return {ends_[1]}; }

 private:
  int ends_[2] = {-1, -1};
};

}  // namespace annulus::bench
