// annulus send: a byte stream into a ring, in chunks, by lines, or by frames.
#include "cli/commands.hpp"
#include "cli/file.hpp"
#include "cli/options.hpp"
#include "cli/outbox.hpp"
#include "cli/progress.hpp"
#include "cli/splitter.hpp"
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <memory>
#include <vector>

namespace annulus::cli {
namespace {

struct send_options {
  std::string name;
  std::string path;
  framing how = framing::bytes;
  std::uint64_t chunk = 0;  // 0: 32 KiB, or what fits
  std::optional<topology> asked;
  waiting wait;
  outbox_options box;
  bool resumes = false;
  bool shows_progress = false;
};

constexpr std::uint64_t usual_chunk = 32 << 10;

segment open_ring(const send_options& o) {
  segment_options shape;
  shape.topology = o.asked.value_or(topology::spsc);
  shape.transient = true;
  if (o.chunk > shape.capacity / 2) {
    shape.capacity = std::bit_ceil(2 * std::min(o.chunk, max_capacity));
  }
  auto memory = must(segment::open_or_create(o.name, shape));
  const auto found = memory.geometry().topology;
  if (o.asked && found != *o.asked) {
    throw command_error{exit_code::failure,
                        fmt::format("shm:{} is {}, not {}; leave --topology out, or make it anew",
                                    o.name, to_string(found), to_string(*o.asked))};
  }
  return memory;
}

std::uint64_t chunk_of(const send_options& o, const geometry& shape) {
  if (o.chunk > shape.max_message) {
    throw command_error{exit_code::usage,
                        fmt::format("--chunk {} is more than shm:{} takes in a message, {}",
                                    o.chunk, o.name, shape.max_message)};
  }
  return o.chunk != 0 ? o.chunk : std::min(usual_chunk, shape.max_message);
}

command_error not_resumable(const send_options& o, const std::string& why) {
  return {exit_code::failure,
          fmt::format("cannot go on in shm:{}: {}; was it all sent from this input, with this "
                      "--chunk? If not, remove the ring and send anew",
                      o.name, why)};
}

// What an earlier, killed run has sent, as the ring tells it: every record of a whole chunk takes
// the same room. Requires: the only producer of the ring, attached, so that the position is exact.
struct sent_before {
  std::uint64_t chunks;  // whole ones
  std::uint64_t rest;    // bytes of the record of a shorter last chunk; 0: there is none
};

sent_before find_sent(const send_options& o, const segment& memory, std::uint64_t chunk) {
  const auto& shape = memory.geometry();
  const auto seen = must(inspect(memory));
  const auto& producer = seen.producers.front();
  const auto each = record_bytes(chunk, shape.trailer_bytes());
  const auto all = seen.write_pos - shape.first_pos;
  const sent_before out{all / each, all % each};

  // Counted after each commit: a death may have cost one count, and nothing else may.
  const auto sent = out.chunks + (out.rest != 0 ? 1 : 0);
  const auto counted = producer.counters.messages;
  if (counted > sent || sent - counted >= producer.generation) {
    throw not_resumable(o,
                        fmt::format("{} messages were sent in {} bytes of records, and chunks of "
                                    "{} would be {}",
                                    counted, all, chunk, sent));
  }
  return out;
}

// Whether the last record, of `room` bytes, holds just this. Its bytes stay until the next push.
bool is_last_sent(const segment& memory, message bytes, std::uint64_t room) {
  const auto held = must(attachment::make(memory, access::read_only));
  const auto& ring = held.memory();
  const auto pos = must(inspect(memory)).write_pos - room;
  const auto payload = ring.payload(pos, bytes.size());
  return ring.record_bytes(bytes.size()) == room && std::ranges::equal(payload, bytes);
}

// Passes over what was sent. True: that was all, down to a shorter last chunk.
bool skip_sent(const send_options& o, const segment& memory, file& input, std::uint64_t chunk) {
  const auto before = find_sent(o, memory, chunk);
  std::vector<std::byte> last(chunk);
  if (before.chunks > 0) {
    const auto skipped = (before.chunks - 1) * chunk;
    if (input.skip(skipped) != skipped || input.read_full(last) != chunk) {
      throw not_resumable(o, fmt::format("the input is shorter than the {} bytes that were sent",
                                         before.chunks * chunk));
    }
    if (before.rest == 0) {
      const auto room = record_bytes(chunk, memory.geometry().trailer_bytes());
      if (!is_last_sent(memory, last, room)) {
        throw not_resumable(o, "the last chunk that was sent is not what the input has there");
      }
      return false;
    }
  }
  if (before.rest == 0) return false;
  const auto got = input.read_full(last);
  if (got == chunk || !is_last_sent(memory, std::span(last).first(got), before.rest)) {
    throw not_resumable(o, "the last, shorter chunk that was sent is not what the input ends with");
  }
  return true;
}

// Reads straight into the ring where nobody is held up by it: a producer of many must not sit on a
// claim while it waits for its input.
template <class Producer>
void send_bytes(const send_options& o, outbox<Producer>& box, file& input, std::uint64_t chunk,
                bool is_alone, progress& seen) {
  const bool in_place = o.box.full != on_full::drop && (is_alone || input.rest());
  std::vector<std::byte> held(in_place ? 0 : chunk);
  for (;;) {
    std::size_t got = 0;
    if (in_place) {
      auto claim = box.claim(chunk);
      got = input.read_full(claim.bytes());
      if (got == 0) return;
      box.commit(claim, got);
    } else {
      got = input.read_full(held);
      if (got == 0) return;
      const message one(held.data(), got);
      box.push({&one, 1});
    }
    if (got < chunk) return;
    throw_if_stopped();
    seen.at(box.message_count(), box.byte_count());
  }
}

template <class Producer>
void send_messages(const send_options& o, outbox<Producer>& box, file& input, progress& seen) {
  splitter cut(input, o.how, box.max_message());
  for (auto some = cut.next(); !some.empty(); some = cut.next()) {
    box.push(some);
    throw_if_stopped();
    seen.at(box.message_count(), box.byte_count());
  }
}

template <class Producer>
void send_through(const send_options& o, const segment& memory, file& input) {
  const auto& shape = memory.geometry();
  const bool is_alone = shape.topology == topology::spsc;
  const auto chunk = chunk_of(o, shape);
  auto attached = Producer::attach(memory, o.wait);
  if (!attached) {
    const auto& why = attached.error();
    throw command_error{code_of(why.kind), fmt::format("shm:{}: {}", o.name, why.message)};
  }
  if (!is_still_named(memory)) throw start_over{};
  auto role = std::move(attached).value();
  outbox<Producer> box(memory, role, o.box);
  box.wait_until_open();
  if (o.resumes) {
    if (!is_alone) throw not_resumable(o, "it has many producers, and their records mingle");
    if (skip_sent(o, memory, input, chunk)) return;
  }
  {
    progress seen("sent", o.shows_progress, input.rest());
    if (o.how == framing::bytes)
      send_bytes(o, box, input, chunk, is_alone, seen);
    else
      send_messages(o, box, input, seen);
  }
  if (box.dropped() > 0) {
    fmt::print(stderr, "annulus: shm:{} was full: {} messages were dropped, {} sent\n", o.name,
               box.dropped(), box.message_count());
  }
}

void send(const send_options& o) {
  auto input = file::for_reading(o.path);
  for (;;) {
    throw_if_stopped();
    const auto memory = open_ring(o);
    try {
      if (memory.geometry().topology == topology::spsc) {
        return send_through<spsc_producer>(o, memory, input);
      }
      return send_through<mpsc_producer>(o, memory, input);
    } catch (const start_over&) {
      // Nothing was sent: on to the ring that has the name now.
    }
  }
}

void check(const send_options& o) {
  if (o.resumes && (o.how != framing::bytes || o.box.full == on_full::drop)) {
    throw command_error{exit_code::usage,
                        "--resume goes by whole chunks: not with --lines, --frames or drop"};
  }
  if (o.chunk != 0 && o.how != framing::bytes) {
    throw command_error{exit_code::usage, "--chunk has no meaning with --lines or --frames"};
  }
}

constexpr const char* footer =
    "A ring that does not exist is made, with room for two chunks at least, and goes when the\n"
    "consumer has read it to its end.\n"
    "The input goes in chunks of --chunk bytes; a chunk is sent when it is full or the input\n"
    "ends. For a live stream use --lines: each line is sent as soon as it is read. A frame is\n"
    "its length (4 bytes, little endian) and as many bytes.\n"
    "\n"
    "Examples:\n"
    "  annulus send shm:x <file &  annulus recv shm:x >copy\n"
    "  tail -f app.log | annulus send shm:log --lines\n"
    "  until annulus send shm:x --file big --resume; do :; done\n"
    "      goes on where it was killed; the other side is `annulus recv shm:x --keep`";

}  // namespace

void add_send(CLI::App& app, exit_code&) {
  auto o = std::make_shared<send_options>();
  auto* command = app.add_subcommand("send", "Send standard input, or a file");
  command->footer(footer);
  add_endpoint(*command, o->name)->required();
  command->add_option("--file", o->path, "send this file")->type_name("PATH");
  auto* lines = command->add_flag_function(
      "--lines", [o](std::int64_t) { o->how = framing::lines; }, "a message for each line");
  command
      ->add_flag_function(
          "--frames", [o](std::int64_t) { o->how = framing::frames; }, "a message for each frame")
      ->excludes(lines);
  add_size(*command, "--chunk", o->chunk, "bytes in a message (default: 32KiB, or what fits)")
      ->check([](const std::string& text) { return text == "0" ? "a chunk of 0 bytes" : ""; });
  add_topology(*command, o->asked);
  add_waiting(*command, o->wait);
  command
      ->add_option_function<std::string>(
          "--on-full",
          [o](const std::string& text) {
            o->box.full = text == "drop"     ? on_full::drop
                          : text == "refuse" ? on_full::refuse
                                             : on_full::wait;
          },
          "without room: wait for it, drop the message, or end with 8 (default: wait)")
      ->check(CLI::IsMember({"wait", "drop", "refuse"}))
      ->type_name("wait|drop|refuse");
  add_span(*command, "--timeout", o->box.timeout, "wait no longer for room, and end with 7");
  command->add_flag("--keep", o->box.keeps_on,
                    "when the consumer dies or closes, wait for the next one");
  command->add_flag("--resume", o->resumes,
                    "go on where an earlier send of this input was killed (spsc)");
  command->add_flag("--progress", o->shows_progress, "tell on stderr how far it is");
  command->callback([o] {
    check(*o);
    send(*o);
  });
}

}  // namespace annulus::cli
