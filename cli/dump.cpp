// annulus dump, annulus fsck: what a channel holds that nobody uses. Reads only.
//
// dump tells every record; fsck only what is wrong, and its exit code says whether anything is.
#include "cli/commands.hpp"
#include "cli/console.hpp"
#include "cli/json.hpp"
#include "cli/options.hpp"
#include "cli/signals.hpp"
#include "cli/snapshot.hpp"
#include "cli/text.hpp"
#include <fmt/format.h>

#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <annulus/bus/channel.hpp>
#include <annulus/channel/directory.hpp>
#include <annulus/ring/dump.hpp>

namespace annulus::cli {
namespace {

struct dump_options {
  std::string name;
  bool as_json = false;
  bool even_live = false;
  bool tells_records = false;  // dump; else fsck
};

constexpr std::string_view roles_end = files::roles_ending;

std::string whole_path(const std::string& text) {
  std::error_code why;
  auto out = std::filesystem::absolute(text, why).lexically_normal().string();
  return why ? text : out;
}

bool is_fifo(const std::string& path) {
  std::error_code why;
  return std::filesystem::is_fifo(path, why);
}

// shm:NAME, pipe:NAME, auto:NAME, or the path of a file: a ring's, a FIFO or its roles file.
bus::endpoint endpoint_of(const std::string& text) {
  bus::endpoint e;
  const bool is_path =
      text.find(':') == text.npos || text.starts_with('/') || text.starts_with('.');
  if (!is_path) {
    e = parsed(text);
  } else {
    e.name = whole_path(text);
    const bool is_roles = e.name.ends_with(roles_end);
    if (is_roles) e.name.resize(e.name.size() - roles_end.size());
    e.transport = is_roles || is_fifo(e.name) ? bus::transport::pipe : bus::transport::shm;
  }
  e.owner = ownership::any;
  return find(std::move(e)).where;
}

[[noreturn]] void refuse_live(const std::string& name) {
  end_with(exit_code::refused,
           "{} is in use, and moves while it is read; `annulus stat` looks at a channel in use, or "
           "--live reads it all the same",
           name);
}

// Text.

std::string head_of(const dumped_record& one) {
  std::string text;
  for (std::size_t i = 0; i < one.head_bytes; ++i) text += static_cast<char>(one.head[i]);
  return shown(text) + (one.payload_bytes > one.head_bytes ? "..." : "");
}

std::string remark_on(const dumped_record& one) {
  using enum dumped_record::kind;
  switch (one.what) {
    case committed: return one.is_whole ? head_of(one) : "DAMAGED: its checksum does not fit";
    case busy: return fmt::format("producer {}", one.producer);
    case unreadable: return "DAMAGED";
    default: return {};
  }
}

void print_record(const dumped_record& one) {
  throw_if_stopped();
  print("  {:<11} {:>20} {:>12}  {:<20} {}\n", to_string(one.where), one.pos,
        one.what == dumped_record::kind::committed ? one.payload_bytes : one.bytes,
        to_string(one.what), remark_on(one));
}

void print_summary(const ring_dump& all) {
  print("  {} unread messages, {} consumed and still there, {} aborted and {} unfinished claims\n",
        all.unread, all.consumed, all.aborted, all.unfinished);
  if (all.stray != 0)
    print("  {} messages stand around the positions, which are no good\n", all.stray);
  if (all.is_live) print("  MOVING: a process has it open; what is told may not fit together\n");
  for (const auto& one : all.problems) print("  PROBLEM: {}\n", one);
  if (all.is_well()) print("  all is well\n");
}

// JSON.

json json_of(const dumped_record& one) {
  json out = {{"where", std::string(to_string(one.where))},
              {"what", std::string(to_string(one.what))},
              {"pos", one.pos},
              {"bytes", one.bytes}};
  if (one.what == dumped_record::kind::committed) {
    out["payload_bytes"] = one.payload_bytes;
    out["is_whole"] = one.is_whole;
    out["head"] = head_of(one);
  }
  if (one.what == dumped_record::kind::busy) out["producer"] = one.producer;
  return out;
}

json json_of(const std::string& name, const ring_dump& all) {
  json out = {{"name", name}};
  out.update(ring_shape(all.geometry));
  out.update({{"read_pos", all.read_pos},
              {"releasing", all.releasing},
              {"write_pos", all.write_pos},
              {"is_live", all.is_live},
              {"unread", all.unread},
              {"consumed", all.consumed},
              {"stray", all.stray},
              {"aborted", all.aborted},
              {"unfinished", all.unfinished},
              {"damaged", all.damaged},
              {"is_well", all.is_well()},
              {"problems", all.problems}});
  add_roles(out, all);
  return out;
}

// What there is.

bool is_any_held(int file, std::uint32_t producers) {
  for (std::uint32_t role = 0; role <= producers; ++role) {
    if (locks::is_held(file, role)) return true;
  }
  return false;
}

exit_code dump_ring(const dump_options& o, const bus::endpoint& e) {
  const auto memory = must(segment::open(must(bus::name_of(e)), access::read_only, e.owner));
  const auto name = to_string(e);
  if (!o.even_live && is_any_held(memory.file(), memory.geometry().producers)) refuse_live(name);
  auto records = json::array();
  std::vector<dumped_record> kept;
  const auto all = must(dump(memory, [&](const dumped_record& one) {
    throw_if_stopped();
    if (!o.tells_records) return;
    o.as_json ? records.push_back(json_of(one)) : kept.push_back(one);
  }));
  auto out = json_of(name, all);
  if (o.as_json) {
    if (o.tells_records) out["records"] = std::move(records);
    print_json(out, 2);
  } else {
    show_ring_shape(out);
    print("  read up to {}, written up to {}\n", all.read_pos, all.write_pos);
    show_roles(out);
    if (!kept.empty()) print("  {:<11} {:>20} {:>12}  {:<20}\n", "record", "position", "bytes", "");
    for (const auto& one : kept) print_record(one);
    print_summary(all);
  }
  return all.is_well() || o.tells_records ? exit_code::ok : exit_code::damaged;
}

// A pipe's messages are the kernel's, and only a consumer can see them.
exit_code dump_pipe(const dump_options& o, const bus::endpoint& e) {
  const auto pipe = must(named_pipe::open(must(bus::name_of(e)), e.owner));
  const bool is_live = is_any_held(pipe.roles_file(), pipe.geometry().producers);
  if (is_live && !o.even_live) refuse_live(to_string(e));
  auto out = snapshot_of({e, {}});
  if (o.as_json) {
    out.update({{"is_live", is_live}, {"is_well", true}});
    print_json(out, 2);
  } else {
    show_pipe(out);
    show_roles(out);
    show_audit_log(out["audit_log"]);
    print(
        "  its roles file is whole; its messages are in the kernel, where only a consumer reads "
        "them\n");
  }
  return exit_code::ok;
}

exit_code run_dump(const dump_options& o) {
  const auto e = endpoint_of(o.name);
  return e.transport == bus::transport::shm ? dump_ring(o, e) : dump_pipe(o, e);
}

constexpr const char* dump_footer =
    "Every record, the unread ones in their order, then those that were consumed and still stand\n"
    "there; how each payload begins; what is damaged; claims that the dead left. Only the\n"
    "geometry is trusted. Reads only, maps nothing, and leaves the holes of a sparse file. A\n"
    "channel in use is refused, unless --live asks for it. For a pipe: its roles and its audit\n"
    "log.\n"
    "\n"
    "Examples:\n"
    "  annulus dump shm:orders\n"
    "  annulus dump /dev/shm/annulus.orders --json | jq .records";

constexpr const char* fsck_footer =
    "Checks what `annulus dump` shows: words that make no sense, records that cannot be read, and\n"
    "with integrity crc32c every payload. 0: all is well; 6: something is damaged, and is told.\n"
    "What the dead left unfinished is no damage: the next consumer skips it. Reads only.\n"
    "\n"
    "Example: annulus fsck shm:orders || annulus dump shm:orders";

void add(CLI::App& app, exit_code& ends_with, const char* name, const char* what,
         const char* footer, bool tells_records) {
  auto& command = add_command(app, name, what, footer);
  auto& o = options_of(command, ends_with, run_dump);
  o.tells_records = tells_records;
  command.add_option("channel", o.name, "shm:NAME, pipe:NAME, auto:NAME, or a path of its file")
      ->required()
      ->type_name("NAME|FILE");
  command.add_flag("--json", o.as_json, "as JSON");
  command.add_flag("--live", o.even_live, "also while a process uses it");
}

}  // namespace

void add_dump(CLI::App& app, exit_code& ends_with) {
  add(app, ends_with, "dump", "Show all that an unused channel holds", dump_footer, true);
}

void add_fsck(CLI::App& app, exit_code& ends_with) {
  add(app, ends_with, "fsck", "Check an unused channel", fsck_footer, false);
}

}  // namespace annulus::cli
