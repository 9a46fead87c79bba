// annulus recv: a channel into a byte stream, releasing only what was written out.
#include "cli/commands.hpp"
#include "cli/console.hpp"
#include "cli/file.hpp"
#include "cli/options.hpp"
#include "cli/outbox.hpp"
#include "cli/place.hpp"
#include "cli/progress.hpp"
#include "cli/signals.hpp"
#include "cli/splitter.hpp"
#include "cli/text.hpp"
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include <annulus/bus/open.hpp>

namespace annulus::cli {
namespace {

constexpr std::uint64_t no_limit = std::numeric_limits<std::uint64_t>::max();

struct recv_options {
  named_endpoint from;
  std::string path;
  framing how = framing::bytes;
  std::uint64_t count = no_limit;
  std::uint64_t producers = 0;  // this many must have come before the end counts
  std::optional<std::chrono::nanoseconds> timeout;
  bool survives_death = false;
  bool goes_on_for_ever = false;
  bool shows_progress = false;
};

// Messages of one batch, as pieces for writev.
class gathered {
 public:
  explicit gathered(framing how) : how_(how) {
    pieces_.reserve(2 * most);
    lengths_.reserve(most);
  }

  void add(message one) {
    if (how_ == framing::frames) {
      lengths_.push_back(length_of(one.size()));
      pieces_.push_back({lengths_.back().data(), frame_header_bytes});
    }
    if (!one.empty()) {
      pieces_.push_back({const_cast<std::byte*>(one.data()), one.size()});  // writev only reads
    }
    if (how_ == framing::lines) pieces_.push_back({&line_end_, 1});
    ++count_;
    bytes_ += one.size();
  }
  void clear() {
    pieces_.clear();
    lengths_.clear();
    count_ = bytes_ = 0;
  }

  [[nodiscard]] std::span<iovec> pieces() noexcept { return pieces_; }
  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
  [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }
  [[nodiscard]] bool is_full(std::uint64_t limit_bytes) const noexcept {
    return count_ == most || bytes_ >= limit_bytes;
  }

 private:
  static constexpr std::size_t most = 512;  // two pieces each, and writev takes 1024
  using frame_header = std::array<std::byte, frame_header_bytes>;

  static frame_header length_of(std::size_t bytes) {
    if (bytes > std::numeric_limits<std::uint32_t>::max()) {
      throw command_error{exit_code::failure,
                          fmt::format("a message of {} bytes does not fit into a frame", bytes)};
    }
    frame_header out;
    for (unsigned i = 0; i < frame_header_bytes; ++i) {
      out[i] = static_cast<std::byte>(bytes >> (8 * i));
    }
    return out;
  }

  framing how_;
  std::vector<iovec> pieces_;
  std::vector<frame_header> lengths_;  // never grows beyond its reserve: pieces point into it
  char line_end_ = '\n';
  std::uint64_t count_ = 0;
  std::uint64_t bytes_ = 0;
};

// Why a consumer stopped reading a channel.
enum class ending : std::uint8_t { closed, count_reached, output_closed };

template <class Place>
class receiver {
 public:
  receiver(const recv_options& o, const bus::endpoint& from, file& output)
      : o_(o),
        from_(from),
        output_(output),
        batch_(o.how),
        progress_("received", o.shows_progress, {}) {}

  // Opens the channel, reads it to its end and removes it if it was made in passing.
  void run() {
    for (;;) {
      const auto place = open();
      const auto end =
          place.as_consumer([&](auto role) { return read<typename decltype(role)::type>(place); });
      if (!end) continue;
      if (*end != ending::closed || !place.is_transient()) return;
      if (place.remove_if_over()) return;
      require_progress(place.look());
    }
  }
  [[nodiscard]] bool saw_damage() const noexcept { return damage_ != 0; }

 private:
  using clock = std::chrono::steady_clock;

  Place open() {
    for (;;) {
      throw_if_stopped();
      auto place = Place::open(from_);
      if (place) return std::move(place).value();
      const auto& why = place.error();
      if (why.kind != fault::not_found) throw command_error{code_of(why.kind), why.message};
      wait_a_bit(exit_code::not_found,
                 fmt::format("there is no such {}, waiting for a producer to make it{}",
                             Place::kind, patience::at(bus::path_of(from_))));
    }
  }

  // Nothing: the channel ended just now, try the next of its name.
  template <class Consumer>
  std::optional<ending> read(const Place& place) {
    const auto before = place.look();
    auto attached = Consumer::attach(place.channel(), from_.wait);
    if (!attached) {
      const auto& why = attached.error();
      // The last consumer of a transient channel holds its lock for a moment more.
      const bool is_ending = before.consumer_closed && place.is_transient();
      if (why.kind != fault::in_use || !is_ending) {
        throw command_error{code_of(why.kind), fmt::format("{}: {}", name(), why.message)};
      }
      wait_a_bit(exit_code::refused, "another consumer is ending it");
      return std::nullopt;
    }
    auto role = std::move(attached).value();
    if (!place.is_still_named()) return std::nullopt;
    if (!std::exchange(has_begun_, true)) note_the_past(before);
    output_.begin();
    const auto end = read_all(place, role);
    role.close();
    return end;
  }

  // A stream that an earlier consumer has read to its end is over: the next one is ours. So is one
  // that a pipe, which is no store, has lost unread. An empty stream cannot be lost: it is ours.
  void note_the_past(const typename Place::report& before) {
    const bool is_lost = !Place::is_store && before.consumer.state == presence::never_came &&
                         message_count(before) != 0;
    const bool was_read =
        before.depth == 0 && (before.consumer.state == presence::closed || is_lost);
    past_ = was_read && !has_producer(before) ? arrivals(before) : 0;
  }

  // A channel that has ended and cannot be removed holds what somebody pushed just then, and the
  // next round reads it. When it reads nothing, and nobody came, the words in the file lie.
  void require_progress(const typename Place::report& now) {
    const std::array state{arrivals(now), count_, now.depth};
    if (state != last_state_ || has_producer(now)) rounds_ = 0;
    last_state_ = state;
    if (++rounds_ < 3) return;
    throw command_error{exit_code::damaged,
                        fmt::format("{}: {} bytes stand in it that cannot be read: its positions "
                                    "make no sense; remove it and make it anew",
                                    name(), now.depth)};
  }

  template <class Consumer>
  ending read_all(const Place& place, Consumer& role) {
    const auto limit = std::min<std::uint64_t>(place.room() / 4, 1 << 20);
    while (count_ < o_.count) {
      throw_if_stopped();
      view seen = role.read(within(wait_slice));
      while (seen && !batch_.is_full(limit)) {
        batch_.add(seen.bytes());
        if (batch_.is_full(limit) || count_ + batch_.count() == o_.count) break;
        seen = role.try_read();
      }
      if (batch_.count() > 0 && !write(role)) return ending::output_closed;
      if (seen || seen.status() == status::empty) continue;
      if (is_end(place, role, seen.status())) return ending::closed;
    }
    return ending::count_reached;
  }

  // Only what was written out is released.
  template <class Consumer>
  bool write(Consumer& role) {
    if (!output_.write_all(batch_.pieces())) return false;
    count_ += batch_.count();
    bytes_ += batch_.bytes();
    batch_.clear();
    damaged_bytes_ = 0;
    role.release();
    is_waiting_ = false;
    patience_.over();
    progress_.at(count_, bytes_);
    return true;
  }

  // Whether to stop for this refusal. Throws where that is a failure.
  template <class Consumer>
  bool is_end(const Place& place, Consumer& role, status why) {
    switch (why) {
      case status::corrupt: report_damage(place, role.last_damage()); return false;
      case status::closed: return is_closed(place, role);
      case status::peer_gone: return is_gone(place, role);
      case status::removed: throw_removed(place);
      case status::timed_out: note_absence(place); [[fallthrough]];
      case status::stalled: report_stall(role.stalled_by()); return false;
      default:
        throw command_error{exit_code::failure, fmt::format("{}: {}", name(), to_string(why))};
    }
  }

  // Whether what the last read said holds for all who ever came: they had come and gone when we
  // looked before it, and nobody came since. Else one may have come, and pushed, after that read.
  bool was_said_of_all(const typename Place::report& now) {
    std::optional<std::uint64_t> gone;
    if (!has_producer(now)) gone = arrivals(now);
    return std::exchange(gone_, gone) == gone && gone;
  }

  template <class Consumer>
  bool is_closed(const Place& place, const Consumer& role) {
    const auto seen = place.look();
    if (!was_said_of_all(seen)) {
      if (has_producer(seen)) wait_for_next(place, role, "waiting for the next producer");
      return false;
    }
    const auto came = arrivals(seen);
    if (!o_.goes_on_for_ever && came != past_ && came >= o_.producers) return true;
    wait_for_next(place, role, "all was read, waiting for the next producer");
    return false;
  }

  template <class Consumer>
  bool is_gone(const Place& place, const Consumer& role) {
    const auto seen = place.look();
    if (!was_said_of_all(seen)) return false;
    if (!o_.survives_death && arrivals(seen) != past_) {
      std::string who;
      for (const auto& one : seen.producers) {
        if (one.state != presence::died) continue;
        who += fmt::format("{}{}", who.empty() ? "" : ", ", one.pid);
      }
      throw command_error{
          exit_code::peer_gone,
          fmt::format(
              "{}: its producer (process {}) died without closing, or gave up before the end of "
              "its "
              "input; all "
              "that it had committed was received, {} messages, {} bytes; the {} stays: {}`annulus "
              "recv --keep` waits for the next one",
              name(), who, count_, bytes_, Place::kind,
              Place::is_store ? "`annulus send --resume` goes on, " : "")};
    }
    wait_for_next(place, role, "its producer died, waiting for the next one");
    return false;
  }

  // All was read, and who comes next cannot come to a channel without its name.
  template <class Consumer>
  void wait_for_next(const Place& place, const Consumer& role, const std::string& what) {
    if (role.has_lost_name()) throw_removed(place);
    wait_a_bit(exit_code::timed_out, what);
  }

  [[noreturn]] void throw_removed(const Place& place) const {
    throw command_error{
        exit_code::removed,
        fmt::format("{}: {} was removed or renamed while we read it: no other producer finds it; "
                    "all that stood in it was received, {} messages, {} bytes; start again for the "
                    "channel that has the name now",
                    name(), place.channel().path(), count_, bytes_)};
  }

  // Says, once, that no producer has come to a channel that somebody made.
  void note_absence(const Place& place) {
    if (count_ != 0 || patience_.has_said() || arrivals(place.look()) != 0) return;
    patience_.waits(
        fmt::format("{}: waiting for a producer{}", name(), patience::at(place.channel().path())));
  }

  // Throws when it comes to nothing: the same place again, or more than a ring can hold.
  void report_damage(const Place& place, std::optional<damage> what) {
    const auto seen = what.value_or(damage{});
    damaged_bytes_ += seen.bytes;
    if (Place::is_store && (!what || damaged_bytes_ > place.room() ||
                            (damage_ != 0 && seen.pos == last_damage_.pos))) {
      throw command_error{exit_code::damaged,
                          fmt::format("{}: its positions make no sense; {} messages were received; "
                                      "remove it and make it anew",
                                      name(), count_)};
    }
    ++damage_;
    last_damage_ = seen;
    check_timeout(exit_code::timed_out, "no message, only damage");
    remark("{}: damaged records were skipped: {} bytes at position {}", name(), seen.bytes,
           seen.pos);
  }

  void report_stall(std::optional<stall> by) {
    check_timeout(exit_code::timed_out, "no message");
    if (!by || (stalled_ && stalled_->pos == by->pos)) return;
    const auto for_now = clock::now() - by->since;
    if (for_now < std::chrono::seconds(1)) return;
    stalled_ = by;
    remark("{}: producer {} (process {}) has held us up for {}: it is alive, with a {}", name(),
           by->producer, by->pid, show_span(for_now),
           Place::is_store ? "claim that it has not committed" : "message that is not whole");
  }

  void wait_a_bit(exit_code when_over, const std::string& what) {
    throw_if_stopped();
    check_timeout(when_over, what);
    patience_.waits(fmt::format("{}: {}", name(), what));
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }

  void check_timeout(exit_code when_over, const std::string& what) {
    const auto now = clock::now();
    if (!is_waiting_) since_ = now;
    is_waiting_ = true;
    if (!o_.timeout || now - since_ < *o_.timeout) return;
    throw command_error{when_over,
                        fmt::format("{}: {}, and {} have passed; {} messages were received", name(),
                                    what, show_span(*o_.timeout), count_)};
  }

  [[nodiscard]] std::string name() const { return to_string(from_); }

  const recv_options& o_;
  const bus::endpoint& from_;
  file& output_;
  gathered batch_;
  progress progress_;
  patience patience_;
  std::uint64_t count_ = 0;
  std::uint64_t bytes_ = 0;
  std::uint64_t damage_ = 0;
  std::uint64_t damaged_bytes_ = 0;  // since the last message
  damage last_damage_;
  std::array<std::uint64_t, 3> last_state_{};  // of a channel that ended and could not be removed
  int rounds_ = 0;
  std::uint64_t past_ = 0;  // arrivals of producers whose streams were read before we came
  std::optional<std::uint64_t> gone_;  // arrivals, at the last look; nothing: not all had gone
  std::optional<stall> stalled_;
  bool has_begun_ = false;
  bool is_waiting_ = false;
  clock::time_point since_{};
};

// True: damage was seen, and skipped.
template <class Place>
bool receive(const recv_options& o, const bus::endpoint& from, file& output) {
  receiver<Place> one(o, from, output);
  one.run();
  return one.saw_damage();
}

constexpr const char* footer =
    "Waits for the channel to be made, reads until every producer has closed and all was read,\n"
    "and then removes it if nobody created it. Messages are written one after the other as they\n"
    "are; --lines ends each with a newline, --frames puts its length (4 bytes, little endian)\n"
    "before it. --file is emptied when the channel can be read, not before. A stream that its "
    "sender\n"
    "did not finish, as it was killed, stopped or failed, ends with 5: all that had come is "
    "written\n"
    "out, and it is not whole. What was not written out stays for the next recv: in a ring for as "
    "long as that\n"
    "takes, in a pipe as long as somebody has it open, as `annulus send` has.\n"
    "\n"
    "Examples:\n"
    "  annulus recv shm:x | sha256sum\n"
    "  annulus recv pipe:x | sha256sum\n"
    "  annulus recv shm:log --lines --forever\n"
    "  annulus recv shm:x --count 1 --timeout 5s || echo nothing came";

}  // namespace

void add_recv(CLI::App& app, exit_code& ends_with) {
  auto o = std::make_shared<recv_options>();
  auto* command = app.add_subcommand("recv", "Receive to standard output, or into a file");
  command->footer(footer);
  add_endpoint(*command, o->from)->required();
  command->add_option("--file", o->path, "write into this file")->type_name("PATH");
  auto* lines = command->add_flag_function(
      "--lines", [o](std::int64_t) { o->how = framing::lines; }, "end each message with a newline");
  command
      ->add_flag_function(
          "--frames", [o](std::int64_t) { o->how = framing::frames; },
          "put each message's length before it")
      ->excludes(lines);
  add_number(*command, "--count", o->count, 1, no_limit, "end after so many messages");
  auto* producers = add_number(*command, "--producers", o->producers, 1, no_limit,
                               "do not end before so many producers have come (and closed)");
  add_span(*command, "--timeout", o->timeout, "when nothing comes for so long, end with 7");
  add_waiting(*command, o->from);
  command->add_flag("--keep", o->survives_death,
                    "when a producer dies, wait for the next one, until one closes");
  command
      ->add_flag("--forever", o->goes_on_for_ever,
                 "when all have closed, too, wait for the next one")
      ->excludes(producers);
  command->add_flag("--progress", o->shows_progress, "tell on stderr how far it is");
  command->callback([o, &ends_with] {
    o->survives_death |= o->goes_on_for_ever;
    auto output = file::for_writing(o->path);
    const auto from = resolve(for_streams(o->from));
    const bool saw_damage = from.scheme == bus::scheme::shm ? receive<ring_place>(*o, from, output)
                                                            : receive<pipe_place>(*o, from, output);
    if (saw_damage) ends_with = exit_code::damaged;
  });
}

}  // namespace annulus::cli
