// annulus send: a byte stream into a channel, in chunks, by lines, or by frames.
#include "cli/commands.hpp"
#include "cli/console.hpp"
#include "cli/file.hpp"
#include "cli/options.hpp"
#include "cli/outbox.hpp"
#include "cli/progress.hpp"
#include "cli/remote.hpp"
#include "cli/resume.hpp"
#include "cli/signals.hpp"
#include "cli/splitter.hpp"
#include "cli/text.hpp"
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <chrono>
#include <memory>
#include <thread>
#include <vector>

#include <annulus/bus/bus.hpp>

namespace annulus::cli {
namespace {

struct send_options : outbox_options {
  named_endpoint to;
  std::optional<topology> asked;
  bool resumes = false;
};

// With room for two chunks, if the capacity is not asked for.
bus::making made_in_passing(const send_options& o) {
  bus::making out{.topology = o.asked, .transient = true};
  if (o.chunk > out.capacity / 2) out.capacity = std::bit_ceil(2 * std::min(o.chunk, max_capacity));
  return out;
}

bus::channel open_channel(const send_options& o, const bus::endpoint& at) {
  auto to = must(bus::channel::open_or_create(at, made_in_passing(o)));
  const auto asked = o.asked.value_or(to.topology());
  if (to.topology() == asked) return to;
  end_with(exit_code::failure, "{} is {}, not {}; leave --topology out, or make it anew", to.name(),
           to_string(to.topology()), to_string(asked));
}

taker taker_of(const bus::channel& to) {
  return {to.name(), to.max_message(),
          fmt::format("create the {} with a larger --max-message", to.kind())};
}

// Reads straight into the ring.
void send_in_place(outbox& box, file& input, std::uint64_t chunk, progress& seen) {
  for (;;) {
    auto claim = box.claim(chunk);
    const auto got = input.read_full(claim.bytes());
    if (got == 0) return;
    box.commit(claim, got);
    if (got < chunk) return;
    throw_if_stopped();
    seen.at(box.message_count(), box.byte_count());
  }
}

// In place where nobody is held up by it: a producer of many must not sit on a claim while it waits
// for its input. A pipe's claim is no part of the pipe, and saves nothing.
void send_all(const send_options& o, const bus::channel& to, outbox& box, file& input) {
  const auto there = taker_of(to);
  const auto chunk = there.chunk(o.chunk);
  progress seen("sent", o.shows_progress, input.rest());
  if (o.how == framing::bytes && to.is_ring() && o.full != on_full::drop &&
      (to.topology() == topology::spsc || input.rest())) {
    return send_in_place(box, input, chunk, seen);
  }
  splitter cut(input, o.how, there, chunk);
  for (auto some = cut.next(); !some.empty(); some = cut.next()) {
    box.push(some);
    throw_if_stopped();
    seen.at(box.message_count(), box.byte_count());
  }
}

// Only a stream that was sent to its end is closed. One that a signal, its input or its consumer
// broke off keeps its role until this process ends: it then counts as dead, as if it had been
// killed, and recv can tell the difference.
void leave_unfinished(std::unique_ptr<bus_producer> role) {
  static auto& left = *new std::vector<std::unique_ptr<bus_producer>>();  // never destroyed
  left.push_back(std::move(role));
}

void send_as(const send_options& o, const bus::channel& to, bus_producer& role, file& input) {
  outbox box(to, role, o);
  box.wait_until_open();
  if (o.resumes && skip_sent(to, input, taker_of(to).chunk(o.chunk))) return;
  try {
    send_all(o, to, box, input);
  } catch (const command_error& e) {
    // What came before an input that fails is not lost to it.
    if (e.code != exit_code::timed_out && e.code != exit_code::peer_gone &&
        e.code != exit_code::removed) {
      box.wait_until_read();
    }
    throw;
  }
  box.check_that_it_is_found();
  box.wait_until_read();
  if (box.dropped() > 0) {
    remark("{} was full: {} messages were dropped, {} sent", to.name(), box.dropped(),
           box.message_count());
  }
}

void send_through(const send_options& o, const bus::channel& to, bus::resolved& led, file& input) {
  static_cast<void>(taker_of(to).chunk(o.chunk));
  auto attached = bus_producer::attach(to, led.where.wait);
  if (bus::went_away(attached)) throw start_over{};
  if (!attached) end_with(attached.error(), to.name());
  if (!to.is_still_named()) throw start_over{};
  led.held = {};
  auto role = std::make_unique<bus_producer>(std::move(attached).value());
  try {
    send_as(o, to, *role, input);
  } catch (const start_over&) {
    throw;
  } catch (...) {
    leave_unfinished(std::move(role));
    throw;
  }
}

void check(const send_options& o) {
  if (o.resumes && (o.how != framing::bytes || o.full == on_full::drop)) {
    end_with(exit_code::usage, "--resume goes by whole chunks: not with --lines, --frames or drop");
  }
  if (o.resumes && o.asked == topology::mpsc) {
    end_with(exit_code::usage, "--resume goes by what one producer has sent, --topology spsc");
  }
  if (o.chunk != 0 && o.how != framing::bytes) {
    end_with(exit_code::usage, "--chunk has no meaning with --lines or --frames");
  }
}

void require_a_store(const send_options& o, const bus::endpoint& at) {
  if (!o.resumes || at.transport != bus::transport::pipe) return;
  end_with(
      exit_code::usage,
      "--resume goes by what stands in a ring, and {} keeps nothing; take shm:", to_string(at));
}

void send(const send_options& o) {
  check(o);
  auto input = file::for_reading(o.path, o.timeout);
  if (const auto stream = o.to.stream()) {
    if (o.asked || o.resumes || o.full != on_full::wait || o.keeps_on) {
      end_with(exit_code::usage,
               "--topology, --on-full, --keep and --resume have no meaning for a stream on another "
               "machine");
    }
    return send_to(*stream, o, input);
  }
  const auto named = for_streams(o.to);
  refuse_files_of(named, input);
  for (const auto began = std::chrono::steady_clock::now();;) {
    throw_if_stopped();
    auto led = cli::resolve(named);
    const auto to = made_at(led, [&] {
      require_a_store(o, led.where);
      return open_channel(o, led.where);
    });
    try {
      return send_through(o, to, led, input);
    } catch (const start_over&) {
      // Nothing was sent: on to the channel that has the name now.
      if (o.timeout && std::chrono::steady_clock::now() - began >= *o.timeout) {
        end_with(exit_code::timed_out,
                 "{} is made and removed again and again, and {} have passed; nothing was sent",
                 to.name(), show_span(*o.timeout));
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }
}

constexpr const char* footer =
    "A channel that does not exist is made, with room for two chunks at least, and goes when the\n"
    "consumer has read it to its end. A ring keeps what was sent. A pipe keeps nothing that\n"
    "nobody has open: so send stays until all that it sent is read. auto:NAME leads to one of\n"
    "them by the needs that its options tell; the first decides, `annulus stat` says where.\n"
    "nats://HOST:PORT/STREAM is a stream on another machine: what the server has acknowledged is\n"
    "sent. Its options: annulus gateway --help.\n"
    "The input goes in chunks of --chunk bytes; a chunk is sent when it is full or the input\n"
    "ends. For a live stream use --lines: each line is sent as soon as it is read. A frame is\n"
    "its length (4 bytes, little endian) and as many bytes.\n"
    "\n"
    "Examples:\n"
    "  annulus send shm:x <file &  annulus recv shm:x >copy\n"
    "  annulus send pipe:x <file &  annulus recv pipe:x >copy\n"
    "  tail -f app.log | annulus send shm:log --lines\n"
    "  until annulus send shm:x --file big --resume; do :; done\n"
    "      goes on where it was killed; the other side is `annulus recv shm:x --keep`";

}  // namespace

void add_send(CLI::App& app, exit_code& ends_with) {
  auto& command = add_command(app, "send", "Send standard input, or a file", footer);
  auto& o = options_of(command, ends_with, send);
  add_endpoint(command, o.to)->required();
  add_file(command, o.path, "send this file");
  add_framing(command, o.how, "a message for each line", "a message for each frame");
  add_size(command, "--chunk", o.chunk, "bytes in a message (default: 32KiB, or what fits)")
      ->check([](const std::string& text) { return text == "0" ? "a chunk of 0 bytes" : ""; });
  add_topology(command, o.asked);
  add_waiting(command, o.to);
  add_choice(
      command, "--on-full", {"wait", "drop", "refuse"},
      [&o](const std::string& text) {
        o.full = text == "drop"     ? on_full::drop
                 : text == "refuse" ? on_full::refuse
                                    : on_full::wait;
      },
      "without room: wait for it, drop the message, or end with 8 (default: wait)");
  add_span(command, "--timeout", o.timeout,
           "wait no longer for room, for the other end of a FIFO that --file names, or over a pipe "
           "for being read, and end with 7");
  command.add_flag("--keep", o.keeps_on, "when the consumer dies or closes, wait for the next one");
  command.add_flag("--resume", o.resumes,
                   "go on where an earlier send of this input was killed (shm, spsc)");
  command.add_flag("--progress", o.shows_progress, "tell on stderr how far it is");
}

}  // namespace annulus::cli
