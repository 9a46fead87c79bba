// Any text as the name of a stream of NATS: refused with a reason that repeats no secret, or within
// the limits that nats/name.hpp tells.
#include "input.hpp"
#include "target.hpp"

#include <chrono>
#include <string_view>

#include <annulus/nats/name.hpp>

namespace annulus::fuzz {
namespace {

bool is_plain(std::string_view text) {
  for (const char c : text) {
    if (c <= ' ' || c >= 127 || std::string_view(".*>/\\\"").find(c) != std::string_view::npos) {
      return false;
    }
  }
  return !text.empty() && text.size() <= 255;
}
// What a client writes into its protocol, whose words end at spaces and line ends.
bool is_a_word(std::string_view text) {
  for (const char c : text) {
    if (c <= ' ' || c >= 127) return false;
  }
  return true;
}
bool is_span(std::chrono::nanoseconds span) {
  return span >= std::chrono::milliseconds(1) && span <= std::chrono::hours(24 * 365);
}

void check_limits(const nats::address& a) {
  demand(!a.hosts.empty(), "no host");
  for (const auto& one : a.hosts) {
    demand(!one.name.empty() && is_a_word(one.name), "a host that is no word");
    demand(one.port != 0, "a port 0");
  }
  demand(is_plain(a.stream) && is_plain(a.durable), "a name that the server would not take");
  demand(is_a_word(a.subject) && a.subject.find_first_of("*>") == std::string::npos,
         "a subject that no message can have");
  demand(is_a_word(a.tls_name), "a name of a certificate that is no word");
  demand(is_span(a.timeout) && (!a.patience || is_span(*a.patience)) && is_span(a.window) &&
             a.window >= std::chrono::milliseconds(100),
         "a time beyond its limits");
  demand(a.tls || (a.tls_name + a.ca + a.cert + a.key).empty(), "files of TLS without TLS");
  demand(a.cert.empty() == a.key.empty(), "a certificate without its key");
  demand(a.user.empty() || a.creds.empty(), "a user and credentials at once");
}

// What stands before an @ of the place may be a password: nothing of it is in the refusal.
void check_that_it_keeps_secrets(const std::string& text, const std::string& refusal) {
  const auto at = std::string_view(text).substr(0, text.find('?')).rfind('@');
  if (!nats::is_address(text) || at == std::string_view::npos) return;
  constexpr std::string_view scheme = "nats://";
  const bool has_slash =
      std::string_view(text).substr(0, at).find('/', scheme.size()) != std::string_view::npos;
  const auto other =
      nats::parse(std::string(scheme) + (has_slash ? "an/other" : "another") + text.substr(at));
  demand(!other && other.error().message == refusal, "a refusal repeats a secret");
}

void parse(const std::string& text) {
  const auto found = nats::parse(text);
  if (!found) {
    const auto& why = found.error();
    demand(why.kind == fault::bad_argument && !why.message.empty(), "a refusal says nothing");
    check_that_it_keeps_secrets(text, why.message);
    return;
  }
  demand(nats::is_address(text), "a name of something else was taken");
  check_limits(*found);
  if (has_canary() && found->tls && found->stream.size() >= 2) {
    planted();
    broken("the planted error");
  }
  const auto again = nats::parse(nats::to_string(*found));
  demand(again && again->hosts == found->hosts && again->stream == found->stream,
         "a name does not stand for itself");
}

}  // namespace
}  // namespace annulus::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t count) {
  annulus::fuzz::parse(std::string(reinterpret_cast<const char*>(data), count));
  return 0;
}
