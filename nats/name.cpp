#include <algorithm>
#include <charconv>
#include <vector>

#include <annulus/bus/options.hpp>
#include <annulus/bus/quantity.hpp>
#include <annulus/nats/name.hpp>

namespace annulus::nats {
namespace {

using bus::read_yes;
using bus::refused;

constexpr std::string_view prefix = "nats://";

// Sets one option from its text. Returns false if it is no such value.
using setter = bool (*)(address&, std::string_view);

struct option {
  std::string_view name, takes;
  setter set;
};

bool read_span(std::string_view text, std::chrono::nanoseconds least,
               std::chrono::nanoseconds& out) {
  const auto span = bus::parse_span(text);
  if (!span || *span < least || *span > std::chrono::hours(24 * 365)) return false;
  out = *span;
  return true;
}
bool is_printable(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c > ' ' && c < 127; });
}
// Of a stream or a consumer, as the server demands it.
bool is_plain(std::string_view text) {
  return is_printable(text) && text.size() <= 255 && text.find_first_of(".*>/\\\"") == text.npos;
}
bool read_subject(address& a, std::string_view text) {
  a.subject = text;
  const bool has_empty_token =
      text.starts_with('.') || text.ends_with('.') || text.find("..") != text.npos;
  return is_printable(text) && !has_empty_token && text.size() <= 255 &&
         text.find_first_of("*>\"\\") == text.npos;
}
bool read_path(std::string_view text, std::string& out) {
  out = text;
  return !text.empty();
}

constexpr std::string_view yes_or_no = "yes or no";
constexpr std::string_view a_span = "a time from 1ms to a year, for example 30s";
constexpr std::string_view a_path = "the path of a file";

constexpr option options[] = {
    {"subject", "a subject without wildcards, for example orders.new", read_subject},
    {"durable", "a name without dots, wildcards, slashes and spaces",
     [](address& a, std::string_view t) { return (a.durable = t, is_plain(t)); }},
    {"create", yes_or_no, [](address& a, std::string_view t) { return read_yes(t, a.creates); }},
    {"window", "a time from 100ms to a year, for example 2m",
     [](address& a, std::string_view t) {
       return read_span(t, std::chrono::milliseconds(100), a.window);
     }},
    {"max_message", "a size, for example 64KiB",
     [](address& a, std::string_view t) {
       a.max_message = bus::parse_bytes(t);
       return a.max_message.has_value();
     }},
    {"timeout", a_span,
     [](address& a, std::string_view t) {
       return read_span(t, std::chrono::milliseconds(1), a.timeout);
     }},
    {"patience", a_span,
     [](address& a, std::string_view t) {
       return read_span(t, std::chrono::milliseconds(1), a.patience.emplace());
     }},
    {"tls", yes_or_no, [](address& a, std::string_view t) { return read_yes(t, a.tls); }},
    {"tls_name", "the name in the server's certificate",
     [](address& a, std::string_view t) { return (a.tls_name = t, is_printable(t)); }},
    {"ca", a_path, [](address& a, std::string_view t) { return read_path(t, a.ca); }},
    {"cert", a_path, [](address& a, std::string_view t) { return read_path(t, a.cert); }},
    {"key", a_path, [](address& a, std::string_view t) { return read_path(t, a.key); }},
    {"user", "a name", [](address& a, std::string_view t) { return read_path(t, a.user); }},
    {"creds", a_path, [](address& a, std::string_view t) { return read_path(t, a.creds); }},
};

// HOST, HOST:PORT or [HOST]:PORT. Empty if nothing is wrong.
std::string read_host(std::string_view text, host& out) {
  const bool is_bracketed = text.starts_with('[');
  const auto close = text.find(']');
  if (is_bracketed && close == text.npos) return "the address lacks its ]";
  const auto name = is_bracketed ? text.substr(1, close - 1) : text.substr(0, text.find(':'));
  const auto rest = text.substr(is_bracketed ? close + 1 : name.size());
  out.name = name;
  if (!is_printable(name) || name.find_first_of("/[],\"") != name.npos) {
    return "lacks a host; write nats://HOST:PORT/STREAM";
  }
  if (rest.empty()) return {};
  const auto digits = rest.substr(1);
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), out.port);
  const bool is_number = error == std::errc() && end == digits.data() + digits.size();
  if (rest.front() == ':' && is_number && out.port != 0) return {};
  return "a port is a number from 1 to 65535, not '" + std::string(digits) + "'";
}

std::string read_hosts(std::string_view text, std::vector<host>& out) {
  for (;;) {
    const auto end = text.find(',');
    if (auto wrong = read_host(text.substr(0, end), out.emplace_back()); !wrong.empty()) {
      return wrong;
    }
    if (end == text.npos) return {};
    text.remove_prefix(end + 1);
  }
}

// What contradicts itself; empty if nothing does.
std::string contradiction_in(const address& a) {
  if (!a.tls && !(a.tls_name + a.ca + a.cert + a.key).empty()) {
    return "tls_name, ca, cert and key have a meaning over TLS only; add tls=yes";
  }
  if (a.cert.empty() != a.key.empty()) return "cert and key belong together; give both";
  if (!a.user.empty() && !a.creds.empty()) return "user and creds exclude each other";
  return {};
}

}  // namespace

bool is_address(std::string_view text) noexcept { return text.starts_with(prefix); }

result<address> parse(std::string_view text) {
  address out;
  if (!is_address(text)) return refused(text, "is no stream; write nats://HOST:PORT/STREAM");
  const auto question = text.find('?');
  const auto place = text.substr(prefix.size(), question - prefix.size());
  const auto slash = place.find('/');
  const auto hosts = place.substr(0, slash);
  // Not repeated: it may hold a secret, and a secret may hold a question mark.
  const auto shown = slash == place.npos ? text.substr(prefix.size()) : place;
  if (const auto at = shown.rfind('@'); at != shown.npos) {
    return failure{fault::bad_argument,
                   "'nats://...@" + std::string(shown.substr(at + 1)) +
                       "': every process sees a name, so no password belongs into it; write "
                       "user= and put the password into ANNULUS_NATS_PASSWORD"};
  }
  if (auto wrong = read_hosts(hosts, out.hosts); !wrong.empty()) return refused(text, wrong);
  if (slash == place.npos || slash + 1 == place.size()) {
    return refused(text, "lacks a stream; write nats://HOST:PORT/STREAM");
  }
  out.stream = place.substr(slash + 1);
  if (!is_plain(out.stream)) {
    return refused(text, "the name of a stream has no dots, wildcards, slashes and spaces");
  }
  if (question == text.npos) return out;
  auto wrong = bus::set_options(out, text.substr(question + 1), options, std::string(prefix));
  if (wrong.empty()) wrong = contradiction_in(out);
  if (!wrong.empty()) return refused(text, wrong);
  return out;
}

std::string to_string(const host& h) {
  const bool has_colon = h.name.find(':') != h.name.npos;
  return std::string(prefix) + (has_colon ? "[" + h.name + "]" : h.name) + ":" +
         std::to_string(h.port);
}

std::string to_string(const address& a) {
  std::string out(prefix);
  for (const auto& one : a.hosts) {
    if (&one != &a.hosts.front()) out += ',';
    out.append(to_string(one), prefix.size());
  }
  return out + "/" + a.stream;
}

}  // namespace annulus::nats
