// How we say to a server who we are. A name tells it, or else the environment; no secret stands in
// a name.
//
//   a user    user= or ANNULUS_NATS_USER, with ANNULUS_NATS_PASSWORD
//   a file    creds= or ANNULUS_NATS_CREDS
//   a token   ANNULUS_NATS_TOKEN
//
// One of them is used, and never another silently: what a name tells goes before the environment,
// and an environment that tells two of them is refused.
#pragma once

#include <cstdint>
#include <string>

#include <annulus/channel/result.hpp>
#include <annulus/nats/name.hpp>

namespace annulus::nats {

enum class login_by : std::uint8_t { nothing, user, file, token };

struct login {
  login_by by = login_by::nothing;
  std::string user;    // of a user
  std::string secret;  // a user's password, or the token
  std::string file;    // of credentials
};

// Fails with bad_argument if the environment contradicts itself, or the file cannot be read.
[[nodiscard]] result<login> login_of(const address& at);
// For a server that refuses it: what was shown, and what to set. Repeats no secret.
[[nodiscard]] std::string advice_on(const login& refused);

}  // namespace annulus::nats
