#include <cstdlib>
#include <fstream>

#include <annulus/nats/login.hpp>

namespace annulus::nats {
namespace {

constexpr const char* user_word = "ANNULUS_NATS_USER";
constexpr const char* password_word = "ANNULUS_NATS_PASSWORD";
constexpr const char* file_word = "ANNULUS_NATS_CREDS";
constexpr const char* token_word = "ANNULUS_NATS_TOKEN";

// Empty where it is not set.
std::string from_environment(const char* name) {
  const char* const value = std::getenv(name);
  return value != nullptr ? value : "";
}

login by_user(const std::string& user) {
  return {login_by::user, user, from_environment(password_word), {}};
}
login by_file(const std::string& file) { return {login_by::file, {}, {}, file}; }
login by_token(const std::string& token) { return {login_by::token, {}, token, {}}; }

result<login> login_of_environment(const address& at) {
  const auto user = from_environment(user_word);
  const auto file = from_environment(file_word);
  const auto token = from_environment(token_word);
  if (!user.empty() + !file.empty() + !token.empty() > 1) {
    return failure{fault::bad_argument, to_string(at) + ": " + user_word + ", " + file_word +
                                            " and " + token_word +
                                            " exclude each other; set one of them, or say user= "
                                            "or creds= in the name"};
  }
  if (!user.empty()) return by_user(user);
  if (!file.empty()) return by_file(file);
  if (!token.empty()) return by_token(token);
  return login();
}

}  // namespace

result<login> login_of(const address& at) {
  auto out = !at.user.empty()    ? by_user(at.user)
             : !at.creds.empty() ? by_file(at.creds)
                                 : login_of_environment(at);
  // libnats would say it only after it has connected, and not which file.
  if (out && out->by == login_by::file && !std::ifstream(out->file)) {
    return failure{fault::bad_argument, to_string(at) + ": the file of credentials '" + out->file +
                                            "' cannot be read; see creds= and " + file_word};
  }
  return out;
}

std::string advice_on(const login& refused) {
  switch (refused.by) {
    case login_by::user:
      if (refused.secret.empty()) {
        return "it wants a password of the user '" + refused.user + "'; set " + password_word;
      }
      return "it does not take the user '" + refused.user + "' with the password in " +
             password_word;
    case login_by::file: return "it does not take the credentials in '" + refused.file + "'";
    case login_by::token: return std::string("it does not take the token in ") + token_word;
    default:
      return std::string("it wants to know who we are; say user= in the name and set ") +
             password_word + ", or say creds=, or set " + token_word;
  }
}

}  // namespace annulus::nats
