// The message queue of POSIX: in the kernel, between processes.
#pragma once

#include <fcntl.h>
#include <mqueue.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <system_error>

#include "../message.hpp"
#include "../trial.hpp"

namespace annulus::bench {

template <std::size_t Bytes>
class posix_mq {
 public:
  using message = payload<Bytes>;
  static constexpr traits about{"POSIX mq", "O_NONBLOCK, polling; as deep as the system allows",
                                false, where::processes};

  struct producer_end {
    mqd_t queue;
    bool push(const message& m) {
      return mq_send(queue, reinterpret_cast<const char*>(&m), sizeof m, 0) == 0;
    }
  };
  struct consumer_end {
    mqd_t queue;
    message next{};
    template <class F>
    std::uint64_t take(F& f) {
      if (mq_receive(queue, reinterpret_cast<char*>(&next), sizeof next, nullptr) < 0) return 0;
      f(next);
      return 1;
    }
  };

  posix_mq(std::uint64_t capacity, unsigned) {
    const std::string name = "/annulus.bench." + std::to_string(getpid());
    // A user may have ten messages; more where the system lets us.
    const rlimit enough{std::uint64_t{16} << 20, std::uint64_t{16} << 20};
    setrlimit(RLIMIT_MSGQUEUE, &enough);
    for (std::uint64_t depth = capacity / Bytes; queue_ < 0; depth = std::max(depth / 2, least)) {
      mq_attr shape{};
      shape.mq_maxmsg = static_cast<long>(depth);
      shape.mq_msgsize = Bytes;
      queue_ = mq_open(name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NONBLOCK, 0600, &shape);
      if (queue_ < 0 && depth == least) {
        throw std::system_error(errno, std::generic_category(), "mq_open");
      }
    }
    mq_unlink(name.c_str());
  }
  posix_mq(const posix_mq&) = delete;
  posix_mq& operator=(const posix_mq&) = delete;
  ~posix_mq() { mq_close(queue_); }

  producer_end producer() { return {queue_}; }
  consumer_end consumer() { return {queue_}; }

 private:
  static constexpr std::uint64_t least = 1;
  mqd_t queue_ = -1;
};

}  // namespace annulus::bench
