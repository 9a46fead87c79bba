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

}  // namespace

void send_to(const nats::address& at, const transfer_options& o, file& input) {
  auto to = must(nats::target::open(at));
  const taker there{to_string(at), to.max_message(),
                    "raise max_payload at the server, or max_message= in the name"};
  splitter cut(input, o.how, there, there.chunk(o.chunk));
  server_wait wait(o);
  progress seen("sent", o.shows_progress, input.rest());
  const auto run = files::random_word();
  std::uint64_t number = 0, count = 0, bytes = 0;
  for (auto some = cut.next(); !some.empty(); some = cut.next()) {
    for (const auto& one : some) static_cast<void>(to.add(one, {run, ++number}));
    for (auto why = status::full; why != status::ok;) {
      const auto got = to.push(within(wait_slice), false);
      count += got.messages;
      bytes += got.bytes;
      seen.at(count, bytes);
      if (got.messages > 0) wait.goes_on();
      why = got.why;
      if (why == status::full || why == status::timed_out) {
        wait.waits(to, "the server does not take it");
      } else if (why == status::removed) {
        throw_removed(to.name());
      } else if (why != status::ok) {
        end_with(exit_code::failure, "{} refuses a message: {}; {} were sent", to.name(),
                 to.trouble(), count);
      }
    }
    throw_if_stopped();
  }
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
