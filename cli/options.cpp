#include "cli/options.hpp"

#include "cli/text.hpp"
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>

namespace annulus::cli {

namespace {

CLI::Option* add_waiting(CLI::App& command, const std::function<void(const std::string&)>& take) {
  std::vector<std::string> words;
  for (const auto kind : waiting_kinds) words.emplace_back(annulus::to_string(kind));
  return add_choice(
      command, "--wait", words, take,
      "spin keeps a core busy and is quickest, block sleeps until it is woken, nap looks once a "
      "millisecond and is cheapest (default: block)");
}

}  // namespace

CLI::Option* add_text(CLI::App& command, const std::string& flag, const std::string& type,
                      const std::function<void(const std::string&)>& take,
                      const std::string& help) {
  return command.add_option_function<std::string>(flag, take, help)->type_name(type);
}

std::uint64_t read_number(const std::string& flag, const std::string& text, std::uint64_t least,
                          std::uint64_t most) {
  std::uint64_t number = 0;
  const auto* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (error == std::errc() && rest == end && number >= least && number <= most) return number;
  throw CLI::ValidationError(
      flag, fmt::format("'{}' is no whole number from {} to {}", text, least, most));
}

CLI::Option* add_endpoint(CLI::App& command, named_endpoint& name) {
  return add_text(
      command, "endpoint", "ENDPOINT", [&name](const std::string& text) { name.name(text); },
      "shm:NAME, pipe:NAME or auto:NAME, and options: pipe:x?capacity=64KiB&mode=0640");
}

CLI::Option* add_said(CLI::App& command, const std::string& flag, const std::string& type,
                      named_endpoint& name, const std::string& help) {
  auto key = flag.substr(2);
  std::ranges::replace(key, '-', '_');
  return add_text(
      command, flag, type,
      [flag, key, &name](const std::string& text) { name.flag(flag, key, text); }, help);
}

std::string is_no_size(const std::string& text) {
  if (parse_bytes(text)) return {};
  return fmt::format("'{}' is no size; write 4096, 32KiB, 1MiB or 2G", text);
}

CLI::Option* add_size(CLI::App& command, const std::string& flag, std::uint64_t& bytes,
                      const std::string& help) {
  const auto take = [&bytes](const std::string& text) { bytes = parse_bytes(text).value(); };
  return add_text(command, flag, "SIZE", take, help)->check(is_no_size);
}

CLI::Option* add_choice(CLI::App& command, const std::string& flag,
                        const std::vector<std::string>& words,
                        const std::function<void(const std::string&)>& take,
                        const std::string& help) {
  return add_text(command, flag, fmt::format("{}", fmt::join(words, "|")), take, help)
      ->check(CLI::IsMember(words));
}

CLI::Option* add_span(CLI::App& command, const std::string& flag, time_limit& span,
                      const std::string& help) {
  return add_text(
             command, flag, "TIME", [&span](const std::string& text) { span = parse_span(text); },
             help)
      ->check([](const std::string& text) {
        return parse_span(text) ? std::string()
                                : fmt::format("'{}' is no time; write 250ms, 1.5s, 2m or 1h", text);
      });
}

void add_file(CLI::App& command, std::string& path, const std::string& help) {
  command.add_option("--file", path, help)->type_name("PATH")->check([](const std::string& text) {
    return text.empty() ? "names no file" : "";
  });
}

void add_topology(CLI::App& command, std::optional<topology>& asked) {
  add_choice(
      command, "--topology", {"spsc", "mpsc"},
      [&asked](const std::string& text) {
        asked = text == "mpsc" ? topology::mpsc : topology::spsc;
      },
      "one producer, or many");
}

void add_waiting(CLI::App& command, named_endpoint& name) {
  add_waiting(command, [&name](const std::string& text) { name.flag("--wait", "wait", text); });
}

void add_waiting(CLI::App& command, waiting& how) {
  add_waiting(command,
              [&how](const std::string& text) { how.how = waiting_kind(text).value_or(how.how); });
}

void add_framing(CLI::App& command, framing& how, const std::string& lines,
                 const std::string& frames) {
  auto* one = command.add_flag_function(
      "--lines", [&how](std::int64_t) { how = framing::lines; }, lines);
  command
      .add_flag_function(
          "--frames", [&how](std::int64_t) { how = framing::frames; }, frames)
      ->excludes(one);
}

}  // namespace annulus::cli
