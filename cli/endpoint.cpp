#include "cli/endpoint.hpp"

#include "cli/console.hpp"
#include "cli/exit_code.hpp"
#include "cli/text.hpp"
#include <fmt/format.h>

#include <optional>
#include <utility>

#include <annulus/bus/channel.hpp>
#include <annulus/bus/newcomer.hpp>
#include <annulus/bus/options.hpp>
#include <annulus/bus/rendezvous.hpp>
#include <annulus/channel/directory.hpp>
#include <annulus/channel/file.hpp>

namespace annulus::cli {
namespace {

// 1MiB and 1048576 say the same, and so do 600 and 0600.
bool is_same(const std::string& one, const std::string& other) {
  const auto size = parse_bytes(one);
  return one == other || (size && size == parse_bytes(other));
}

// What --dir said; empty: it was not there.
std::string& said_directory() {
  static std::string path;
  return path;
}

}  // namespace

void say_directory(const std::string& path) {
  said_directory() = path;
  set_variable(files::directory_variable, path);
}

bus::endpoint parsed(const std::string& name) {
  auto out = must(bus::parse(name));
  const auto& said = said_directory();
  if (said.empty() || out.directory.empty() || out.directory == said ||
      files::lead_to_same(out.directory, said)) {
    return out;
  }
  end_with(exit_code::usage, "--dir {} contradicts dir={} in '{}'; leave one of them out", said,
           out.directory, name);
}

std::optional<std::string> option_of(std::string_view text, std::string_view key) {
  const auto question = text.find('?');
  if (question == text.npos) return std::nullopt;
  for (const auto& one : bus::options_in(text.substr(question + 1))) {
    if (one.key == key) return std::string(one.value);
  }
  return std::nullopt;
}

void require_name(const std::string& text) {
  if (nats::is_address(text)) {
    static_cast<void>(must(nats::parse(text)));
  } else {
    static_cast<void>(parsed(text));
  }
}

void named_endpoint::name(const std::string& text) {
  require_name(text);
  text_ = text;
}

std::optional<nats::address> named_endpoint::stream() const {
  if (!nats::is_address(text_)) return std::nullopt;
  for (const auto& one : flags_) {
    end_with(exit_code::usage, "{} has no meaning for a stream on another machine, '{}'", one.flag,
             text_);
  }
  return must(nats::parse(text_));
}

void named_endpoint::flag(const std::string& flag, const std::string& key,
                          const std::string& value) {
  flags_.push_back({flag, key, value});
}

bus::endpoint named_endpoint::whole() const {
  if (nats::is_address(text_)) {
    end_with(
        exit_code::usage,
        "'{}' is a stream on another machine: gateway, send and recv take one, and this does not",
        text_);
  }
  auto text = text_;
  auto out = parsed(text);
  for (const auto& one : flags_) {
    if (const auto said = option_of(text_, one.key)) {
      if (is_same(*said, one.value)) continue;
      end_with(exit_code::usage, "{} {} contradicts {}={} in '{}'; leave one of them out", one.flag,
               one.value, one.key, *said, text_);
    }
    text += fmt::format("{}{}={}", text.find('?') == text.npos ? '?' : '&', one.key, one.value);
    auto with = bus::parse(text);
    if (!with) {
      end_with(exit_code::usage, "{}: {}", one.flag, with.error().message);
    }
    out = std::move(with).value();
  }
  return out;
}

bus::endpoint for_streams(const named_endpoint& name) {
  auto out = name.whole();
  if (!out.once) return out;
  end_with(
      exit_code::usage,
      "once=yes in {} marks the messages of programs, and a plain stream has none; leave it out",
      to_string(out));
}

void refuse_files_of(bus::endpoint e, const file& stream) {
  e.transport = bus::transport::shm;
  const auto ring = bus::path_of(e);
  const auto ring_seen = bus::seen_path_of(e);
  e.transport = bus::transport::pipe;
  const auto fifo = bus::path_of(e);
  for (const auto& path :
       {ring, ring_seen, ring + ".auto", fifo, fifo + files::roles_ending, bus::seen_path_of(e)}) {
    if (!stream.is_at(path)) continue;
    end_with(exit_code::usage, "{} is a file of the channel {} itself; name another file",
             stream.name(), e.name);
  }
}

led_endpoint resolve(const bus::endpoint& e) {
  const bool is_decided = e.transport != bus::transport::automatic || bus::decision_of(e);
  led_endpoint led{must(bus::resolve(e)), {}};
  if (!is_decided) {
    led.decided = e;
    remark("{} leads to {}: {}", to_string(e), to_string(led.where), led.why);
  }
  return led;
}

void forget_in_vain(led_endpoint& led) {
  led.held = {};
  if (led.decided) bus::forget_in_vain(*led.decided, led.where);
}

found_endpoint find(bus::endpoint e) {
  if (e.transport != bus::transport::automatic) return {std::move(e), {}};
  e.creates = false;
  auto led = must(bus::resolve(e));
  return {std::move(led.where), std::move(led.why)};
}

}  // namespace annulus::cli
