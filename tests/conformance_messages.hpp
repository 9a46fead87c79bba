// Conformance: what goes in comes out, once, in order and whole. Included by conformance.hpp.
#pragma once

#include "conformance.hpp"

namespace annulus::testing {

template <transport T>
class Messages : public Conformance<T> {};
TYPED_TEST_SUITE_P(Messages);

// Messages.

TYPED_TEST_P(Messages, a_message_arrives_as_it_was_sent_and_once) {
  EXPECT_EQ(this->tx_.try_push(bytes("hello")), status::ok);
  EXPECT_EQ(next(this->rx_), "hello");
  EXPECT_EQ(next(this->rx_), "[empty]");
}

TYPED_TEST_P(Messages, messages_arrive_in_order_over_many_laps) {
  for (std::uint64_t i = 0; i < 4000; ++i) {
    const auto sent = pattern(i * 7 % 90, i);
    ASSERT_EQ(this->tx_.try_push(message(sent)), status::ok) << i;
    const view seen = this->rx_.try_read();
    ASSERT_TRUE(seen) << i;
    ASSERT_EQ(copy(seen.bytes()), sent) << i;
    this->rx_.release();
  }
}

TYPED_TEST_P(Messages, a_message_of_no_bytes_arrives) {
  EXPECT_EQ(this->tx_.try_push(message()), status::ok);
  EXPECT_EQ(this->tx_.try_push(bytes("next")), status::ok);
  EXPECT_EQ(next(this->rx_), "");
  EXPECT_EQ(next(this->rx_), "next");
}

TYPED_TEST_P(Messages, the_largest_message_arrives_by_every_form) {
  const auto largest = pattern(this->tx_.max_message(), 1);
  EXPECT_EQ(this->rx_.max_message(), this->tx_.max_message());
  const std::array<message, 2> parts{message(largest).first(7), message(largest).subspan(7)};
  const std::array<message, 1> one{message(largest)};
  const auto expect_it = [&](const char* form) {
    const view seen = this->rx_.try_read();
    ASSERT_TRUE(seen) << form;
    EXPECT_EQ(copy(seen.bytes()), largest) << form;
    this->rx_.release();
  };
  EXPECT_EQ(this->tx_.try_push(one[0]), status::ok);
  expect_it("try_push");
  EXPECT_EQ(this->tx_.try_push(pieces(parts)), status::ok);
  expect_it("try_push of pieces");
  EXPECT_EQ(this->tx_.try_push_batch(one).count, 1u);
  expect_it("try_push_batch");
  EXPECT_EQ(this->tx_.push(one[0], passed()), status::ok);
  expect_it("push");
  EXPECT_EQ(this->tx_.push(pieces(parts), passed()), status::ok);
  expect_it("push of pieces");
  EXPECT_EQ(this->tx_.push_batch(one, passed()).count, 1u);
  expect_it("push_batch");
  EXPECT_EQ(this->tx_.push_or_drop(one[0]), status::ok);
  expect_it("push_or_drop");
  auto claim = this->tx_.try_claim(largest.size());
  ASSERT_TRUE(claim);
  std::ranges::copy(largest, claim.bytes().begin());
  claim.commit();
  expect_it("try_claim");
}

TYPED_TEST_P(Messages, one_byte_more_than_the_largest_never_fits_by_any_form) {
  const auto larger = pattern(this->tx_.max_message() + 1, 1);
  const std::array<message, 2> parts{message(larger).first(7), message(larger).subspan(7)};
  const std::array<message, 1> one{message(larger)};
  EXPECT_EQ(this->tx_.try_push(message(larger).first(7)), status::ok);
  EXPECT_EQ(this->tx_.try_push(one[0]), status::never_fits);
  EXPECT_EQ(this->tx_.try_push(one[0]), status::never_fits);
  EXPECT_EQ(this->tx_.try_push(pieces(parts)), status::never_fits);
  EXPECT_EQ(this->tx_.try_push_batch(one).why, status::never_fits);
  EXPECT_EQ(this->tx_.try_claim(larger.size()).status(), status::never_fits);
  EXPECT_EQ(this->tx_.try_claim(SIZE_MAX).status(), status::never_fits);
  EXPECT_EQ(this->tx_.push(one[0], no_deadline), status::never_fits);
  EXPECT_EQ(this->tx_.push(pieces(parts), no_deadline), status::never_fits);
  EXPECT_EQ(this->tx_.push_batch(one, no_deadline).why, status::never_fits);
  EXPECT_EQ(this->tx_.claim(larger.size(), no_deadline).status(), status::never_fits);
  EXPECT_EQ(this->tx_.push_or_drop(one[0]), status::never_fits);
  EXPECT_EQ(next(this->rx_).size(), 7u);
  EXPECT_EQ(next(this->rx_), "[empty]");
}

TYPED_TEST_P(Messages, pieces_arrive_as_one_message) {
  const std::array<message, 4> parts{bytes("one "), bytes(""), bytes("mess"), bytes("age")};
  EXPECT_EQ(this->tx_.try_push(pieces(parts)), status::ok);
  EXPECT_EQ(this->tx_.try_push(pieces()), status::ok);
  EXPECT_EQ(next(this->rx_), "one message");
  EXPECT_EQ(next(this->rx_), "");
}

TYPED_TEST_P(Messages, values_arrive_typed_and_of_their_size_only) {
  struct order {
    int number;
    double price;
  };
  EXPECT_EQ(annulus::try_push(this->tx_, order{7, 1.5}), status::ok);
  EXPECT_EQ(annulus::push(this->tx_, order{8, 2.5}, passed()), status::ok);
  EXPECT_EQ(annulus::try_push(this->tx_, std::uint16_t{3}), status::ok);
  const auto first = annulus::try_read<order>(this->rx_);
  ASSERT_TRUE(first);
  EXPECT_EQ(first.value.number, 7);
  const auto second = annulus::read<order>(this->rx_, passed());
  ASSERT_TRUE(second);
  EXPECT_EQ(second.value.price, 2.5);
  EXPECT_EQ(annulus::try_read<order>(this->rx_).status, status::never_fits);
  EXPECT_EQ(annulus::try_read<order>(this->rx_).status, status::empty);
}

// Batches.

TYPED_TEST_P(Messages, a_batch_arrives_in_order) {
  const std::array<message, 4> many{bytes("a"), bytes(""), bytes("ccc"), bytes("dd")};
  const batch done = this->tx_.try_push_batch(many);
  EXPECT_EQ(done.count, 4u);
  EXPECT_EQ(done.why, status::ok);
  for (const auto& one : many) EXPECT_EQ(next(this->rx_), text(one));
  EXPECT_EQ(next(this->rx_), "[empty]");
}

TYPED_TEST_P(Messages, a_batch_of_none_is_ok) {
  EXPECT_EQ(this->tx_.try_push_batch({}).why, status::ok);
  EXPECT_EQ(this->tx_.push_batch({}, passed()).why, status::ok);
  EXPECT_EQ(next(this->rx_), "[empty]");
}

TYPED_TEST_P(Messages, a_batch_that_fits_in_part_tells_how_far_it_got) {
  const auto one = pattern(64, 1);
  const std::vector<message> many(10000, message(one));
  const batch done = this->tx_.try_push_batch(many);
  EXPECT_GT(done.count, 0u);
  EXPECT_LT(done.count, many.size());
  EXPECT_EQ(done.why, status::full);
  EXPECT_EQ(this->tx_.try_push_batch(many).count, 0u);
  std::uint64_t seen = 0;
  while (next(this->rx_) == text(one)) ++seen;
  EXPECT_EQ(seen, done.count);
}

TYPED_TEST_P(Messages, a_batch_stops_at_a_message_that_never_fits) {
  const auto larger = pattern(this->tx_.max_message() + 1, 1);
  const std::array<message, 3> many{bytes("a"), message(larger), bytes("c")};
  const batch done = this->tx_.try_push_batch(many);
  EXPECT_EQ(done.count, 1u);
  EXPECT_EQ(done.why, status::never_fits);
  const batch waited = this->tx_.push_batch(many, no_deadline);
  EXPECT_EQ(waited.count, 1u);
  EXPECT_EQ(waited.why, status::never_fits);
  EXPECT_EQ(next(this->rx_), "a");
  EXPECT_EQ(next(this->rx_), "a");
  EXPECT_EQ(next(this->rx_), "[empty]");
}

// Claims.

TYPED_TEST_P(Messages, a_claim_is_seen_only_after_its_commit) {
  auto claim = this->tx_.try_claim(5);
  ASSERT_TRUE(claim);
  ASSERT_EQ(claim.bytes().size(), 5u);
  EXPECT_EQ(next(this->rx_), "[empty]");
  std::ranges::copy(bytes("hello"), claim.bytes().begin());
  EXPECT_EQ(next(this->rx_), "[empty]");
  claim.commit();
  EXPECT_EQ(next(this->rx_), "hello");
}

TYPED_TEST_P(Messages, a_claim_of_no_bytes_is_seen_only_after_its_commit) {
  auto claim = this->tx_.try_claim(0);
  ASSERT_TRUE(claim);
  EXPECT_FALSE(this->rx_.try_read());
  claim.commit();
  const view seen = this->rx_.try_read();
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen.bytes().size(), 0u);
}

// A consumer expects the next message to be as long as the last ones.
TYPED_TEST_P(Messages, after_messages_of_one_length_whatever_comes_is_seen_as_it_is) {
  const auto send = [&](std::size_t count, unsigned n) {
    ASSERT_EQ(this->tx_.try_push(message(pattern(count, n))), status::ok);
    ASSERT_EQ(next(this->rx_), text(pattern(count, n)));
  };
  for (unsigned round = 0; round < 20; ++round) {
    for (unsigned n = 0; n < 10; ++n) send(16, n);
    {
      auto given_up = this->tx_.try_claim(16);
      ASSERT_TRUE(given_up);
      ASSERT_FALSE(this->rx_.try_read());
    }
    ASSERT_FALSE(this->rx_.try_read());
    send(16, round);
    send(round, round);
    auto shortened = this->tx_.try_claim(16);
    ASSERT_TRUE(shortened);
    shortened.commit(round % 16);
    const view seen = this->rx_.try_read();
    ASSERT_TRUE(seen);
    ASSERT_EQ(seen.bytes().size(), round % 16);
    this->rx_.release();
  }
}

TYPED_TEST_P(Messages, a_claim_commits_fewer_bytes_than_it_claimed) {
  for (std::size_t fewer = 0; fewer <= 40; ++fewer) {
    const auto sent = pattern(fewer, fewer);
    auto claim = this->tx_.try_claim(40);
    ASSERT_TRUE(claim) << fewer;
    std::ranges::copy(sent, claim.bytes().begin());
    claim.commit(fewer);
    ASSERT_EQ(this->tx_.try_push(bytes("behind")), status::ok);
    ASSERT_EQ(next(this->rx_), text(sent)) << fewer;
    ASSERT_EQ(next(this->rx_), "behind") << fewer;
  }
}

TYPED_TEST_P(Messages, an_aborted_claim_is_never_seen) {
  auto claim = this->tx_.try_claim(100);
  ASSERT_TRUE(claim);
  claim.abort();
  EXPECT_FALSE(claim);
  EXPECT_EQ(next(this->rx_), "[empty]");
  EXPECT_EQ(this->tx_.try_push(bytes("next")), status::ok);
  EXPECT_EQ(next(this->rx_), "next");
  EXPECT_EQ(next(this->rx_), "[empty]");
}

TYPED_TEST_P(Messages, the_destructor_of_a_claim_aborts_it) {
  { const auto claim = this->tx_.try_claim(100); }
  EXPECT_EQ(this->tx_.try_push(bytes("next")), status::ok);
  EXPECT_EQ(next(this->rx_), "next");
}

TYPED_TEST_P(Messages, a_moved_claim_is_the_claim) {
  auto first = this->tx_.try_claim(3);
  ASSERT_TRUE(first);
  auto second = std::move(first);
  EXPECT_FALSE(first);  // NOLINT: what is left behind is no claim
  EXPECT_EQ(first.status(), status::not_permitted);
  first.abort();
  ASSERT_TRUE(second);
  std::ranges::copy(bytes("abc"), second.bytes().begin());
  first = std::move(second);
  ASSERT_TRUE(first);
  first.commit();
  EXPECT_EQ(next(this->rx_), "abc");
}

TYPED_TEST_P(Messages, a_claim_is_used_once) {
  auto claim = this->tx_.try_claim(1);
  ASSERT_TRUE(claim);
  claim.bytes()[0] = std::byte{'x'};
  claim.commit();
  EXPECT_FALSE(claim);
  EXPECT_EQ(claim.status(), status::not_permitted);
  claim.abort();
  claim.commit();
  EXPECT_EQ(next(this->rx_), "x");
  EXPECT_EQ(next(this->rx_), "[empty]");
}

TYPED_TEST_P(Messages, while_a_claim_is_open_nothing_else_is_permitted) {
  const std::array<message, 1> one{bytes("no")};
  auto claim = this->tx_.try_claim(2);
  ASSERT_TRUE(claim);
  EXPECT_EQ(this->tx_.try_claim(1).status(), status::not_permitted);
  EXPECT_EQ(this->tx_.try_claim(0).status(), status::not_permitted);
  EXPECT_EQ(this->tx_.try_push(one[0]), status::not_permitted);
  EXPECT_EQ(this->tx_.try_push(pieces(one)), status::not_permitted);
  EXPECT_EQ(this->tx_.try_push_batch(one).why, status::not_permitted);
  EXPECT_EQ(this->tx_.claim(1, no_deadline).status(), status::not_permitted);
  EXPECT_EQ(this->tx_.push(one[0], no_deadline), status::not_permitted);
  EXPECT_EQ(this->tx_.push_batch(one, no_deadline).why, status::not_permitted);
  EXPECT_EQ(this->tx_.push_or_drop(one[0]), status::not_permitted);
  std::ranges::copy(bytes("me"), claim.bytes().begin());
  claim.commit();
  EXPECT_EQ(this->tx_.try_push(bytes("you")), status::ok);
  EXPECT_EQ(next(this->rx_), "me");
  EXPECT_EQ(next(this->rx_), "you");
}

// Room.

TYPED_TEST_P(Messages, without_room_a_push_is_refused_and_nothing_is_lost) {
  const auto one = pattern(100, 1);
  const auto count = fill_up(this->tx_, one);
  EXPECT_GT(count, 0u);
  EXPECT_EQ(this->tx_.try_push(message(one)), status::full);
  EXPECT_EQ(this->tx_.try_claim(100).status(), status::full);
  for (std::uint64_t i = 0; i < count; ++i) ASSERT_EQ(next(this->rx_), text(one)) << i;
  EXPECT_EQ(next(this->rx_), "[empty]");
  EXPECT_EQ(this->tx_.try_push(message(one)), status::ok);
}

TYPED_TEST_P(Messages, space_comes_back_by_release_and_not_before) {
  const auto one = pattern(100, 1);
  const auto count = fill_up(this->tx_, one);
  std::vector<view> views;
  for (std::uint64_t i = 0; i < count; ++i) views.push_back(this->rx_.try_read());
  EXPECT_EQ(this->rx_.try_read().status(), status::empty);
  EXPECT_EQ(this->tx_.try_push(message(one)), status::full);
  for (const auto& seen : views) EXPECT_EQ(copy(seen.bytes()), one);
  this->rx_.release();
  EXPECT_EQ(fill_up(this->tx_, one), count);
}

TYPED_TEST_P(Messages, push_or_drop_drops_the_newest) {
  const auto one = pattern(100, 1);
  const auto count = fill_up(this->tx_, one);
  EXPECT_EQ(this->tx_.push_or_drop(bytes(std::string(100, 'x'))), status::full);
  for (std::uint64_t i = 0; i < count; ++i) ASSERT_EQ(next(this->rx_), text(one));
  EXPECT_EQ(next(this->rx_), "[empty]");
  EXPECT_EQ(this->tx_.push_or_drop(bytes("y")), status::ok);
  EXPECT_EQ(next(this->rx_), "y");
}

TYPED_TEST_P(Messages, drain_takes_up_to_its_limit_in_order) {
  for (const char* one : {"a", "b", "c"}) ASSERT_EQ(this->tx_.try_push(bytes(one)), status::ok);
  std::string seen;
  const auto take = [&](message one) { seen += text(one); };
  EXPECT_EQ(this->rx_.drain(take, 0).count, 0u);
  const batch two = this->rx_.drain(take, 2);
  EXPECT_EQ(two.count, 2u);
  EXPECT_EQ(two.why, status::ok);
  const batch rest = this->rx_.drain(take, 2);
  EXPECT_EQ(rest.count, 1u);
  EXPECT_EQ(rest.why, status::empty);
  EXPECT_EQ(seen, "abc");
}

TYPED_TEST_P(Messages, drain_hands_the_space_back) {
  const auto one = pattern(100, 1);
  const auto count = fill_up(this->tx_, one);
  EXPECT_EQ(this->rx_.drain([](message) {}, count).count, count);
  // A consumer that finds nothing tells of all that it freed; before, a chunk may be untold.
  EXPECT_EQ(this->rx_.read(passed()).status(), status::timed_out);
  EXPECT_EQ(fill_up(this->tx_, one), count);
  EXPECT_EQ(this->rx_.drain([](message) {}, count, passed()).count, count);
  EXPECT_EQ(this->rx_.read(passed()).status(), status::timed_out);
  EXPECT_EQ(fill_up(this->tx_, one), count);
}

TYPED_TEST_P(Messages, claims_that_were_given_up_take_no_room_from_others) {
  for (int i = 0; i < 100; ++i) {
    auto claim = this->tx_.try_claim(this->tx_.max_message());
    ASSERT_TRUE(claim) << i << " " << to_string(claim.status());
    claim.abort();
    if (i % 2 == 0)
      ASSERT_EQ(this->rx_.try_read().status(), status::empty);
    else
      ASSERT_EQ(this->rx_.read(passed()).status(), status::timed_out);
  }
}

REGISTER_TYPED_TEST_SUITE_P(
    Messages, a_message_arrives_as_it_was_sent_and_once, messages_arrive_in_order_over_many_laps,
    a_message_of_no_bytes_arrives, the_largest_message_arrives_by_every_form,
    one_byte_more_than_the_largest_never_fits_by_any_form, pieces_arrive_as_one_message,
    values_arrive_typed_and_of_their_size_only, a_batch_arrives_in_order, a_batch_of_none_is_ok,
    a_batch_that_fits_in_part_tells_how_far_it_got, a_batch_stops_at_a_message_that_never_fits,
    a_claim_is_seen_only_after_its_commit, a_claim_of_no_bytes_is_seen_only_after_its_commit,
    after_messages_of_one_length_whatever_comes_is_seen_as_it_is,
    a_claim_commits_fewer_bytes_than_it_claimed, an_aborted_claim_is_never_seen,
    the_destructor_of_a_claim_aborts_it, a_moved_claim_is_the_claim, a_claim_is_used_once,
    while_a_claim_is_open_nothing_else_is_permitted,
    without_room_a_push_is_refused_and_nothing_is_lost, space_comes_back_by_release_and_not_before,
    push_or_drop_drops_the_newest, drain_takes_up_to_its_limit_in_order, drain_hands_the_space_back,
    claims_that_were_given_up_take_no_room_from_others);

}  // namespace annulus::testing
