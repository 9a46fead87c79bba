// A pair of Unix sockets that keep message boundaries.
#include "bench/systems/all.hpp"
#include "bench/systems/ends.hpp"
#include <sys/socket.h>

#include <vector>

#include <annulus/channel/file.hpp>

namespace annulus::bench {
namespace {

constexpr std::size_t most_at_once = 128;

bool would_wait() { return errno == EAGAIN || errno == EWOULDBLOCK; }

// The headers of a batch, for sendmmsg and recvmmsg.
struct headers {
  std::vector<mmsghdr> all = std::vector<mmsghdr>(most_at_once);
  std::vector<iovec> pieces = std::vector<iovec>(most_at_once);

  void set(std::size_t i, const std::byte* at, std::size_t bytes) {
    pieces[i] = {const_cast<std::byte*>(at), bytes};
    all[i].msg_hdr.msg_iov = &pieces[i];
    all[i].msg_hdr.msg_iovlen = 1;
  }
};

struct sending {
  int socket;
  int flags;
  std::vector<std::byte> own;
  headers batch{};

  template <class Size, class Fill>
  void send(Size bytes, Fill fill, poll& wait) {
    fill(own.data());
    while (::send(socket, own.data(), bytes, flags) < 0) {
      if (!would_wait()) fail("send");
      wait.again();
    }
  }
  void send_all(messages many, poll& wait) {
    for (std::size_t i = 0; i < many.size(); ++i) batch.set(i, many[i].data(), many[i].size());
    for (std::size_t sent = 0; sent < many.size();) {
      const int some =
          sendmmsg(socket, &batch.all[sent], static_cast<unsigned>(many.size() - sent), flags);
      if (some < 0 && !would_wait()) fail("sendmmsg");
      if (some > 0) sent += static_cast<std::size_t>(some);
      if (some < 0) wait.again();
    }
  }
};

struct receiving {
  int socket;
  int flags;
  std::size_t bytes;
  std::vector<std::byte> own;
  headers batch{};

  template <class F>
  std::size_t receive(F&& f, std::size_t limit) {
    limit = std::min(limit, most_at_once);
    if (limit == 1) {
      const auto got = recv(socket, own.data(), bytes, flags);
      if (got < 0 && would_wait()) return 0;
      if (got < 0) fail("recv");
      f(message(own).first(static_cast<std::size_t>(got)));
      return 1;
    }
    for (std::size_t i = 0; i < limit; ++i) batch.set(i, &own[i * bytes], bytes);
    const int some = recvmmsg(socket, batch.all.data(), static_cast<unsigned>(limit),
                              flags | MSG_WAITFORONE, nullptr);
    if (some < 0 && would_wait()) return 0;
    if (some < 0) fail("recvmmsg");
    for (std::size_t i = 0; i < static_cast<std::size_t>(some); ++i) {
      f(message(own).subspan(i * bytes, batch.all[i].msg_len));
    }
    return static_cast<std::size_t>(some);
  }
};

class unix_socket {
 public:
  explicit unix_socket(const shape& of) : bytes_(of.bytes), flags_(of.polls ? MSG_DONTWAIT : 0) {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) != 0) fail("socketpair");
    producer_ = descriptor(ends[0]);
    consumer_ = descriptor(ends[1]);
    const int bytes = static_cast<int>(of.capacity);
    setsockopt(producer_.number(), SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
  }

  sending producer() { return {producer_.number(), flags_, std::vector<std::byte>(bytes_)}; }
  receiving consumer() {
    return {consumer_.number(), flags_, bytes_, std::vector<std::byte>(most_at_once * bytes_)};
  }
  // What the kernel will hold of messages underway.
  [[nodiscard]] std::uint64_t memory_bytes() const {
    int bytes = 0;
    socklen_t size = sizeof bytes;
    getsockopt(producer_.number(), SOL_SOCKET, SO_SNDBUF, &bytes, &size);
    return static_cast<std::uint64_t>(bytes);
  }

 private:
  std::size_t bytes_;
  int flags_;
  descriptor producer_, consumer_;
};

}  // namespace

system unix_socket_system() {
  return {"Unix socket", "SOCK_SEQPACKET; batches by sendmmsg and recvmmsg", opens<unix_socket>()};
}

}  // namespace annulus::bench
