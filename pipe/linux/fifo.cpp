#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <climits>
#include <ctime>
#include <iterator>

#include <annulus/channel/uncancelled.hpp>
#include <annulus/pipe/fifo.hpp>
#include <annulus/pipe/frame.hpp>
#include <annulus/pipe/interrupt.hpp>

namespace annulus::pipes {

static_assert(block_bytes == PIPE_BUF);

namespace {

std::uint64_t page_size() noexcept {
  static const auto bytes = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  return bytes;
}

// Waits for one of the events of one file, or for a waker. True: the file's has come.
bool poll_for(int file, short events, std::chrono::nanoseconds at_most, wakers also = {}) noexcept {
  const uncancelled here;
  pollfd asked[] = {{file, events, 0}, {also.interrupt, POLLIN, 0}, {also.news, POLLIN, 0}};
  timespec span{};
  span.tv_sec = static_cast<time_t>(at_most.count() / 1'000'000'000);
  span.tv_nsec = static_cast<long>(at_most.count() % 1'000'000'000);
  if (ppoll(asked, std::size(asked), &span, nullptr) <= 0) return false;
  if (asked[1].revents != 0) wake_event::clear(also.interrupt);
  return asked[0].revents != 0;
}

// Moves up to so many bytes from one pipe on; returns how many. `call` is tee or splice.
template <class Call>
std::uint64_t repeat(std::uint64_t bytes, Call call) noexcept {
  std::uint64_t done = 0;
  while (done < bytes) {
    const auto some = call(static_cast<std::size_t>(bytes - done));
    if (some < 0 && errno == EINTR) continue;
    if (some <= 0) break;
    done += static_cast<std::uint64_t>(some);
  }
  return done;
}

// Whether tee and splice are to be had: where a sandbox forbids them, each FIFO would look empty.
bool may_look(int fifo, int copy, int nowhere) noexcept {
  const auto is_allowed = [](auto call) {
    while (call() != 0) {
      if (errno != EINTR) return false;
    }
    return true;
  };
  return is_allowed([&] { return tee(fifo, copy, 0, SPLICE_F_NONBLOCK); }) &&
         is_allowed([&] { return splice(fifo, nullptr, nowhere, nullptr, 0, SPLICE_F_NONBLOCK); });
}

}  // namespace

result<descriptor> another(int fifo) {
  descriptor made(fcntl(fifo, F_DUPFD_CLOEXEC, 0));
  if (!made) return files::system_error("cannot use the FIFO", errno);
  return made;
}

std::uint64_t kernel_bytes(int fifo) noexcept {
  const int bytes = fcntl(fifo, F_GETPIPE_SZ);
  return bytes > 0 ? static_cast<std::uint64_t>(bytes) : 0;
}

std::uint64_t bytes_in(int fifo) noexcept {
  int bytes = 0;
  return ioctl(fifo, FIONREAD, &bytes) == 0 && bytes > 0 ? static_cast<std::uint64_t>(bytes) : 0;
}

bool has_bytes(int fifo) noexcept { return poll_for(fifo, POLLIN, {}); }

bool has_free_page(int fifo) noexcept { return poll_for(fifo, POLLOUT, {}); }

std::uint64_t certain_room(int fifo) noexcept {
  // Two neighbouring pages hold more than one page's bytes, or they would have been one.
  const auto page = page_size();
  const auto bytes = bytes_in(fifo);
  const auto used = bytes == 0 ? 0 : 2 * ((bytes + page - 1) / page) + 1;
  const auto all = kernel_bytes(fifo) / page;
  return used < all ? (all - used) * page : 0;
}

std::size_t write_blocks(int fifo, std::span<const std::byte> blocks) noexcept {
  const uncancelled here;
  ssize_t done = 0;
  do {
    done = ::write(fifo, blocks.data(), blocks.size());
  } while (done < 0 && errno == EINTR);
  const auto count = done < 0 ? 0 : static_cast<std::size_t>(done);
  assert(count == blocks.size() || count % block_bytes == 0);
  return count;
}

void nap_for_room(int fifo, std::chrono::nanoseconds at_most, wakers also) noexcept {
  poll_for(fifo, POLLOUT, at_most, also);
}

void nap(std::chrono::nanoseconds at_most, wakers also) noexcept { poll_for(-1, 0, at_most, also); }

result<tap> tap::open(int fifo) {
  tap made;
  auto own = another(fifo);
  if (!own) return own.error();
  made.fifo_ = std::move(*own);
  int ends[2];
  if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
    return files::system_error("cannot make a pipe", errno);
  made.from_ = descriptor(ends[0]);
  made.to_ = descriptor(ends[1]);
  // Where the kernel refuses, a look reaches less far.
  (void)fcntl(ends[1], F_SETPIPE_SZ, static_cast<int>(kernel_bytes(fifo)));
  made.nowhere_ = files::opened("/dev/null", O_WRONLY);
  if (!made.nowhere_) return files::system_error("cannot open '/dev/null'", errno);
  if (!may_look(fifo, ends[1], made.nowhere_.number())) {
    return files::system_error("cannot look into the FIFO by tee and splice", errno);
  }
  made.news_ = descriptor(epoll_create1(EPOLL_CLOEXEC));
  if (!made.news_) return files::system_error("cannot watch the FIFO", errno);
  return made;
}

std::size_t tap::copy_new(std::uint64_t known, std::span<std::byte> to) noexcept {
  const uncancelled here;
  // Pages are listed anew from the first: not for nothing.
  if (to.empty() || (known > 0 && bytes_in(fifo()) <= known)) return 0;
  ssize_t listed = 0;
  do {
    listed =
        tee(fifo(), to_.number(), static_cast<std::size_t>(known) + to.size(), SPLICE_F_NONBLOCK);
  } while (listed < 0 && errno == EINTR);
  if (listed <= 0) return 0;
  const auto all = static_cast<std::uint64_t>(listed);
  const auto skipped = repeat(std::min(known, all), [&](std::size_t bytes) {
    return splice(from_.number(), nullptr, nowhere_.number(), nullptr, bytes, SPLICE_F_NONBLOCK);
  });
  return static_cast<std::size_t>(
      repeat(all - skipped, [&, at = to.data()](std::size_t bytes) mutable {
        const auto some = ::read(from_.number(), at, bytes);
        if (some > 0) at += some;
        return some;
      }));
}

void tap::take(std::uint64_t bytes) noexcept {
  const uncancelled here;
  repeat(bytes, [&](std::size_t rest) {
    return splice(fifo(), nullptr, nowhere_.number(), nullptr, rest, SPLICE_F_NONBLOCK);
  });
}

void tap::nap(std::uint64_t known, std::chrono::nanoseconds at_most, wakers also) noexcept {
  const uncancelled here;
  if (known == 0) {
    poll_for(fifo(), POLLIN, at_most, also);
    return;
  }
  // The known bytes make the FIFO readable all the time: only what is written now is news. Watched
  // only here, for each write pays for a watch.
  epoll_event news{};
  news.events = EPOLLIN | EPOLLET;
  if (epoll_ctl(news_.number(), EPOLL_CTL_ADD, fifo(), &news) != 0)
    return pipes::nap(at_most, also);
  epoll_wait(news_.number(), &news, 1, 0);  // what was there before
  if (bytes_in(fifo()) <= known) poll_for(news_.number(), POLLIN, at_most, also);
  epoll_ctl(news_.number(), EPOLL_CTL_DEL, fifo(), &news);
}

}  // namespace annulus::pipes
