// Whatever stands in a pipe's FIFO and in its roles file: every call ends, and in bounds.
//
// Real files in a folder of its own. Honest roles push and read; between their calls the input
// writes raw bytes and good frames of any content into the FIFO, and any bytes into the roles file,
// its geometry with a good checksum. Without such an act, what was pushed is what is read.
//
//     u8 capacity and producers   u16 the largest message   then steps: u8 what, ...
#include "input.hpp"
#include "scratch.hpp"
#include "target.hpp"

#include <array>
#include <deque>
#include <optional>
#include <vector>

#include <annulus/pipe/inspect.hpp>
#include <annulus/pipe/pipe.hpp>

namespace annulus::fuzz {
namespace {

const std::string& path() {
  static const auto& made = *new const std::string(scratch_folder() + "/pipe");
  return made;
}
std::string roles_path() { return path() + ".roles"; }

void touch(message seen) {
  unsigned sum = 0;
  for (const auto one : seen) sum += static_cast<unsigned>(one);
  [[maybe_unused]] volatile unsigned kept = sum;
}

class user {
 public:
  explicit user(named_pipe of) : of_(std::move(of)) {}

  void step(input& in) {
    const auto what = in.take<std::uint8_t>();
    const bounded limit("a call on a pipe does not end");
    auto& tx = producers_[what >> 4 & 1];
    switch (what % 16) {
      case 0: return attach(tx);
      case 1:
        again_.insert(again_.begin(), unreleased_.begin(), unreleased_.end());
        unreleased_.clear();
        return attach(consumer_);
      case 2:
        if (tx) tx->close();
        return;
      case 3: return write_fifo(in.bytes(in.take<std::uint16_t>() % 600));
      case 4: return forge(in);
      case 5: return spoil(in);
      case 6: return replace_geometry(in);
      case 7: return look();
      case 8:
      case 9: return push(tx, what / 16 * 300u);
      case 10: return claim(tx, what / 16 * 300u);
      case 11:
      case 12: return read([&] { return consumer_->try_read(); });
      case 13: return read([&] { return consumer_->read(deadline()); });
      case 14: return release();
      case 15: return drain(what / 16u);
    }
  }

  void read_all() {
    if (!consumer_) return;
    // Each look brings a message, or skips damage of eight bytes at least.
    for (unsigned reads = 0; reads < 5000; ++reads) {
      const bounded limit("reading all does not end");
      const view seen = consumer_->try_read();
      if (seen)
        accept(seen.bytes());
      else if (seen.status() != status::corrupt)
        return release();
      if (reads % 16 == 15) release();
    }
    broken("there is more to read than was written");
  }

 private:
  template <class Role>
  void attach(std::optional<Role>& role) {
    role.reset();
    auto made = Role::attach(of_);
    if (made)
      role.emplace(std::move(*made));
    else
      demand(!made.error().message.empty(), "a refusal says nothing");
  }
  void look() const {
    auto seen = inspect(of_);
    demand(seen || !seen.error().message.empty(), "a refusal says nothing");
  }

  // The hostile acts.
  void write_fifo(std::span<const std::byte> bytes) {
    is_honest_ = false;
    (void)!::write(of_.file(), bytes.data(), std::min<std::size_t>(bytes.size(), PIPE_BUF));
  }
  void forge(input& in) {
    std::array<std::byte, PIPE_BUF> frame;
    frame.fill(std::byte{'F'});
    pipes::frame_header header;
    header.payload_bytes = in.take<std::uint16_t>() % (pipes::most_payload + 1);
    header.bytes = static_cast<std::uint16_t>(pipes::frame_bytes(header.payload_bytes));
    const auto bits = in.take<std::uint8_t>();
    header.producer = bits & 1;
    header.is_last = bits >> 1 & 1;
    header.incarnation = bits >> 2 & 3;
    header.sequence = in.take<std::uint8_t>();
    header.offset = (bits & 0x80) != 0 ? in.take<std::uint64_t>() : 0;
    if ((bits & 0x40) != 0) header.offset = pipes::most_payload * in.take<std::uint8_t>();
    pipes::write_header(frame.data(), header, of_.geometry().key);
    write_fifo(std::span(frame).first(header.bytes));
  }
  void spoil(input& in) {
    is_honest_ = false;
    const auto offset = pipes::page_bytes + in.take<std::uint16_t>() % (3 * pipes::page_bytes);
    write_at(roles_path(), static_cast<off_t>(offset), in.bytes(in.take<std::uint8_t>() % 33));
  }
  void replace_geometry(input& in) {
    is_honest_ = false;
    auto shape = of_.geometry();
    const auto some = in.bytes(in.take<std::uint8_t>() % 16);
    const auto place = in.take<std::uint8_t>() % (sizeof shape - some.size());
    std::memcpy(reinterpret_cast<std::byte*>(&shape) + place, some.data(), some.size());
    pipes::sum all(0);
    std::array<std::uint64_t, offsetof(pipes::geometry, checksum) / 8> words;
    std::memcpy(words.data(), &shape, sizeof words);
    for (const auto word : words) all.add(word);
    shape.checksum = all.value();
    write_at(roles_path(), 0, std::as_bytes(std::span(&shape, 1)));
    auto again = named_pipe::open(path());
    if (!again) return demand(!again.error().message.empty(), "a refusal says nothing");
    for (auto& one : producers_) one.reset();
    consumer_.reset();
    of_ = std::move(*again);
  }

  // The honest ones.
  void push(std::optional<pipe_producer>& tx, std::size_t size) {
    if (!tx) return;
    const auto bytes = next_message(size);
    if (tx->try_push(bytes) == status::ok) sent_.push_back(bytes);
  }
  void claim(std::optional<pipe_producer>& tx, std::size_t size) {
    if (!tx) return;
    const auto bytes = next_message(size);
    auto made = tx->try_claim(size);
    if (!made) return;
    demand(made.bytes().size() == size, "a claim is not as large as was asked");
    std::copy(bytes.begin(), bytes.end(), made.bytes().begin());
    made.commit();
    if (tx->owes()) is_honest_ = false;  // it goes out later, or never
    sent_.push_back(bytes);
  }
  std::vector<std::byte> next_message(std::size_t size) {
    return std::vector<std::byte>(size, static_cast<std::byte>(++count_));
  }

  template <class Read>
  void read(Read&& how) {
    if (!consumer_) return;
    const view seen = how();
    if (seen) accept(seen.bytes());
  }
  void accept(message seen) {
    demand(seen.size() <= of_.geometry().max_message, "a message is larger than any may be");
    if (has_canary() && seen.size() >= 32 && seen[0] == std::byte{'F'} && !is_honest_) {
      planted();  // a forged one is taken for much longer than it is
      touch({seen.data(), seen.size() + (1 << 26)});
    }
    touch(seen);
    if (!is_honest_) return;
    auto& from = again_.empty() ? sent_ : again_;
    demand(!from.empty(), "a message comes that was never pushed, or comes twice");
    demand(std::equal(from.front().begin(), from.front().end(), seen.begin(), seen.end()),
           "a message that was pushed is lost, or another came");
    unreleased_.push_back(std::move(from.front()));
    from.pop_front();
  }
  void release() {
    if (!consumer_) return;
    consumer_->release();
    unreleased_.clear();
  }
  void drain(std::size_t most) {
    if (!consumer_) return;
    const auto done = consumer_->drain([&](message m) { accept(m); }, most);
    demand(done.count <= most, "more was drained than was asked");
    unreleased_.clear();
  }

  using sequence = std::deque<std::vector<std::byte>>;

  named_pipe of_;
  std::array<std::optional<pipe_producer>, 2> producers_;
  std::optional<pipe_consumer> consumer_;
  sequence sent_;        // and not yet read
  sequence unreleased_;  // read, and not released
  sequence again_;       // what a new consumer reads first
  unsigned count_ = 0;
  bool is_honest_ = true;  // nothing happened that the deques do not know
};

void run(input& in) {
  unlink(path().c_str());
  unlink(roles_path().c_str());
  pipe_options shape;
  const auto bits = in.take<std::uint8_t>();
  shape.capacity = min_capacity << (bits & 3);
  shape.producers = 1 + (bits >> 2 & 3);
  shape.max_message = std::min<std::uint64_t>(in.take<std::uint16_t>(), shape.capacity / 2);
  auto made = named_pipe::create(path(), shape);
  demand(static_cast<bool>(made), "no pipe can be made");
  user all(std::move(*made));
  for (unsigned steps = 0; !in.is_over() && steps < 100; ++steps) all.step(in);
  all.read_all();
}

}  // namespace
}  // namespace annulus::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t count) {
  annulus::fuzz::input in(data, count);
  annulus::fuzz::run(in);
  return 0;
}
