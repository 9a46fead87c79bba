// A checked build (channel/checked.hpp): each misuse of a role ends the program, and says what it
// was. This program is compiled with ANNULUS_CHECKED, all of the library included.
#include "bytes.hpp"
#include "endpoints.hpp"
#include "own_directory.hpp"
#include "pipes.hpp"
#include "small_ring.hpp"
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/time.h>

#include <atomic>
#include <new>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include <annulus/bus/bus.hpp>
#include <annulus/pipe/pipe.hpp>
#include <annulus/ring/ring.hpp>

namespace annulus::testing {
namespace {

static_assert(checked::is_on);

// A death test runs the program again: in a forked child the roles would be its parent's. What it
// makes it leaves behind, in a directory that goes with it.
const own_directory all_channels;

class Checked : public ::testing::Test {
 protected:
  Checked() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

// Runs `use` on a producer of each transport.
template <class Use>
void with_each_producer(Use use) {
  const auto one = small_ring();
  use(spsc_producer::attach(one).value(), "spsc_producer");
  const auto many = small_ring(topology::mpsc);
  use(mpsc_producer::attach(many).value(), "mpsc_producer");
  const scratch_pipe pipe;
  use(attached<pipe_producer>(*pipe), "pipe_producer");
  const scratch_endpoint at;
  use(opened(open_producer(at.at("shm"))), "spsc_producer");
}

TEST_F(Checked, roles_and_claims_that_are_used_rightly_go_on) {
  with_each_producer([](auto tx, const std::string&) {
    for (int i = 0; i < 3; ++i) {
      auto claim = tx.try_claim(8);
      auto moved = std::move(claim);
      moved.commit(3);
      moved.commit();  // it has ended: nothing
    }
    (void)tx.try_claim(8);
    auto other = std::move(tx);
    EXPECT_EQ(other.try_push(bytes("a")), status::ok);
    EXPECT_EQ(other.push(bytes("b"), no_deadline), status::ok);
    auto closed = other.claim(8, no_deadline);
    other.close();
    closed.commit();
    tx = std::move(other);
    EXPECT_EQ(tx.try_push(bytes("c")), status::not_permitted);
  });
}

TEST_F(Checked, more_committed_than_was_claimed_ends_the_program) {
  with_each_producer([](auto tx, const std::string& role) {
    EXPECT_DEATH(
        {
          auto claim = tx.try_claim(8);
          claim.commit(9);
        },
        role + ": commit of more bytes than were claimed");
  });
}

TEST_F(Checked, a_claim_that_outlives_its_role_ends_the_program) {
  with_each_producer([]<class Role>(Role tx, const std::string& role) {
    EXPECT_DEATH(
        {
          std::optional<Role> gone(std::move(tx));
          auto claim = gone->try_claim(8);
          gone.reset();
          claim.commit();
        },
        role + ": commit of a claim whose role was destroyed");
  });
}

TEST_F(Checked, a_role_that_moves_under_its_claim_ends_the_program) {
  const auto ring = small_ring(topology::mpsc);
  const scratch_pipe pipe;
  auto in_ring = mpsc_producer::attach(ring).value();
  auto in_pipe = attached<pipe_producer>(*pipe);
  const auto move_under_a_claim = [](auto& tx) {
    auto claim = tx.try_claim(8);
    auto moved = std::move(tx);
  };
  EXPECT_DEATH(move_under_a_claim(in_ring), "mpsc_producer: move while a claim of it is open");
  EXPECT_DEATH(move_under_a_claim(in_pipe), "pipe_producer: move while a claim of it is open");
}

TEST_F(Checked, an_abandoned_claim_that_ends_another_one_ends_the_program) {
  const auto ring = small_ring(topology::mpsc);
  auto tx = mpsc_producer::attach(ring).value();
  {
    auto harmless = tx.try_claim(8);
    tx.abandon_claim();
  }
  EXPECT_DEATH(
      {
        auto old = tx.try_claim(8);
        tx.abandon_claim();
        auto open = tx.try_claim(8);
        old.commit();
      },
      "mpsc_producer: commit of a claim that was abandoned");
}

// Two at once: one waits, and so is certain to be inside.

template <class Wait, class Other>
void expect_death_of_two(Wait wait, Other other, const std::string& says) {
  EXPECT_DEATH(
      {
        std::thread waits(wait);
        for (;;) other();  // until the wait is met inside
      },
      says);
}

TEST_F(Checked, two_threads_in_one_role_end_the_program) {
  const auto ring = small_ring();
  auto rx = spsc_consumer::attach(ring).value();
  expect_death_of_two([&] { (void)rx.read(no_deadline); }, [&] { (void)rx.try_read(); },
                      "spsc_consumer: .* begins while another operation");
  const scratch_pipe pipe;
  auto piped = attached<pipe_consumer>(*pipe);
  expect_death_of_two([&] { (void)piped.read(no_deadline); }, [&] { piped.release(); },
                      "pipe_consumer: .* begins while another operation");
}

// A handler that pushes into the role whose wait it interrupted.

mpsc_producer* handled = nullptr;
void push_into_it(int) { (void)handled->try_push(bytes("from the handler")); }

// Alarms come again and again, so that one falls into the wait.
void handle_alarms_by(mpsc_producer& tx) {
  handled = &tx;
  signal(SIGALRM, push_into_it);
  const itimerval often{{0, 1000}, {0, 1000}};
  setitimer(ITIMER_REAL, &often, nullptr);
}

TEST_F(Checked, a_signal_handler_that_uses_the_role_it_interrupted_ends_the_program) {
  const auto ring = small_ring(topology::mpsc);
  auto tx = mpsc_producer::attach(ring).value();
  while (tx.try_push(bytes("fill")) == status::ok) {
  }
  EXPECT_DEATH(
      {
        handle_alarms_by(tx);
        (void)tx.push(bytes("more"), no_deadline);
      },
      "mpsc_producer: try_push begins while .* It is push");
}

TEST_F(Checked, an_interrupt_from_another_thread_is_no_misuse) {
  const auto ring = small_ring();
  auto rx = spsc_consumer::attach(ring).value();
  std::jthread other([&] { rx.interrupt(); });
  EXPECT_EQ(rx.read(no_deadline).status(), status::interrupted);
}

}  // namespace
}  // namespace annulus::testing
