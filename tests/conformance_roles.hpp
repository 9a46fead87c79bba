// Conformance: roles come, wait and go. Included by conformance.hpp.
#pragma once

#include "conformance.hpp"

namespace annulus::testing {

template <transport T>
class Roles : public Conformance<T> {};
TYPED_TEST_SUITE_P(Roles);

// Coming and going.

TYPED_TEST_P(Roles, each_side_sees_the_other_come_and_go) {
  TypeParam fresh;
  auto tx = fresh.make_producer();
  EXPECT_EQ(tx.peer(), presence::never_came);
  {
    auto rx = fresh.make_consumer();
    EXPECT_EQ(tx.peer(), presence::attached);
    EXPECT_EQ(rx.peer(), presence::attached);
    tx.close();
    EXPECT_EQ(rx.peer(), presence::closed);
  }
  auto again = fresh.make_producer();
  EXPECT_EQ(again.peer(), presence::closed);
}

TYPED_TEST_P(Roles, a_consumer_before_any_producer_sees_an_empty_channel) {
  TypeParam fresh;
  auto rx = fresh.make_consumer();
  EXPECT_EQ(rx.peer(), presence::never_came);
  EXPECT_EQ(next(rx), "[empty]");
  EXPECT_EQ(rx.read(soon()).status(), status::timed_out);
  auto tx = fresh.make_producer();
  ASSERT_EQ(tx.try_push(bytes("first")), status::ok);
  EXPECT_EQ(next(rx), "first");
}

TYPED_TEST_P(Roles, after_the_producer_closes_the_rest_is_read_first) {
  ASSERT_EQ(this->tx_.try_push(bytes("a")), status::ok);
  ASSERT_EQ(this->tx_.try_push(bytes("b")), status::ok);
  this->tx_.close();
  EXPECT_EQ(next(this->rx_), "a");
  EXPECT_EQ(this->rx_.drain([](message) {}, 9).why, status::closed);
  EXPECT_EQ(next(this->rx_), "[closed]");
  EXPECT_EQ(this->rx_.read(no_deadline).status(), status::closed);
  EXPECT_EQ(this->rx_.drain([](message) {}, 9, no_deadline).why, status::closed);
}

TYPED_TEST_P(Roles, a_producer_that_comes_after_a_close_is_heard) {
  ASSERT_EQ(this->tx_.try_push(bytes("a")), status::ok);
  this->tx_.close();
  EXPECT_EQ(next(this->rx_), "a");
  EXPECT_EQ(next(this->rx_), "[closed]");
  auto again = this->channel_.make_producer();
  EXPECT_EQ(next(this->rx_), "[empty]");
  ASSERT_EQ(again.try_push(bytes("b")), status::ok);
  EXPECT_EQ(next(this->rx_), "b");
}

TYPED_TEST_P(Roles, after_the_consumer_closes_every_form_goes_on_and_the_next_consumer_finds_it) {
  const auto once = [](const char* text) { return std::array<message, 1>{bytes(text)}; };
  this->rx_.close();
  EXPECT_EQ(this->tx_.try_push(bytes("1")), status::ok);
  EXPECT_EQ(this->tx_.try_push(pieces(once("2"))), status::ok);
  EXPECT_EQ(this->tx_.try_push_batch(once("3")).count, 1u);
  const auto commit = [](auto claim, const char* text) {
    ASSERT_TRUE(claim) << to_string(claim.status());
    claim.bytes()[0] = static_cast<std::byte>(*text);
    claim.commit();
  };
  commit(this->tx_.try_claim(1), "4");
  EXPECT_EQ(this->tx_.push(bytes("5"), no_deadline), status::ok);
  EXPECT_EQ(this->tx_.push(pieces(once("6")), no_deadline), status::ok);
  EXPECT_EQ(this->tx_.push_batch(once("7"), no_deadline).count, 1u);
  commit(this->tx_.claim(1, no_deadline), "8");
  EXPECT_EQ(this->tx_.push_or_drop(bytes("9")), status::ok);
  EXPECT_EQ(this->tx_.peer(), presence::closed);
  auto next_one = this->channel_.make_consumer();
  for (char c = '1'; c <= '9'; ++c) EXPECT_EQ(next(next_one), std::string(1, c));
  EXPECT_EQ(next(next_one), "[empty]");
}

TYPED_TEST_P(Roles, without_room_a_closed_consumer_answers_closed_until_the_next_one_comes) {
  const auto one = pattern(100, 1);
  const std::array<message, 1> many{message(one)};
  ASSERT_GT(fill_up(this->tx_, one), 0u);
  EXPECT_EQ(this->tx_.try_push(many[0]), status::full);
  this->rx_.close();
  EXPECT_EQ(this->tx_.try_push(many[0]), status::closed);
  EXPECT_EQ(this->tx_.try_push(pieces(many)), status::closed);
  EXPECT_EQ(this->tx_.try_push_batch(many).why, status::closed);
  EXPECT_EQ(this->tx_.try_claim(100).status(), status::closed);
  EXPECT_EQ(this->tx_.push_or_drop(many[0]), status::closed);
  EXPECT_EQ(this->tx_.push(many[0], no_deadline), status::closed);
  EXPECT_EQ(this->tx_.push(pieces(many), no_deadline), status::closed);
  EXPECT_EQ(this->tx_.push_batch(many, no_deadline).why, status::closed);
  EXPECT_EQ(this->tx_.claim(100, no_deadline).status(), status::closed);
  auto next_one = this->channel_.make_consumer();
  EXPECT_EQ(this->tx_.try_push(many[0]), status::full);
  EXPECT_EQ(this->tx_.push(many[0], soon()), status::timed_out);
  std::uint64_t seen = 0;
  while (next_one.try_read()) ++seen;
  EXPECT_GT(seen, 0u);
  next_one.release();
  EXPECT_EQ(this->tx_.try_push(many[0]), status::ok);
}

TYPED_TEST_P(Roles, a_batch_that_fills_the_channel_of_a_closed_consumer_ends_there) {
  const auto one = pattern(100, 1);
  const std::vector<message> many(3000, message(one));
  this->rx_.close();
  const auto taken = this->tx_.push_batch(many, no_deadline);
  EXPECT_EQ(taken.why, status::closed);
  EXPECT_GT(taken.count, 0u);
  auto next_one = this->channel_.make_consumer();
  std::uint64_t seen = 0;
  while (next_one.try_read()) ++seen;
  EXPECT_EQ(seen, taken.count);
}

TYPED_TEST_P(Roles, a_closed_role_is_permitted_nothing) {
  const std::array<message, 1> one{bytes("x")};
  this->tx_.close();
  this->tx_.close();
  EXPECT_EQ(this->tx_.try_push(one[0]), status::not_permitted);
  EXPECT_EQ(this->tx_.try_push(pieces(one)), status::not_permitted);
  EXPECT_EQ(this->tx_.try_push_batch(one).why, status::not_permitted);
  EXPECT_EQ(this->tx_.try_claim(1).status(), status::not_permitted);
  EXPECT_EQ(this->tx_.push(one[0], no_deadline), status::not_permitted);
  EXPECT_EQ(this->tx_.push_batch(one, no_deadline).why, status::not_permitted);
  EXPECT_EQ(this->tx_.claim(1, no_deadline).status(), status::not_permitted);
  EXPECT_EQ(this->tx_.push_or_drop(one[0]), status::not_permitted);
  this->rx_.close();
  this->rx_.close();
  EXPECT_EQ(this->rx_.try_read().status(), status::not_permitted);
  EXPECT_EQ(this->rx_.read(no_deadline).status(), status::not_permitted);
  EXPECT_EQ(this->rx_.drain([](message) {}, 1).why, status::not_permitted);
  this->rx_.release();
}

TYPED_TEST_P(Roles, closing_aborts_the_open_claim) {
  auto claim = this->tx_.try_claim(4);
  ASSERT_TRUE(claim);
  this->tx_.close();
  auto again = this->channel_.make_producer();
  ASSERT_EQ(again.try_push(bytes("mine")), status::ok);
  claim.commit();
  ASSERT_EQ(again.try_push(bytes("next")), status::ok);
  EXPECT_EQ(this->rx_.stalled_by(), std::nullopt);
  EXPECT_EQ(next(this->rx_), "mine");
  EXPECT_EQ(next(this->rx_), "next");
  EXPECT_EQ(next(this->rx_), "[empty]");
}

TYPED_TEST_P(Roles, a_role_closes_when_it_is_destroyed) {
  std::optional<typename TypeParam::producer_type> gone(std::move(this->tx_));
  gone.reset();
  EXPECT_EQ(next(this->rx_), "[closed]");
  auto again = this->channel_.make_producer();
  std::optional<typename TypeParam::consumer_type> left(std::move(this->rx_));
  left.reset();
  EXPECT_EQ(again.peer(), presence::closed);
}

TYPED_TEST_P(Roles, a_moved_role_is_the_role) {
  ASSERT_EQ(this->tx_.try_push(bytes("a")), status::ok);
  auto tx = std::move(this->tx_);
  ASSERT_EQ(tx.try_push(bytes("b")), status::ok);
  EXPECT_EQ(this->tx_.try_push(bytes("no")), status::not_permitted);  // NOLINT: left behind
  EXPECT_EQ(next(this->rx_), "a");
  auto rx = std::move(this->rx_);
  EXPECT_EQ(next(rx), "b");
  EXPECT_EQ(this->rx_.try_read().status(), status::not_permitted);  // NOLINT: left behind
  this->tx_ = std::move(tx);
  this->rx_ = std::move(rx);
  ASSERT_EQ(this->tx_.try_push(bytes("c")), status::ok);
  EXPECT_EQ(next(this->rx_), "c");
}

// Waiting.

TYPED_TEST_P(Roles, a_wait_ends_at_its_deadline) {
  const auto before = std::chrono::steady_clock::now();
  EXPECT_EQ(this->rx_.read(soon()).status(), status::timed_out);
  EXPECT_EQ(this->rx_.drain([](message) {}, 1, soon()).why, status::timed_out);
  const auto one = pattern(100, 1);
  const std::array<message, 1> many{message(one)};
  ASSERT_GT(fill_up(this->tx_, one), 0u);
  EXPECT_EQ(this->tx_.push(many[0], soon()), status::timed_out);
  EXPECT_EQ(this->tx_.push(pieces(many), soon()), status::timed_out);
  EXPECT_EQ(this->tx_.push_batch(many, soon()).why, status::timed_out);
  EXPECT_EQ(this->tx_.claim(100, soon()).status(), status::timed_out);
  EXPECT_GE(std::chrono::steady_clock::now() - before, 6 * std::chrono::milliseconds(2));
}

TYPED_TEST_P(Roles, a_deadline_that_has_passed_still_takes_what_is_there) {
  EXPECT_EQ(this->tx_.push(bytes("a"), passed()), status::ok);
  EXPECT_EQ(text(this->rx_.read(passed()).bytes()), "a");
  EXPECT_EQ(this->rx_.read(passed()).status(), status::timed_out);
}

TYPED_TEST_P(Roles, a_waiting_read_sees_a_message_from_another_thread) {
  std::jthread other([&] { EXPECT_EQ(this->tx_.try_push(bytes("late")), status::ok); });
  const view seen = this->rx_.read(no_deadline);
  ASSERT_TRUE(seen);
  EXPECT_EQ(text(seen.bytes()), "late");
}

TYPED_TEST_P(Roles, waiting_pushes_go_on_as_space_comes_back) {
  const auto one = pattern(100, 1);
  const std::vector<message> many(300, message(one));
  std::jthread other([&] {
    for (int i = 0; i < 300; ++i) EXPECT_EQ(this->tx_.push(message(one), no_deadline), status::ok);
    EXPECT_EQ(this->tx_.push_batch(many, no_deadline).count, 300u);
    for (int i = 0; i < 300; ++i) {
      auto claim = this->tx_.claim(100, no_deadline);
      EXPECT_TRUE(claim);
      std::ranges::copy(one, claim.bytes().begin());
      claim.commit();
    }
    this->tx_.close();
  });
  std::uint64_t seen = 0;
  batch last;
  const auto check = [&](message m) { EXPECT_EQ(copy(m), one); };
  while ((last = this->rx_.drain(check, 7, no_deadline)).why != status::closed || last.count > 0) {
    seen += last.count;
  }
  EXPECT_EQ(seen, 900u);
}

TYPED_TEST_P(Roles, a_waiting_read_ends_when_the_producer_closes) {
  std::jthread other([&] { this->tx_.close(); });
  EXPECT_EQ(this->rx_.read(no_deadline).status(), status::closed);
}

TYPED_TEST_P(Roles, a_waiting_push_ends_when_the_consumer_closes) {
  const auto one = pattern(100, 1);
  const std::array<message, 1> many{message(one)};
  ASSERT_GT(fill_up(this->tx_, one), 0u);
  std::jthread other([&] { this->rx_.close(); });
  EXPECT_EQ(this->tx_.push_batch(many, no_deadline).why, status::closed);
  EXPECT_EQ(this->tx_.push(message(one), no_deadline), status::closed);
}

// Interrupts. What ends a wait that runs, and by a signal, is in interrupt.cpp.

TYPED_TEST_P(Roles, an_interrupt_before_a_wait_ends_it_once) {
  ASSERT_EQ(this->tx_.try_push(bytes("a")), status::ok);
  this->rx_.interrupt();
  this->rx_.interrupt();
  EXPECT_EQ(this->rx_.read(no_deadline).status(), status::interrupted);
  EXPECT_EQ(text(this->rx_.read(no_deadline).bytes()), "a");
  this->rx_.interrupt();
  EXPECT_EQ(this->rx_.drain([](message) {}, 1, no_deadline).why, status::interrupted);
  EXPECT_EQ(this->rx_.read(soon()).status(), status::timed_out);
}

TYPED_TEST_P(Roles, an_interrupt_ends_every_waiting_form_of_a_producer) {
  const std::array<message, 1> one{bytes("x")};
  this->tx_.interrupt();
  EXPECT_EQ(this->tx_.push(one[0], no_deadline), status::interrupted);
  this->tx_.interrupt();
  EXPECT_EQ(this->tx_.push(pieces(one), no_deadline), status::interrupted);
  this->tx_.interrupt();
  EXPECT_EQ(this->tx_.push_batch(one, no_deadline).why, status::interrupted);
  this->tx_.interrupt();
  EXPECT_EQ(this->tx_.claim(1, no_deadline).status(), status::interrupted);
  EXPECT_EQ(next(this->rx_), "[empty]");
  EXPECT_EQ(this->tx_.push(one[0], no_deadline), status::ok);
}

TYPED_TEST_P(Roles, try_forms_leave_an_interrupt_to_the_next_wait) {
  this->tx_.interrupt();
  this->rx_.interrupt();
  EXPECT_EQ(this->tx_.try_push(bytes("a")), status::ok);
  EXPECT_EQ(this->tx_.push_or_drop(bytes("b")), status::ok);
  EXPECT_EQ(next(this->rx_), "a");
  EXPECT_EQ(this->rx_.drain([](message) {}, 9).count, 1u);
  EXPECT_EQ(this->tx_.push(bytes("c"), no_deadline), status::interrupted);
  EXPECT_EQ(this->rx_.read(no_deadline).status(), status::interrupted);
}

TYPED_TEST_P(Roles, a_batch_that_is_interrupted_tells_what_was_taken) {
  const auto one = pattern(1000, 1);
  const std::vector<message> many(200, message(one));
  std::jthread other([&] {
    // Not before the batch is on its way: the channel holds less than all of it.
    EXPECT_TRUE(this->rx_.read(no_deadline));
    this->tx_.interrupt();
  });
  const batch done = this->tx_.push_batch(many, no_deadline);
  other.join();
  EXPECT_EQ(done.why, status::interrupted);
  this->rx_.release();
  EXPECT_EQ(this->rx_.drain([](message) {}, 300).count + 1, done.count);
}

// Several producers.

TYPED_TEST_P(Roles, every_producer_keeps_its_order) {
  constexpr std::uint32_t each = 2000;
  struct note {
    std::uint32_t from;
    std::uint32_t number;
  };
  this->tx_.close();
  std::vector<std::jthread> threads;
  for (std::uint32_t i = 0; i < TypeParam::most_producers; ++i) {
    threads.emplace_back([i, tx = this->channel_.make_producer()]() mutable {
      for (std::uint32_t n = 0; n < each; ++n) {
        EXPECT_EQ(annulus::push(tx, note{i, n}, no_deadline), status::ok);
      }
    });
  }
  std::vector<std::uint32_t> expected(TypeParam::most_producers, 0);
  for (;;) {
    const auto one = annulus::read<note>(this->rx_, no_deadline);
    if (one.status == status::closed) break;
    ASSERT_TRUE(one) << to_string(one.status);
    ASSERT_EQ(one.value.number, expected.at(one.value.from)++) << one.value.from;
  }
  for (const auto count : expected) EXPECT_EQ(count, each);
}

REGISTER_TYPED_TEST_SUITE_P(
    Roles, each_side_sees_the_other_come_and_go,
    a_consumer_before_any_producer_sees_an_empty_channel,
    after_the_producer_closes_the_rest_is_read_first, a_producer_that_comes_after_a_close_is_heard,
    after_the_consumer_closes_every_form_goes_on_and_the_next_consumer_finds_it,
    without_room_a_closed_consumer_answers_closed_until_the_next_one_comes,
    a_batch_that_fills_the_channel_of_a_closed_consumer_ends_there,
    a_closed_role_is_permitted_nothing, closing_aborts_the_open_claim,
    a_role_closes_when_it_is_destroyed, a_moved_role_is_the_role, a_wait_ends_at_its_deadline,
    a_deadline_that_has_passed_still_takes_what_is_there,
    a_waiting_read_sees_a_message_from_another_thread, waiting_pushes_go_on_as_space_comes_back,
    a_waiting_read_ends_when_the_producer_closes, a_waiting_push_ends_when_the_consumer_closes,
    an_interrupt_before_a_wait_ends_it_once, an_interrupt_ends_every_waiting_form_of_a_producer,
    try_forms_leave_an_interrupt_to_the_next_wait, a_batch_that_is_interrupted_tells_what_was_taken,
    every_producer_keeps_its_order);

}  // namespace annulus::testing
