// The name of a stream on a NATS server: another machine.
//
//     nats://HOST[:PORT][,HOST[:PORT]...]/STREAM?subject=orders&durable=billing&tls=yes
//
// Several hosts are servers of one cluster: where one does not answer, the next one is tried.
//
//   option        meaning, and what holds without it
//   subject       what is published; of a source: what it reads        the stream's only one; all
//   durable       the consumer whose position the server keeps         annulus
//   create        whether to make a stream that does not exist         yes
//   window        how long a new stream drops what is sent again       2m
//   max_message   the largest message that passes, bytes               what the server takes
//   timeout       how long an answer of the server may take            5s
//   patience      how long a server that is away is waited for         for ever
//   tls           only over TLS; the server must show a certificate    no
//   tls_name      the name that its certificate must have              HOST
//   ca            the file of the authorities that are trusted         the system's
//   cert, key     the files of a certificate of our own                none
//   user          with the password in ANNULUS_NATS_PASSWORD           ANNULUS_NATS_USER, or none
//   creds         a file of credentials, as nsc writes it              ANNULUS_NATS_CREDS, or none
//
// A token stands in ANNULUS_NATS_TOKEN; login.hpp says which of these holds. No secret belongs into
// a name, which every process sees.
// Each error says which option, and what it may be.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <annulus/channel/at_least_cxx20.hpp>
#include <annulus/channel/result.hpp>

namespace annulus::nats {

struct host {
  std::string name;
  std::uint16_t port = 4222;
  friend bool operator==(const host&, const host&) = default;
};

// A name and its options, as the table above tells them.
struct address {
  std::vector<host> hosts;  // at least one
  std::string stream;
  std::string subject;
  std::string durable = "annulus";
  bool creates = true;
  std::chrono::nanoseconds window = std::chrono::minutes(2);
  std::optional<std::uint64_t> max_message;
  std::chrono::nanoseconds timeout = std::chrono::seconds(5);
  std::optional<std::chrono::nanoseconds> patience;
  bool tls = false;
  std::string tls_name, ca, cert, key;
  std::string user, creds;
};

// Whether a text is meant as such a name.
[[nodiscard]] bool is_address(std::string_view text) noexcept;
// Fails with a message that says which option, and what it may be.
[[nodiscard]] result<address> parse(std::string_view text);
// nats://HOST:PORT
[[nodiscard]] std::string to_string(const host& h);
// Without the options.
[[nodiscard]] std::string to_string(const address& a);

}  // namespace annulus::nats
