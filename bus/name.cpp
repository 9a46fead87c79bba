#include <algorithm>
#include <charconv>
#include <vector>

#include <annulus/bus/name.hpp>
#include <annulus/bus/options.hpp>
#include <annulus/bus/quantity.hpp>
#include <annulus/channel/file.hpp>

namespace annulus::bus {
namespace {

// Sets one option from its text. Returns false if it is no such value.
using setter = bool (*)(endpoint&, std::string_view);

struct option {
  std::string_view name;
  bool for_shm, for_pipe;  // auto takes all
  std::string_view takes;  // for the error
  setter set;
};

template <class T>
bool read_number(std::string_view text, T& out, int base = 10) {
  const std::string digits(text);
  const char* const end = digits.data() + digits.size();
  const auto [rest, error] = std::from_chars(digits.data(), end, out, base);
  return error == std::errc() && rest == end && !text.empty();
}

template <class T>
bool keep(const std::optional<T>& read, std::optional<T>& out) {
  if (read) out = read;
  return read.has_value();
}

bool set_max_message(endpoint& e, std::string_view text) {
  return keep(parse_bytes(text), e.max_message) && e.max_message.value_or(0) > 0;
}
bool set_mode(endpoint& e, std::string_view text) {
  return read_number(text, e.mode, 8) && (e.mode & ~0666u) == 0 && (e.mode & 0600) == 0600;
}
bool set_producers(endpoint& e, std::string_view text) {
  std::uint32_t count = 0;
  if (!read_number(text, count) || count < 1 || count > max_producers) return false;
  e.producers = count;
  return true;
}
bool set_integrity(endpoint& e, std::string_view text) {
  e.integrity = text == "crc32c" ? integrity::crc32c : integrity::structure;
  return text == "crc32c" || text == "structure";
}
bool set_owner(endpoint& e, std::string_view text) {
  e.owner = text == "any" ? ownership::any : ownership::own_or_root;
  return text == "any" || text == "own";
}
bool set_directory(endpoint& e, std::string_view text) {
  e.directory = text;
  return files::is_path(text);
}
bool set_wait(endpoint& e, std::string_view text) {
  const auto kind = waiting_kind(text);
  e.wait.how = kind.value_or(e.wait.how);
  return kind.has_value();
}
bool set_span(std::string_view text, std::chrono::nanoseconds& out) {
  const auto span = parse_span(text);
  if (span) out = *span;
  return span.has_value();
}
bool set_rate(endpoint& e, std::string_view text) {
  std::uint64_t rate = 0;
  if (!read_number(text, rate)) return false;
  e.needs.rate = rate;
  return true;
}

constexpr std::string_view size = "a size, for example 64KiB";
constexpr std::string_view span = "a time, for example 50us";
constexpr std::string_view yes_or_no = "yes or no";

constexpr option options[] = {
    {"capacity", true, true, size,
     [](endpoint& e, std::string_view t) { return keep(parse_bytes(t), e.capacity); }},
    {"max_message", true, true, size, set_max_message},
    {"producers", true, true, "a number from 1 to 1024", set_producers},
    {"mode", true, true, "octal permissions, 0600 to 0666, none to execute", set_mode},
    {"integrity", true, false, "structure or crc32c", set_integrity},
    {"create", true, true, yes_or_no,
     [](endpoint& e, std::string_view t) { return read_yes(t, e.creates); }},
    {"owner", true, true, "own or any", set_owner},
    {"dir", true, true, "an absolute path", set_directory},
    {"wait", true, true, "spin, yield, block or nap", set_wait},
    {"spin", true, true, span,
     [](endpoint& e, std::string_view t) { return set_span(t, e.wait.spin_for); }},
    {"nap", true, true, span,
     [](endpoint& e, std::string_view t) { return set_span(t, e.wait.nap_for); }},
    {"sleep", true, true, span,
     [](endpoint& e, std::string_view t) { return set_span(t, e.wait.longest_sleep); }},
    {"once", true, true, yes_or_no,
     [](endpoint& e, std::string_view t) { return read_yes(t, e.once); }},
    {"portable", false, false, yes_or_no,
     [](endpoint& e, std::string_view t) { return read_yes(t, e.needs.portable); }},
    {"guarded", false, false, yes_or_no,
     [](endpoint& e, std::string_view t) { return read_yes(t, e.needs.guarded); }},
    {"latency", false, false, span,
     [](endpoint& e, std::string_view t) { return keep(parse_span(t), e.needs.latency); }},
    {"rate", false, false, "a number of messages a second", set_rate},
};

bool is_for(const option& o, transport s) {
  return s == transport::automatic || (s == transport::shm ? o.for_shm : o.for_pipe);
}

std::vector<option> options_of(transport s) {
  std::vector<option> out;
  for (const auto& one : options) {
    if (is_for(one, s)) out.push_back(one);
  }
  return out;
}

}  // namespace

result<endpoint> parse(std::string_view text) {
  endpoint out;
  const auto colon = text.find(':');
  const auto carrier = text.substr(0, colon == text.npos ? 0 : colon);
  bool is_known = false;
  for (const auto s : {transport::shm, transport::pipe, transport::automatic}) {
    if (carrier != to_string(s)) continue;
    out.transport = s;
    is_known = true;
  }
  if (carrier == "nats") {
    return refused(text,
                   "is a stream on another machine, and no channel of this one; annulus "
                   "gateway, send and recv take it");
  }
  if (!is_known) {
    return refused(text,
                   "is no endpoint: write shm:NAME, pipe:NAME or auto:NAME, for example "
                   "shm:orders");
  }
  auto rest = text.substr(colon + 1);
  const auto question = rest.find('?');
  out.name = rest.substr(0, question);
  if (out.name.empty()) return refused(text, "lacks a name; write, for example, shm:orders");
  if (question == rest.npos) return out;
  const auto wrong = set_options(out, rest.substr(question + 1), options_of(out.transport),
                                 std::string(carrier) + ":");
  if (!wrong.empty()) return refused(text, wrong);
  if (!out.directory.empty() && (out.name.front() == '/' || files::is_path(out.name))) {
    return refused(text, "the name is a path, so dir= has no meaning; leave one of them out");
  }
  return out;
}

std::string to_string(const endpoint& e) {
  return std::string(to_string(e.transport)) + ":" + e.name;
}

}  // namespace annulus::bus
