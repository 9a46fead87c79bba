#include "compare/channels/all.hpp"
#include "compare/channels/copied.hpp"
#include "compare/channels/handles.hpp"
#include "compare/loops.hpp"
#include <sys/socket.h>

#include <vector>

namespace annulus::compare {
namespace {

constexpr std::size_t most_at_once = 128;

struct sending {
  int socket;
  std::vector<std::byte> own;
  std::vector<mmsghdr> headers;
  std::vector<iovec> pieces;

  template <class Fill>
  void send(std::size_t bytes, Fill fill) {
    const std::span<std::byte> mine(own.data(), bytes);
    fill(mine);
    if (::send(socket, mine.data(), mine.size(), 0) < 0) fail("send");
  }
  void send_all(messages many) {
    for (std::size_t i = 0; i < many.size(); ++i) {
      pieces[i] = {const_cast<std::byte*>(many[i].data()), many[i].size()};
      headers[i].msg_hdr.msg_iov = &pieces[i];
      headers[i].msg_hdr.msg_iovlen = 1;
    }
    for (std::size_t sent = 0; sent < many.size();) {
      const int some =
          sendmmsg(socket, &headers[sent], static_cast<unsigned>(many.size() - sent), 0);
      if (some < 0) fail("sendmmsg");
      sent += static_cast<std::size_t>(some);
    }
  }
};

struct receiving {
  int socket;
  std::size_t bytes;
  std::vector<std::byte> own;
  std::vector<mmsghdr> headers;
  std::vector<iovec> pieces;

  template <class F>
  void receive(F&& f, std::size_t limit) {
    if (limit == 1) {
      const auto got = recv(socket, own.data(), bytes, 0);
      if (got < 0) fail("recv");
      return f(message(own).first(static_cast<std::size_t>(got)));
    }
    for (std::size_t i = 0; i < limit; ++i) {
      pieces[i] = {&own[i * bytes], bytes};
      headers[i].msg_hdr.msg_iov = &pieces[i];
      headers[i].msg_hdr.msg_iovlen = 1;
    }
    const int some =
        recvmmsg(socket, headers.data(), static_cast<unsigned>(limit), MSG_WAITFORONE, nullptr);
    if (some < 0) fail("recvmmsg");
    for (std::size_t i = 0; i < static_cast<std::size_t>(some); ++i) {
      f(message(own).subspan(i * bytes, headers[i].msg_len));
    }
  }
};

class unix_socket {
 public:
  explicit unix_socket(const shape& of) : bytes_(of.bytes), pair_(of.capacity) {}

  sending producer() {
    return {pair_.producer(), std::vector<std::byte>(bytes_), std::vector<mmsghdr>(most_at_once),
            std::vector<iovec>(most_at_once)};
  }
  receiving consumer() {
    return {pair_.consumer(), bytes_, std::vector<std::byte>(most_at_once * bytes_),
            std::vector<mmsghdr>(most_at_once), std::vector<iovec>(most_at_once)};
  }
  [[nodiscard]] std::uint64_t memory_bytes() const { return pair_.memory_bytes(); }

 private:
  std::size_t bytes_;
  socket_pair pair_;
};

}  // namespace

transport unix_socket_transport() {
  return {"Unix socket", "SOCK_SEQPACKET, blocking; batches by sendmmsg and recvmmsg",
          &link_of<unix_socket>::open};
}

}  // namespace annulus::compare
