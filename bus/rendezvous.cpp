#include <algorithm>
#include <cerrno>
#include <optional>
#include <string_view>
#include <utility>

#include <annulus/bus/channel.hpp>
#include <annulus/bus/rendezvous.hpp>
#include <annulus/channel/directory.hpp>
#include <annulus/channel/file.hpp>
#include <annulus/channel/lock.hpp>
#include <annulus/channel/settled.hpp>

namespace annulus::bus {

using files::cannot_store;
using files::system_error;

namespace {

constexpr std::string_view mark = "annulus auto ";  // of every version
constexpr std::string_view first_line = "annulus auto 1\n";

// Where the decision stands.
result<std::string> place_of(const endpoint& e) {
  if (e.name.starts_with('/') || files::is_path(e.name)) {
    return failure{fault::bad_argument,
                   "auto:" + e.name +
                       " is no name: use 1 to 200 letters, digits, '.', '_' or '-'; a path goes "
                       "with shm: or pipe: only, and a directory with dir="};
  }
  return files::place_of(e.name, ".auto", "auto:", e.owner, directory_of(e));
}

std::optional<choice> parse_decision(std::string_view text) {
  if (text.substr(0, first_line.size()) != first_line) return std::nullopt;
  text.remove_prefix(first_line.size());
  choice out;
  const auto line = text.substr(0, text.find('\n'));
  if (line == "shm") {
    out.transport = transport::shm;
  } else if (line != "pipe") {
    return std::nullopt;
  }
  if (line.size() + 1 > text.size()) return std::nullopt;
  text.remove_prefix(line.size() + 1);
  if (text.empty() || text.back() != '\n') return std::nullopt;
  out.why = text.substr(0, text.size() - 1);
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; };
  if (std::ranges::any_of(out.why, is_control)) return std::nullopt;
  return out;
}

// Gives the decision its name, whole. Fails with already_exists if somebody else was first.
result<bool> publish(const std::string& path, const choice& made, unsigned mode) {
  const auto file = files::unnamed(path, mode);
  if (!file) return cannot_store("cannot make " + path, errno);
  const auto text = std::string(first_line) + to_string(made.transport) + "\n" + made.why + "\n";
  const auto written = files::write_at(file.number(), text.data(), text.size(), 0);
  if (written != static_cast<ssize_t>(text.size())) {
    return cannot_store("cannot write " + path, written < 0 ? errno : ENOSPC);
  }
  if (files::publish(file.number(), path)) return true;
  if (errno == EEXIST) return failure{fault::already_exists, path + " exists already"};
  return files::cannot_name(path, errno);
}

// The decision's file, for reading.
result<descriptor> open_decision(const endpoint& e, const std::string& path) {
  auto file = files::existing(path, access::read_only);
  if (!file) {
    if (errno == ELOOP) {
      return failure{fault::not_a_channel,
                     path + " is a symbolic link, and links are not followed; remove it"};
    }
    if (errno == ENOENT) {
      return failure{fault::not_found, "nobody has opened auto:" + e.name + " yet"};
    }
    if (errno == ENXIO) {  // a socket
      return failure{fault::not_a_channel, path + " is no regular file; remove it"};
    }
    return system_error("cannot read the decision for auto:" + e.name + " (" + path + ")", errno);
  }
  if (!files::is_regular(file.number())) {
    return failure{fault::not_a_channel, path + " is no regular file; remove it"};
  }
  if (auto size = files::size_of_ours(file.number(), e.owner, path, "decision"); !size) {
    return size.error();
  }
  return file;
}

result<choice> read_decision(const endpoint& e, const std::string& path, int file) {
  char text[1024];
  const auto got = files::read_at(file, text, sizeof text, 0);
  if (got < 0) return system_error("cannot read " + path, errno);
  const std::string_view said(text, static_cast<std::size_t>(got));
  const auto found = parse_decision(said);
  if (found) return *found;
  if (!said.starts_with(mark)) {
    return failure{fault::not_a_channel, path + " is no decision for auto:" + e.name +
                                             ", but somebody's own file; choose another name"};
  }
  return failure{fault::damaged,
                 path + " does not say shm or pipe; remove it, and open auto:" + e.name + " anew"};
}

}  // namespace

result<choice> decision_of(const endpoint& e) {
  auto place = place_of(e);
  if (!place) return place.error();
  auto file = open_decision(e, *place);
  if (!file) return file.error();
  return read_decision(e, *place, file->number());
}

result<choice> decide(const endpoint& e) {
  auto place = place_of(e);
  if (!place) return place.error();
  if (!e.creates) return decision_of(e);
  return files::opened_or_created<choice>(
      e.name, [&] { return decision_of(e); },
      [&]() -> result<choice> {
        auto bytes = segment::bytes_for(shape_of(e));
        if (!bytes) return bytes.error();
        auto made = choose(e.needs, *bytes, directory_of(e));
        if (auto done = publish(*place, made, e.mode); !done) return done.error();
        return made;
      });
}

result<bool> forget_decision(const endpoint& e) {
  auto place = place_of(e);
  if (!place) return place.error();
  const auto path = std::move(place).value();
  if (files::remove(path)) return true;
  if (errno == ENOENT) return false;
  return system_error("cannot remove " + path, errno);
}

result<descriptor> hold_for_removal(const endpoint& e) {
  auto place = place_of(e);
  if (!place) return place.error();
  return files::settled<descriptor>(e.name, [&]() -> std::optional<result<descriptor>> {
    auto file = files::existing(*place, access::read_write);
    if (!file && errno == ENOENT) {
      return failure{fault::not_found, "nobody has opened auto:" + e.name + " yet"};
    }
    if (!file) return file;
    if (!locks::take(file.number(), locks::maker, within(files::patience))) {
      return files::maker_holds("auto:" + e.name, "opens it", *place);
    }
    if (!files::is_still_named(file.number(), *place)) return std::nullopt;
    return file;
  });
}

result<resolved> resolve(const endpoint& e) {
  if (e.transport != transport::automatic) return resolved{e, "the name says so", {}};
  auto place = place_of(e);
  if (!place) return place.error();
  return files::settled<resolved>(e.name, [&]() -> std::optional<result<resolved>> {
    if (auto decided = decide(e); !decided) return decided.error();
    auto file = open_decision(e, *place);
    if (!file && file.error().kind == fault::not_found) return std::nullopt;
    if (!file) return file.error();
    if (!locks::take_shared(file->number(), locks::maker, within(files::patience))) {
      return files::maker_holds("auto:" + e.name, "removes it", *place);
    }
    if (!files::is_still_named(file->number(), *place)) return std::nullopt;
    auto found = read_decision(e, *place, file->number());
    if (!found) return found.error();
    resolved out{e, found->why, std::move(*file)};
    out.where.transport = found->transport;
    return out;
  });
}

}  // namespace annulus::bus
