#include "compare/channels/handles.hpp"

#include <fcntl.h>
#include <mqueue.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <system_error>

namespace annulus::compare {

socket_pair::socket_pair(std::size_t capacity) {
  if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends_) != 0) {
    throw std::system_error(errno, std::generic_category(), "socketpair");
  }
  const int bytes = static_cast<int>(capacity);
  setsockopt(ends_[0], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
}

socket_pair::~socket_pair() {
  close(ends_[0]);
  close(ends_[1]);
}

std::uint64_t socket_pair::memory_bytes() const {
  int bytes = 0;
  socklen_t size = sizeof bytes;
  getsockopt(ends_[0], SOL_SOCKET, SO_SNDBUF, &bytes, &size);
  return static_cast<std::uint64_t>(bytes);
}

posix_queue::posix_queue(std::size_t capacity, std::size_t bytes, mode how) {
  const std::string name = "/annulus.compare." + std::to_string(getpid());
  const int flags = O_RDWR | O_CREAT | O_EXCL | (how == mode::polls ? O_NONBLOCK : 0);
  // A user may have ten messages; more where the system lets us.
  constexpr std::uint64_t least = 1;
  const rlimit enough{std::uint64_t{16} << 20, std::uint64_t{16} << 20};
  setrlimit(RLIMIT_MSGQUEUE, &enough);
  for (std::uint64_t depth = capacity / bytes; file_ < 0; depth = std::max(depth / 2, least)) {
    mq_attr shape{};
    shape.mq_maxmsg = static_cast<long>(std::max(depth, least));
    shape.mq_msgsize = static_cast<long>(bytes);
    file_ = mq_open(name.c_str(), flags, 0600, &shape);
    if (file_ < 0 && depth <= least) {
      throw std::system_error(errno, std::generic_category(), "mq_open");
    }
  }
  mq_unlink(name.c_str());
}

posix_queue::~posix_queue() { mq_close(file_); }

std::uint64_t posix_queue::memory_bytes() const {
  mq_attr shape{};
  mq_getattr(file_, &shape);
  return static_cast<std::uint64_t>(shape.mq_maxmsg) * static_cast<std::uint64_t>(shape.mq_msgsize);
}

}  // namespace annulus::compare
