// Files of channels where the standard streams are closed: none gets the number of one.
#include "child.hpp"
#include "endpoints.hpp"
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <string>

#include <annulus/channel/file.hpp>

namespace annulus::testing {
namespace {

bool is_closed(int number) { return fcntl(number, F_GETFD) < 0 && errno == EBADF; }
bool are_streams_closed() { return is_closed(0) && is_closed(1) && is_closed(2); }

TEST(Descriptors, one_that_would_be_a_standard_stream_gets_another_number) {
  child one([] {
    for (int number = 0; number < 3; ++number) close(number);
    for (int i = 0; i < 4; ++i) {
      const descriptor file(open("/", O_PATH | O_CLOEXEC));
      if (file.number() < 3 || (fcntl(file.number(), F_GETFD) & FD_CLOEXEC) == 0) return 1;
      if (!are_streams_closed()) return 2;
    }
    errno = ENOENT;
    const descriptor none(-1);
    return !none && errno == ENOENT ? 0 : 3;
  });
  EXPECT_EQ(one.exit_status(), 0);
}

TEST(Descriptors, no_role_of_any_transport_takes_a_closed_standard_stream) {
  for (const std::string scheme : {"shm", "pipe", "auto"}) {
    const scratch_endpoint at;
    child one([&] {
      for (int number = 0; number < 3; ++number) close(number);
      auto tx = open_producer(at.at(scheme, "once=yes"));
      auto rx = open_consumer(at.at(scheme, "once=yes"));
      if (!tx || !rx) return 1;
      return are_streams_closed() ? 0 : 2;
    });
    EXPECT_EQ(one.exit_status(), 0) << scheme;
  }
}

// As closefrom() does. What is sent then goes nowhere, and says so; nothing waits for it.
TEST(Descriptors, a_claim_whose_files_were_closed_under_it_ends_and_stays_owed) {
  const scratch_endpoint at;
  child one([&] {
    auto tx = open_producer(at.at("pipe"));
    const auto rx = open_consumer(at.at("pipe"));
    if (!tx || !rx) return 1;
    auto claim = tx->try_claim(3000);
    if (!claim) return 1;
    alarm(30);
    if (close_range(3, ~0U, 0) != 0) return 2;
    claim.commit(3000);
    if (!tx->owes()) return 3;
    const auto said = tx->push(message{}, within(std::chrono::milliseconds(20)));
    return said == status::ok ? 4 : 0;
  });
  EXPECT_EQ(one.exit_status(), 0);
}

}  // namespace
}  // namespace annulus::testing
