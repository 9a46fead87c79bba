// What the processor runs for one message: how many instructions, which stores, and no call.
//
// An operation is stepped through in a process of its own, twice as often the second time: the
// difference is what one of them costs, without the start and the end. Where the instructions
// begin is known from the steps, so their bytes need hardly be decoded.
#include "guarded.hpp"
#include "hot_path.hpp"
#include "instructions.hpp"
#include <gtest/gtest.h>
#include <sys/user.h>

#include <cstdint>
#include <cstring>
#include <functional>
#include <string>

namespace annulus::processes {
namespace {

// One instruction of x86-64.
class instruction {
 public:
  explicit instruction(std::uint64_t address) noexcept
      : at_(reinterpret_cast<const unsigned char*>(address)) {
    for (; is_prefix(*at_); ++at_) {
      repeats_ |= *at_ == 0xf2 || *at_ == 0xf3;
      locks_ |= *at_ == 0xf0;
    }
    if ((*at_ & 0xf0) == 0x40) ++at_;  // REX
  }

  [[nodiscard]] bool is_call() const noexcept {
    return at_[0] == 0xe8 || (at_[0] == 0xff && field() == 2);
  }
  [[nodiscard]] bool is_system_call() const noexcept { return at_[0] == 0x0f && at_[1] == 0x05; }
  // rep movs, rep stos.
  [[nodiscard]] bool is_string() const noexcept {
    return repeats_ && ((at_[0] & 0xfe) == 0xa4 || (at_[0] & 0xfe) == 0xaa);
  }
  [[nodiscard]] bool is_locked() const noexcept {
    return locks_ || ((at_[0] & 0xfe) == 0x86 && in_memory(at_[1]));  // xchg
  }
  [[nodiscard]] bool is_prefetch_for_read() const noexcept {
    return at_[0] == 0x0f && at_[1] == 0x18 && (at_[2] >> 3 & 7) == 1;
  }
  [[nodiscard]] bool is_prefetch_for_write() const noexcept {
    return at_[0] == 0x0f && at_[1] == 0x0d && (at_[2] >> 3 & 7) == 1;
  }
  // A move to memory, or an addition to it.
  [[nodiscard]] bool is_store() const noexcept {
    switch (at_[0]) {
      case 0x01:
      case 0x29:
      case 0x88:
      case 0x89:
      case 0xc6:
      case 0xc7: return in_memory(at_[1]);
      case 0x80:
      case 0x81:
      case 0x83: return in_memory(at_[1]) && field() != 7;  // no comparison
      case 0x0f:
        return in_memory(at_[2]) &&
               (at_[1] == 0x11 || at_[1] == 0x29 || at_[1] == 0x7f || at_[1] == 0xd6);
      default: return false;
    }
  }

 private:
  static bool is_prefix(unsigned char byte) noexcept {
    return std::strchr("\x66\xf0\xf2\xf3\x2e\x36\x3e\x26\x64\x65", byte) != nullptr && byte != 0;
  }
  static bool in_memory(unsigned char modrm) noexcept { return modrm < 0xc0; }
  [[nodiscard]] int field() const noexcept { return at_[1] >> 3 & 7; }

  const unsigned char* at_;
  bool repeats_ = false, locks_ = false;
};

struct cost {
  std::int64_t instructions = 0, stores = 0, calls = 0, strings = 0, locked = 0;
  std::int64_t prefetches = 0, read_prefetches = 0;

  void add(const instruction& one) noexcept {
    ++instructions;
    stores += one.is_store();
    calls += one.is_call() || one.is_system_call();
    strings += one.is_string();
    locked += one.is_locked();
    prefetches += one.is_prefetch_for_write();
    read_prefetches += one.is_prefetch_for_read();
  }
  // Of one, where `less` is of half as many.
  [[nodiscard]] cost each(const cost& less, std::int64_t times) const noexcept {
    const auto share = [times](std::int64_t a, std::int64_t b) {
      return (a - b + times - 1) / times;  // no part of one is lost
    };
    return {share(instructions, less.instructions),
            share(stores, less.stores),
            share(calls, less.calls),
            share(strings, less.strings),
            share(locked, less.locked),
            share(prefetches, less.prefetches),
            share(read_prefetches, less.read_prefetches)};
  }
};

using operation = std::function<void(unsigned times)>;
// Makes roles, and hands the operation on them to `run`.
using setting = std::function<void(const std::function<void(const operation&)>& run)>;

cost cost_of(const setting& of, unsigned times) {
  stepped process([&](const auto& watched) {
    of([&](const operation& operate) {
      operate(32);
      watched([&] { operate(times); });
    });
  });
  cost all;
  for (bool goes_on = true; goes_on; goes_on = process.step()) {
    user_regs_struct registers{};
    require(ptrace(PTRACE_GETREGS, process.pid(), nullptr, &registers) == 0, "no registers");
    all.add(instruction(registers.rip));
  }
  return all;
}
cost each(const setting& of) {
  constexpr unsigned times = 32;
  const auto found = cost_of(of, 2 * times).each(cost_of(of, times), times);
  std::printf("%lld instructions, %lld stores\n", static_cast<long long>(found.instructions),
              static_cast<long long>(found.stores));
  return found;
}

struct one_ring {
  explicit one_ring(topology kind, std::uint64_t capacity = std::uint64_t{1} << 20)
      : shape{.topology = kind, .capacity = capacity},
        memory(static_cast<std::size_t>(*segment::bytes_for(shape))),
        ring(segment::format(memory.bytes(), shape).value()) {}

  ring_options shape;
  testing::guarded_memory memory;
  segment ring;
};

enum class opened { as_static_type, by_name };

template <topology Kind>
using producer_of = std::conditional_t<Kind == topology::spsc, spsc_producer, mpsc_producer>;
template <topology Kind>
using consumer_of = std::conditional_t<Kind == topology::spsc, spsc_consumer, mpsc_consumer>;

template <class F>
void with_producer(opened how, auto producer, F f) {
  if (how == opened::as_static_type) return f(producer);
  bus_producer any(bus_producer::roles(std::move(producer)), "");
  f(any);
}

template <topology Kind>
setting pushes(std::size_t bytes, opened how = opened::as_static_type,
               std::uint64_t capacity = std::uint64_t{1} << 20) {
  return [=](const auto& run) {
    one_ring it(Kind, capacity);
    with_producer(how, producer_of<Kind>::attach(it.ring).value(), [&](auto& tx) {
      run([&](unsigned times) { require(hot_path::push(tx, bytes, times), "not pushed"); });
    });
  };
}
template <topology Kind>
setting claims(opened how = opened::as_static_type) {
  return [=](const auto& run) {
    one_ring it(Kind);
    with_producer(how, producer_of<Kind>::attach(it.ring).value(), [&](auto& tx) {
      run([&](unsigned times) { require(hot_path::claim(tx, times), "not claimed"); });
    });
  };
}
template <topology Kind>
setting reads(opened how = opened::as_static_type) {
  return [=](const auto& run) {
    one_ring it(Kind);
    auto tx = producer_of<Kind>::attach(it.ring).value();
    require(hot_path::push(tx, 8, 200), "not pushed");
    auto rx = consumer_of<Kind>::attach(it.ring).value();
    if (how == opened::as_static_type) {
      run([&](unsigned times) { require(hot_path::read(rx, times), "not read"); });
    } else {
      bus_consumer any(bus_consumer::roles(std::move(rx)), "");
      run([&](unsigned times) { require(hot_path::read(any, times), "not read"); });
    }
  };
}

constexpr auto spsc = topology::spsc;
constexpr auto mpsc = topology::mpsc;

// No call, no system call, no locked instruction, none that copies strings.
void expect_straight(const cost& one) {
  EXPECT_EQ(one.calls, 0);
  EXPECT_EQ(one.locked, 0);
  EXPECT_EQ(one.strings, 0);
}

// The payload; the terminator, the header and write_pos; the role's own position. No count, and no
// copy of the message that the loop makes: it goes from a register into the ring. The loop around
// it has three instructions.
TEST(HotPath, a_push_of_8_bytes_is_27_instructions_beside_its_loop_and_5_stores) {
  const auto one = each(pushes<spsc>(8));
  expect_straight(one);
  EXPECT_LE(one.instructions, 27 + 3);
  EXPECT_EQ(one.stores, 5);
  EXPECT_EQ(one.prefetches, 0);
}

// A step ends 33 records of 16 bytes later. Its 528 bytes touch nine lines.
TEST(HotPath, in_a_small_ring_a_push_of_8_bytes_asks_for_the_lines_of_a_step_at_once) {
  const auto asked_by = [](std::uint64_t capacity) {
    const auto of = pushes<spsc>(8, opened::as_static_type, capacity);
    return cost_of(of, 66).prefetches - cost_of(of, 33).prefetches;
  };
  EXPECT_EQ(asked_by(std::uint64_t{128} << 10), 9);
  EXPECT_EQ(asked_by(std::uint64_t{256} << 10), 0);
}

// The role's position, as read and as released, and as its successor sees it. The loop around it
// has three instructions: it adds what it reads.
TEST(HotPath, a_read_and_a_release_of_8_bytes_are_37_instructions_beside_their_loop) {
  const auto one = each(reads<spsc>());
  expect_straight(one);
  EXPECT_LE(one.instructions, 37 + 3);
  EXPECT_EQ(one.stores, 3);
  EXPECT_EQ(one.read_prefetches, 0);  // it has caught up
}

TEST(HotPath, a_claim_of_8_bytes_makes_no_call) {
  const auto one = each(claims<spsc>());
  expect_straight(one);
  EXPECT_LE(one.instructions, 58);
  EXPECT_LE(one.stores, 10);
}

TEST(HotPath, a_message_of_one_line_goes_by_registers_two_words_a_store) {
  const auto one = each(pushes<spsc>(64));
  expect_straight(one);
  EXPECT_EQ(one.stores, 64 / 16 + 4);
}

TEST(HotPath, a_message_of_17_to_64_bytes_asks_for_a_line_ahead) {
  EXPECT_EQ(each(pushes<spsc>(16)).prefetches, 0);
  EXPECT_EQ(each(pushes<spsc>(24)).prefetches, 1);
  EXPECT_EQ(each(pushes<spsc>(64)).prefetches, 1);
}

TEST(HotPath, a_message_of_several_lines_asks_for_each_line_to_write_it) {
  for (const std::size_t bytes : {128U, 256U}) {
    const auto one = each(pushes<spsc>(bytes));
    expect_straight(one);
    EXPECT_EQ(one.prefetches, static_cast<std::int64_t>((bytes + 8 + 63) / 64)) << bytes;
  }
}

// To ask for all the lines of a batch at once holds its stores up.
template <class Producer>
void expect_a_batch_asks_for_each_message(topology kind, std::int64_t locked) {
  const auto four = each([&](const auto& run) {
    one_ring it(kind);
    auto tx = Producer::attach(it.ring).value();
    run([&](unsigned times) { require(hot_path::push_four(tx, 256, times), "not pushed"); });
  });
  EXPECT_EQ(four.locked, locked);
  EXPECT_EQ(four.prefetches, 4 * ((256 + 8 + 63) / 64));
}

TEST(HotPath, a_batch_asks_for_lines_as_single_messages_do) {
  expect_a_batch_asks_for_each_message<spsc_producer>(spsc, 0);
  expect_a_batch_asks_for_each_message<mpsc_producer>(mpsc, 1);
}

TEST(HotPath, by_name_a_message_costs_a_few_branches_more_and_no_call) {
  const auto pushed = each(pushes<spsc>(8, opened::by_name));
  expect_straight(pushed);
  EXPECT_LE(pushed.instructions, 27 + 3 + 2);
  EXPECT_EQ(pushed.stores, 5);  // as many as of the static type
  const auto read = each(reads<spsc>(opened::by_name));
  expect_straight(read);
  EXPECT_LE(read.instructions, 37 + 3 + 5);
  const auto claimed = each(claims<spsc>(opened::by_name));
  expect_straight(claimed);
  EXPECT_LE(claimed.instructions, 58 + 13);
  EXPECT_LE(claimed.stores, 10);  // as many as of the static type: the claim is in registers
}

TEST(HotPath, a_long_message_of_many_producers_asks_for_each_line_while_no_other_claims) {
  EXPECT_EQ(each(pushes<mpsc>(256)).prefetches, (256 + 8 + 63) / 64);
}

TEST(HotPath, a_long_message_of_many_producers_that_claim_in_turn_asks_for_no_line) {
  const auto one = each([](const auto& run) {
    one_ring it(mpsc);
    auto tx = mpsc_producer::attach(it.ring).value();
    auto other = mpsc_producer::attach(it.ring).value();
    run([&](unsigned times) {
      for (; times > 0; --times) {
        require(hot_path::push(tx, 256, 1) && hot_path::push(other, 256, 1), "not pushed");
      }
    });
  });
  EXPECT_EQ(one.prefetches, 0);
}

// Of short records, one in a few is the first in its line, and asks for another line.
TEST(HotPath, a_push_of_many_producers_has_one_locked_instruction_no_call_and_asks_for_a_line) {
  const auto one = each(pushes<mpsc>(8));
  EXPECT_EQ(one.locked, 1);
  EXPECT_EQ(one.calls, 0);
  EXPECT_EQ(one.strings, 0);
  EXPECT_EQ(one.prefetches, 1);
  EXPECT_LE(one.instructions, 108);
}

// The canary: what is looked for is seen where it is.
TEST(HotPath, a_call_a_lock_and_a_string_instruction_are_seen) {
  const auto one = each([](const auto& run) {
    run([](unsigned times) {
      std::byte from[64] = {}, to[64];
      for (; times > 0; --times) {
        std::size_t count = sizeof from;
        const void* source = from;
        void* target = to;
        asm volatile("rep movsb" : "+S"(source), "+D"(target), "+c"(count) : : "memory");
        asm volatile(
            "lock addq $0, %0\n\tprefetchw %0\n\tprefetcht0 %0\n\tcall 1f\n1:\tadd $8, %%rsp"
            : "+m"(to)
            :
            : "memory", "cc");
      }
    });
  });
  EXPECT_EQ(one.calls, 1);
  EXPECT_EQ(one.locked, 1);
  EXPECT_EQ(one.prefetches, 1);
  EXPECT_EQ(one.read_prefetches, 1);
  EXPECT_GE(one.strings, 1);
}

}  // namespace
}  // namespace annulus::processes
