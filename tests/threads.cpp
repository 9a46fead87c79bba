// Threads that end in the middle of something, and what their own process can do about it.
#include "bytes.hpp"
#include "child.hpp"
#include "pipes.hpp"
#include "small_ring.hpp"
#include <gtest/gtest.h>

#include <cstdint>
#include <new>
#include <string>
#include <thread>

#include <annulus/channel/typed.hpp>
#include <annulus/pipe/pipe.hpp>
#include <annulus/ring/ring.hpp>

namespace annulus::testing {
namespace {

// A claim whose thread ended in it: nobody commits it, and nobody's destructor gives it up.
template <class Producer>
void claim_and_end(Producer& tx) {
  std::jthread ends([&] {
    using claim_type = typename Producer::claim_type;
    alignas(claim_type) std::byte lost[sizeof(claim_type)];
    EXPECT_TRUE(*new (lost) claim_type(tx.try_claim(8)));
  });
}

TEST(Threads, a_claim_whose_thread_has_ended_can_be_abandoned) {
  const auto ring = small_ring(topology::mpsc);
  auto rx = mpsc_consumer::attach(ring).value();
  auto tx = mpsc_producer::attach(ring).value();
  auto other = mpsc_producer::attach(ring).value();
  claim_and_end(tx);
  ASSERT_EQ(other.try_push(bytes("behind")), status::ok);
  EXPECT_EQ(rx.examine().status(), status::empty);
  EXPECT_EQ(rx.examine().status(), status::stalled);
  tx.abandon_claim();
  EXPECT_EQ(text(rx.read(no_deadline).bytes()), "behind");
  EXPECT_EQ(tx.try_push(bytes("again")), status::ok);
  EXPECT_EQ(text(rx.read(no_deadline).bytes()), "again");
}

TEST(Threads, an_abandoned_claim_leaves_every_producer_free) {
  const auto ring = small_ring();
  auto lone = spsc_producer::attach(ring).value();
  const scratch_pipe pipe;
  auto piped = attached<pipe_producer>(*pipe);
  const auto abandon = [](auto& tx) {
    claim_and_end(tx);
    EXPECT_EQ(tx.try_push(bytes("no")), status::not_permitted);
    tx.abandon_claim();
    EXPECT_EQ(tx.try_push(bytes("yes")), status::ok);
    tx.abandon_claim();  // there is none: nothing happens
    EXPECT_EQ(tx.try_push(bytes("yes")), status::ok);
  };
  abandon(lone);
  abandon(piped);
}

// A role whose object is lost: it is leaked on purpose, and its memory kept for the leak checker.
template <class Role>
Role& lost(Role role) {
  alignas(Role) static std::byte place[sizeof(Role)];
  return *new (place) Role(std::move(role));
}

TEST(Threads, a_lost_producer_can_be_given_up_by_its_own_process) {
  const auto ring = small_ring(topology::mpsc);
  auto rx = mpsc_consumer::attach(ring).value();
  auto other = mpsc_producer::attach(ring).value();
  auto& gone = lost(mpsc_producer::attach(ring).value());
  claim_and_end(gone);
  ASSERT_EQ(other.try_push(bytes("behind")), status::ok);
  EXPECT_EQ(rx.examine().status(), status::empty);
  EXPECT_EQ(rx.examine().status(), status::stalled);
  EXPECT_TRUE(ring.abandon_role(producer_role(gone.number())));
  EXPECT_EQ(text(rx.read(no_deadline).bytes()), "behind");
  EXPECT_TRUE(ring.is_held(producer_role(other.number())));
  EXPECT_EQ(mpsc_producer::attach(ring).value().number(), gone.number());
}

TEST(Threads, a_lost_producer_of_a_pipe_can_be_given_up_by_its_own_process) {
  const scratch_pipe pipe;
  auto rx = attached<pipe_consumer>(*pipe);
  auto& gone = lost(attached<pipe_producer>(*pipe));
  EXPECT_EQ(rx.peer(), presence::attached);
  EXPECT_TRUE(pipe->abandon_role(producer_role(gone.number())));
  EXPECT_EQ(rx.peer(), presence::died);
  EXPECT_EQ(rx.read(no_deadline).status(), status::peer_gone);
}

TEST(Threads, nobody_gives_up_the_role_of_another_process) {
  const auto ring = small_ring(topology::mpsc);
  const scratch_pipe pipe;
  lingering both([&] {
    return std::pair(mpsc_producer::attach(ring).value(), attached<pipe_producer>(*pipe));
  });
  auto rx = mpsc_consumer::attach(ring).value();
  auto piped = attached<pipe_consumer>(*pipe);
  EXPECT_FALSE(ring.abandon_role(producer_role(0)));
  EXPECT_FALSE(pipe->abandon_role(producer_role(0)));
  EXPECT_FALSE(ring.abandon_role(producer_role(1)));  // nobody's
  EXPECT_EQ(rx.peer(), presence::attached);
  EXPECT_EQ(piped.peer(), presence::attached);
}

// Values in place.

struct sample {
  std::uint64_t a;
  double b;
};

template <class Producer, class Consumer>
void pass_in_place(Producer tx, Consumer rx) {
  for (int i = 0; i < 100; ++i) {
    auto claim = tx.try_claim(sizeof(sample));
    sample* const built = claim_as<sample>(claim);
    ASSERT_NE(built, nullptr);
    *built = {static_cast<std::uint64_t>(i), 0.5 * i};
    claim.commit();
    EXPECT_EQ(claim_as<sample>(claim), nullptr);  // it has ended
    ASSERT_EQ(tx.try_push(bytes("odd")), status::ok);
    const view seen = rx.try_read();
    const sample* const found = view_as<sample>(seen);
    ASSERT_NE(found, nullptr);
    EXPECT_EQ(found->a, static_cast<std::uint64_t>(i));
    EXPECT_EQ(found->b, 0.5 * i);
    EXPECT_EQ(view_as<sample>(rx.try_read()), nullptr);  // of another size
    EXPECT_EQ(view_as<sample>(rx.try_read()), nullptr);  // none
    rx.release();
  }
  auto other_size = tx.try_claim(sizeof(sample) + 1);
  EXPECT_EQ(claim_as<sample>(other_size), nullptr);
}

TEST(InPlace, values_are_built_in_a_claim_and_read_in_a_view) {
  const auto one = small_ring();
  pass_in_place(spsc_producer::attach(one).value(), spsc_consumer::attach(one).value());
  const auto many = small_ring(topology::mpsc);
  pass_in_place(mpsc_producer::attach(many).value(), mpsc_consumer::attach(many).value());
  const scratch_pipe pipe;
  pass_in_place(attached<pipe_producer>(*pipe), attached<pipe_consumer>(*pipe));
}

TEST(InPlace, a_view_at_an_odd_place_shows_no_value) {
  alignas(8) std::byte room[sizeof(sample) + 8]{};
  EXPECT_NE(view_as<sample>(view(message(room, sizeof(sample)))), nullptr);
  EXPECT_EQ(view_as<sample>(view(message(room + 4, sizeof(sample)))), nullptr);
}

TEST(InPlace, a_value_of_any_alignment_goes_by_value) {
  struct alignas(64) wide {
    float v[16];
  };
  const auto ring = small_ring();
  auto tx = spsc_producer::attach(ring).value();
  auto rx = spsc_consumer::attach(ring).value();
  for (int i = 0; i < 100; ++i) {
    wide one{};
    one.v[3] = static_cast<float>(i);
    ASSERT_EQ(try_push(tx, one), status::ok);
    const auto got = try_read<wide>(rx);
    ASSERT_TRUE(got);
    EXPECT_EQ(got.value.v[3], one.v[3]);
  }
}

}  // namespace
}  // namespace annulus::testing
