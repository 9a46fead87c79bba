// Whatever bytes a segment consists of: it is refused, or it is used and every call ends.
//
// Over plain memory between guard pages, and over a memfd. A view and a claim lie in bounds, since
// every byte of them is touched. All that is there is read after a bounded number of reads.
#include "guarded.hpp"
#include "image.hpp"
#include "target.hpp"
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <optional>
#include <type_traits>

#include <annulus/ring/inspect.hpp>
#include <annulus/ring/ring.hpp>

namespace annulus::fuzz {
namespace {

// Reads each byte, as an application would.
void touch(message seen) {
  unsigned sum = 0;
  for (const auto one : seen) sum += static_cast<unsigned>(one);
  [[maybe_unused]] volatile unsigned kept = sum;
}

template <class Producer, class Consumer>
class user {
 public:
  explicit user(const segment& of) : of_(of) {}

  void run(std::span<const std::byte> steps) {
    input in(steps);
    while (!in.is_over()) step(in);
    claim_.reset();
    read_all();
  }

 private:
  void step(input& in) {
    const auto code = in.take<std::uint8_t>();
    const bounded limit("a call on a segment does not end");
    switch (code % 16) {
      case 0: attach(producer_); break;
      case 1: attach(consumer_); break;
      case 2: close(producer_); break;
      case 3: close(consumer_); break;
      case 4: look(); break;
      case 5:
      case 6: push(code / 16 * 50u); break;
      case 7: push_batch(code / 16u); break;
      case 8: claim(code / 16 * 50u); break;
      case 9: settle(code / 16u); break;
      case 10:
      case 11: read([&] { return consumer_->try_read(); }); break;
      case 12: read([&] { return consumer_->examine(); }); break;
      case 13: read([&] { return consumer_->read(deadline()); }); break;
      case 14:
        if (consumer_) consumer_->release();
        break;
      case 15: drain(code / 16u); break;
    }
  }

  template <class Role>
  void attach(std::optional<Role>& role) {
    if constexpr (std::is_same_v<Role, Producer>) claim_.reset();
    role.reset();
    auto made = Role::attach(of_);
    if (made)
      role.emplace(std::move(*made));
    else
      demand(!made.error().message.empty(), "a refusal says nothing");
  }
  template <class Role>
  void close(std::optional<Role>& role) {
    if (role) role->close();
  }
  void look() {
    const auto seen = inspect(of_);
    demand(static_cast<bool>(seen), "what was opened cannot be looked at");
  }
  void push(std::size_t count) {
    if (!producer_) return;
    const std::array<std::byte, 800> bytes{};
    (void)producer_->try_push(message(bytes).first(count));
  }
  void push_batch(std::size_t count) {
    if (!producer_) return;
    const std::array<std::byte, 16> bytes{};
    std::array<message, 16> many;
    many.fill(bytes);
    (void)producer_->try_push_batch(messages(many).first(count));
  }
  void claim(std::size_t count) {
    if (!producer_ || claim_) return;
    auto made = producer_->try_claim(count);
    if (!made) return;
    demand(made.bytes().size() == count, "a claim is not as large as was asked");
    std::fill(made.bytes().begin(), made.bytes().end(), std::byte{0x5a});
    claim_.emplace(std::move(made));
  }
  void settle(std::size_t how) {
    if (!claim_) return;
    if (how != 0) claim_->commit(claim_->bytes().size() / how);
    claim_.reset();
  }

  template <class Read>
  void read(Read&& how) {
    if (!consumer_) return;
    const view seen = how();
    if (seen) accept(seen.bytes());
    was_damaged_ = seen.status() == status::corrupt;
  }
  void accept(message seen) {
    demand(seen.size() <= of_.geometry().max_message, "a message is larger than any may be");
    // Planted: a message behind damage is taken for much longer than it is.
    if (has_canary() && was_damaged_ && seen.size() >= 64) {
      planted();
      touch({seen.data(), seen.size() + 4 * largest_capacity});
    }
    touch(seen);
  }
  void drain(std::size_t most) {
    if (!consumer_) return;
    const auto done = consumer_->drain([&](message m) { accept(m); }, most);
    demand(done.count <= most, "more was drained than was asked");
  }

  // Each record takes a word at least, so a whole ring is read after as many reads.
  void read_all() {
    if (!consumer_) return;
    const bounded limit("reading all does not end");
    std::uint64_t reads = 0;
    for (bool goes_on = true; goes_on;) {
      const view seen = consumer_->examine();
      goes_on = seen || seen.status() == status::corrupt;
      if (seen) accept(seen.bytes());
      was_damaged_ = seen.status() == status::corrupt;
      consumer_->release();
      demand(++reads <= of_.geometry().capacity / 4, "there is more to read than a ring holds");
    }
  }

  const segment& of_;
  std::optional<Producer> producer_;
  std::optional<Consumer> consumer_;
  std::optional<typename Producer::claim_type> claim_;
  bool was_damaged_ = false;  // what stood before the message that comes
};

void use(const segment& of, std::span<const std::byte> steps) {
  if (of.geometry().topology == topology::spsc) {
    user<spsc_producer, spsc_consumer>(of).run(steps);
    demand(!mpsc_producer::attach(of), "an mpsc role takes a ring of one producer");
  } else {
    user<mpsc_producer, mpsc_consumer>(of).run(steps);
    demand(!spsc_producer::attach(of), "an spsc role takes a ring of many producers");
  }
}

void over_memory(const image& of) {
  // The segment ends where the guard page begins.
  testing::guarded_memory memory(of.bytes.size());
  const auto bytes = memory.bytes().first(of.bytes.size());
  std::memcpy(bytes.data(), of.bytes.data(), of.bytes.size());
  if (auto found = segment::over(bytes)) use(*found, of.steps);
}

void over_file(const image& of) {
  const int file = memfd_create("fuzz", MFD_CLOEXEC);
  demand(file >= 0 && pwrite(file, of.bytes.data(), of.bytes.size(), 0) ==
                          static_cast<ssize_t>(of.bytes.size()),
         "no memfd");
  if (auto found = segment::from_file(file)) use(*found, of.steps);
  close(file);
}

}  // namespace
}  // namespace annulus::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t count) {
  annulus::fuzz::input in(data, count);
  const auto made = annulus::fuzz::image_from(in);
  if (!made) return -1;
  made->is_file ? annulus::fuzz::over_file(*made) : annulus::fuzz::over_memory(*made);
  return 0;
}
