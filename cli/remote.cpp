#include "cli/remote.hpp"

#include "cli/console.hpp"
#include "cli/exit_code.hpp"
#include "cli/gathered.hpp"
#include "cli/patience.hpp"
#include "cli/progress.hpp"
#include "cli/signals.hpp"
#include "cli/splitter.hpp"
#include "cli/text.hpp"
#include <fmt/format.h>

#include <string>

#include <annulus/channel/file.hpp>
#include <annulus/nats/leg.hpp>

namespace annulus::cli {
namespace {

constexpr std::uint64_t bytes_at_once = 1 << 20;  // written out before they are acknowledged

// Waits for a server, says so once while it is away, and gives up when it is time to.
class server_wait {
 public:
  explicit server_wait(const transfer_options& o) : timeout_(o.timeout) {}

  void goes_on() noexcept { patience_.over(); }
  template <class End>
  void waits(const End& end, const std::string& what) {
    throw_if_stopped();
    if (end.is_away() != was_away_) {
      was_away_ = end.is_away();
      remark("{}", was_away_ ? end.trouble() + "; it is tried again"
                             : end.name() + ": the server is there again");
    }
    const bool is_late = timeout_ && patience_.exceeds(timeout_);
    if (!is_late && !end.has_given_up()) return;
    const auto why = was_away_ ? end.trouble() : fmt::format("{}: {}", end.name(), what);
    throw command_error{exit_code::timed_out,
                        is_late ? fmt::format("{}, and {} have passed", why, show_span(*timeout_))
                                : why + "; it is waited for no longer"};
  }

 private:
  time_limit timeout_;
  patience patience_;
  bool was_away_ = false;
};

[[noreturn]] void throw_removed(const std::string& name) {
  end_with(exit_code::removed, "{}: the stream was removed", name);
}

class remote_sender {
 public:
  remote_sender(const nats::address& to, const transfer_options& o, file& input)
      : to_(must(nats::target::open(to))),
        wait_(o),
        seen_("sent", o.shows_progress, input.rest()) {}

  [[nodiscard]] std::size_t max_message() const noexcept { return to_.max_message(); }
  void push(messages some) {
    for (const auto& one : some) static_cast<void>(to_.add(one, {run_, ++number_}));
    for (;;) {
      const auto got = to_.push(within(wait_slice), false);
      count_ += got.messages;
      bytes_ += got.bytes;
      seen_.at(count_, bytes_);
      if (got.messages > 0) wait_.goes_on();
      switch (got.why) {
        case status::ok: throw_if_stopped(); return;
        case status::full:
        case status::timed_out: wait_.waits(to_, "the server does not take it"); break;
        case status::removed: throw_removed(to_.name());
        default:
          end_with(exit_code::failure, "{} refuses a message: {}; {} were sent", to_.name(),
                   to_.trouble(), count_);
      }
    }
  }

 private:
  nats::target to_;
  server_wait wait_;
  progress seen_;
  std::uint64_t run_ = files::random_word(), number_ = 0;
  std::uint64_t count_ = 0, bytes_ = 0;
};

}  // namespace

void send_to(const nats::address& to, const transfer_options& o, file& input) {
  remote_sender sender(to, o, input);
  const taker there{to_string(to), sender.max_message(),
                    "raise max_payload at the server, or max_message= in the name"};
  splitter cut(input, o.how, there, there.chunk(o.chunk));
  for (auto some = cut.next(); !some.empty(); some = cut.next()) sender.push(some);
}

void receive_from(const nats::address& at, const transfer_options& o, file& output) {
  auto from = must(nats::source::open(at));
  output.begin();
  server_wait wait(o);
  progress seen("received", o.shows_progress, {});
  gathered batch(o.how);
  for (std::uint64_t count = 0, bytes = 0; count < o.count;) {
    throw_if_stopped();
    const view one = batch.gather(from, bytes_at_once, o.count - count);
    if (batch.count() > 0) {
      if (!output.write_all(batch.pieces())) return;
      count += batch.count();
      bytes += batch.bytes();
      batch.clear();
      from.release();
      wait.goes_on();
      seen.at(count, bytes);
    }
    if (one || one.status() == status::empty) continue;
    if (one.status() == status::removed) throw_removed(from.name());
    if (one.status() == status::never_fits) {
      end_with(exit_code::failure,
               "{}: a message has more than the {} bytes that the name allows; {} were received",
               from.name(), from.max_message(), count);
    }
    wait.waits(from, "nothing came");
  }
  from.close();
}

}  // namespace annulus::cli
