// The message queue of POSIX, as deep as the system allows.
#include "bench/systems/all.hpp"
#include "bench/systems/ends.hpp"
#include <fcntl.h>
#include <mqueue.h>
#include <sys/resource.h>

#include <algorithm>
#include <string>

#include <annulus/channel/file.hpp>

namespace annulus::bench {
namespace {

class posix_queue {
 public:
  explicit posix_queue(const shape& of) : bytes_(of.bytes), polls_(of.polls) {
    const std::string name = "/annulus." + new_name();
    const int flags = O_RDWR | O_CREAT | O_EXCL | (polls_ ? O_NONBLOCK : 0);
    // By default a user may have ten messages.
    const rlimit enough{std::uint64_t{16} << 20, std::uint64_t{16} << 20};
    setrlimit(RLIMIT_MSGQUEUE, &enough);
    constexpr std::uint64_t least = 1;
    for (std::uint64_t depth = of.capacity / bytes_; !file_; depth = std::max(depth / 2, least)) {
      mq_attr wanted{};
      wanted.mq_maxmsg = static_cast<long>(std::max(depth, least));
      wanted.mq_msgsize = static_cast<long>(bytes_);
      file_ = descriptor(mq_open(name.c_str(), flags, 0600, &wanted));  // a file, as Linux has it
      if (!file_ && depth <= least) fail("mq_open");
    }
    mq_unlink(name.c_str());
  }

  auto producer() {
    return copying_producer(bytes_, [file = file_.number()](message one) {
      const auto* const at = reinterpret_cast<const char*>(one.data());
      if (mq_send(file, at, one.size(), 0) == 0) return true;
      return errno == EAGAIN ? false : (fail("mq_send"), false);
    });
  }
  auto consumer() {
    return copying_consumer(bytes_, polls_, [file = file_.number()](std::span<std::byte> to) {
      const auto got = mq_receive(file, reinterpret_cast<char*>(to.data()), to.size(), nullptr);
      if (got < 0 && errno != EAGAIN) fail("mq_receive");
      return static_cast<std::size_t>(std::max<ssize_t>(got, 0));
    });
  }
  [[nodiscard]] std::uint64_t memory_bytes() const {
    mq_attr has{};
    mq_getattr(file_.number(), &has);
    return static_cast<std::uint64_t>(has.mq_maxmsg) * static_cast<std::uint64_t>(has.mq_msgsize);
  }

 private:
  std::size_t bytes_;
  bool polls_;
  descriptor file_;
};

}  // namespace

system posix_queue_system() {
  return {"POSIX mq", "as deep as the system allows; it has no batches", opens<posix_queue>()};
}

}  // namespace annulus::bench
