#include <algorithm>
#include <thread>

#include <annulus/nats/connection.hpp>
#include <annulus/nats/login.hpp>

namespace annulus::nats {
namespace {

using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;

constexpr auto shortest_pause = 50ms;
constexpr auto longest_pause = 2000ms;
constexpr auto sign_of_life = 2000ms;  // between two pings
constexpr int missed_signs = 2;

using owned_options = owned<natsOptions, natsOptions_Destroy>;

// The first of several settings that fails ends the series.
class series {
 public:
  explicit series(natsStatus first) noexcept : status_(first) {}
  template <class F>
  series& then(bool is_asked, F&& f) {
    if (status_ == NATS_OK && is_asked) status_ = f();
    return *this;
  }
  [[nodiscard]] natsStatus status() const noexcept { return status_; }

 private:
  natsStatus status_;
};

natsStatus set_login(natsOptions* to, const login& who) {
  switch (who.by) {
    case login_by::user: return natsOptions_SetUserInfo(to, who.user.c_str(), who.secret.c_str());
    case login_by::file:
      return natsOptions_SetUserCredentialsFromFiles(to, who.file.c_str(), nullptr);
    case login_by::token: return natsOptions_SetToken(to, who.secret.c_str());
    default: return NATS_OK;
  }
}

natsStatus set_tls(natsOptions* to, const address& at, const host& server) {
  const auto& name = at.tls_name.empty() ? server.name : at.tls_name;
  return series(natsOptions_SetSecure(to, true))
      .then(true, [&] { return natsOptions_SkipServerVerification(to, false); })
      .then(true, [&] { return natsOptions_SetExpectedHostname(to, name.c_str()); })
      .then(!at.ca.empty(),
            [&] { return natsOptions_LoadCATrustedCertificates(to, at.ca.c_str()); })
      .then(!at.cert.empty(),
            [&] { return natsOptions_LoadCertificatesChain(to, at.cert.c_str(), at.key.c_str()); })
      .status();
}

natsStatus make_options(owned_options& out, const address& at, const host& server,
                        const login& who) {
  natsOptions* made = nullptr;
  const auto s = natsOptions_Create(&made);
  out.reset(made);
  const auto url = to_string(server);
  const auto timeout = milliseconds_of(at.timeout);
  return series(s)
      .then(true, [&] { return natsOptions_SetURL(made, url.c_str()); })
      .then(true, [&] { return natsOptions_SetName(made, "annulus"); })
      .then(true, [&] { return natsOptions_SetTimeout(made, timeout); })
      .then(true, [&] { return natsOptions_SetWriteDeadline(made, timeout); })
      .then(true, [&] { return natsOptions_SetAllowReconnect(made, false); })
      .then(true, [&] { return natsOptions_SetIgnoreDiscoveredServers(made, true); })
      .then(true, [&] { return natsOptions_SetPingInterval(made, sign_of_life / 1ms); })
      .then(true, [&] { return natsOptions_SetMaxPingsOut(made, missed_signs); })
      .then(true, [&] { return set_login(made, who); })
      .then(at.tls, [&] { return set_tls(made, at, server); })
      .status();
}

fault kind_of(natsStatus s) noexcept {
  switch (s) {
    case NATS_CONNECTION_AUTH_FAILED:
    case NATS_NOT_PERMITTED:
    case NATS_SSL_ERROR:
    case NATS_SECURE_CONNECTION_WANTED:
    case NATS_SECURE_CONNECTION_REQUIRED: return fault::no_permission;
    case NATS_INVALID_ARG: return fault::bad_argument;
    default: return fault::not_found;
  }
}

// Whether a server that refused so may answer soon: it is being started, say.
bool may_come(fault f) noexcept { return f == fault::not_found; }

}  // namespace

std::string words_of(natsStatus s) {
  natsStatus last = NATS_OK;
  const char* const said = nats_GetLastError(&last);
  std::string out = natsStatus_GetText(s);
  if (said == nullptr || *said == '\0' || last != s || out == said) return out;
  return out + ": " + said;
}

std::int64_t milliseconds_of(std::chrono::nanoseconds span) noexcept {
  return std::max<std::int64_t>(std::chrono::ceil<std::chrono::milliseconds>(span).count(), 1);
}
std::int64_t milliseconds_to(deadline until) noexcept {
  if (until == no_deadline) return std::int64_t{1} << 31;
  return milliseconds_of(until - clock::now());
}

connection::connection(address at) : at_(std::move(at)) {}
connection::~connection() { close(); }

// The connection ends first, and with it libnats's thread that reads: some of its versions let that
// thread use a subscription that is being destroyed.
void connection::close() noexcept {
  if (handle_ != nullptr) natsConnection_Close(handle_.get());
  heard_.reset();
  context_.reset();
  handle_.reset();
}

natsStatus connection::listen(const char* behind, int messages, std::int64_t bytes) {
  natsInbox* inbox = nullptr;
  auto s = natsInbox_Create(&inbox);
  if (s != NATS_OK) return s;
  inbox_ = inbox;
  natsInbox_Destroy(inbox);
  natsSubscription* made = nullptr;
  s = natsConnection_SubscribeSync(&made, handle_.get(), (inbox_ + behind).c_str());
  if (s != NATS_OK) return s;
  heard_.reset(made);
  return natsSubscription_SetPendingLimits(made, messages, static_cast<int>(bytes));
}

bool connection::is_connected() const noexcept {
  return handle_ != nullptr && natsConnection_Status(handle_.get()) == NATS_CONN_STATUS_CONNECTED;
}

std::int64_t connection::max_payload() const noexcept {
  const auto most = natsConnection_GetMaxPayload(handle_.get());
  return facts_.max_message > 0 ? std::min(most, facts_.max_message) : most;
}

std::string connection::complaint() const {
  const char* said = nullptr;
  if (handle_ == nullptr || natsConnection_GetLastError(handle_.get(), &said) == NATS_OK) return {};
  return said != nullptr ? said : "";
}

result<bool> connection::connect() {
  const auto who = login_of(at_);
  if (!who) return who.error();
  owned_options options;
  auto s = make_options(options, at_, at_.hosts[turn_ % at_.hosts.size()], *who);
  if (s != NATS_OK) {
    return failure{fault::bad_argument, to_string(at_) + ": its options do not do: " + words_of(s)};
  }
  natsConnection* made = nullptr;
  s = natsConnection_Connect(&made, options.get());
  handle_.reset(made);
  if (s == NATS_OK) {
    ++count_;
    jsOptions how;
    jsOptions_Init(&how);
    how.Wait = milliseconds_of(at_.timeout);
    jsCtx* context = nullptr;
    s = natsConnection_JetStream(&context, made, &how);
    context_.reset(context);
  }
  if (s == NATS_OK) return true;
  auto words = to_string(at_) + ": there is no connection: " + words_of(s);
  if (s == NATS_CONNECTION_AUTH_FAILED) words += "; " + advice_on(*who);
  return failure{kind_of(s), std::move(words)};
}

connection::sight connection::look_for_stream(std::string& why) {
  jsStreamInfo* found = nullptr;
  auto code = jsErrCode(0);
  const auto s = js_GetStreamInfo(&found, context_.get(), at_.stream.c_str(), nullptr, &code);
  const owned_stream_info info(found);
  if (s == NATS_OK) {
    const bool is_first = facts_.created == 0;
    if (!is_first && facts_.created != found->Created) return sight::missing;
    if (!is_first) return sight::there;
    auto read = read_facts(*found);
    if (read) return sight::there;
    why = read.error().message;
    return sight::unknown;
  }
  why = s == NATS_NO_RESPONDERS ? "JetStream does not answer: is it enabled on the server (-js)?"
                                : words_of(s);
  return code == JSStreamNotFoundErr ? sight::missing : sight::unknown;
}

result<bool> connection::read_facts(const jsStreamInfo& info) {
  const auto& config = *info.Config;
  facts_.subject = at_.subject;
  if (facts_.subject.empty() && config.SubjectsLen == 1) facts_.subject = config.Subjects[0];
  const bool is_limited = config.MaxMsgs > 0 || config.MaxBytes > 0 || config.MaxMsgsPerSubject > 0;
  facts_.is_one_by_one = config.Replicas > 1 || (config.Discard == js_DiscardNew && is_limited);
  facts_.max_message = config.MaxMsgSize;
  facts_.retention = config.Retention;
  facts_.created = info.Created;
  return true;
}

result<bool> connection::make_stream() {
  const auto& subject = at_.subject.empty() ? at_.stream : at_.subject;
  const char* subjects[] = {subject.c_str()};
  jsStreamConfig config;
  jsStreamConfig_Init(&config);
  config.Name = at_.stream.c_str();
  config.Subjects = subjects;
  config.SubjectsLen = 1;
  config.Storage = js_FileStorage;
  config.Duplicates = at_.window.count();
  jsStreamInfo* made = nullptr;
  auto code = jsErrCode(0);
  const auto s = js_AddStream(&made, context_.get(), &config, nullptr, &code);
  const owned_stream_info info(made);
  if (s == NATS_OK) return read_facts(*made);
  if (code == JSStreamNameExistErr) {  // another has made it meanwhile
    std::string why;
    if (look_for_stream(why) == sight::there) return true;
  }
  return failure{fault::system, to_string(at_) + ": the stream was not to be made: " + words_of(s)};
}

result<bool> connection::open(bool makes) {
  const auto until = within(at_.timeout);
  for (auto pause = shortest_pause;; pause = std::min(pause * 2, longest_pause)) {
    auto connected = connect();
    std::string why;
    auto seen = sight::unknown;
    if (connected) {
      seen = look_for_stream(why);
      if (seen == sight::there) return true;
      if (seen == sight::missing && makes && at_.creates) return make_stream();
      if (seen == sight::missing) {
        return failure{fault::not_found, to_string(at_) + ": there is no such stream" +
                                             (makes ? ", and create=no" : "")};
      }
      const auto said = complaint();
      const bool is_forbidden = said.find("ermission") != said.npos;
      const auto kind = is_forbidden     ? fault::no_permission
                        : is_connected() ? fault::system
                                         : fault::not_found;  // lost again
      connected = failure{kind, to_string(at_) + ": " + (is_forbidden ? said : why)};
    }
    if ((seen == sight::unknown && !may_come(connected.error().kind)) ||
        clock::now() + pause >= until) {
      return connected;
    }
    ++turn_;
    std::this_thread::sleep_for(pause);
  }
}

void connection::lose(const std::string& why) {
  close();
  ++turn_;
  const auto now = clock::now();
  if (!since_) since_ = now;
  is_away_ = true;
  why_ = why;
  pause_ = std::clamp(pause_ * 2, std::chrono::milliseconds(shortest_pause),
                      std::chrono::milliseconds(longest_pause));
  next_try_ = now + pause_;
}

void connection::be_well() noexcept {
  since_.reset();
  pause_ = {};
}

bool connection::has_given_up() const {
  return is_away_ && since_ && at_.patience && clock::now() - *since_ >= *at_.patience;
}

std::string connection::trouble() const {
  return why_.empty() ? why_ : to_string(at_) + ": " + why_;
}

bool connection::reconnect() {
  const auto connected = connect();
  if (!connected) {
    const auto& words = connected.error().message;
    lose(words.substr(std::min(words.size(), to_string(at_).size() + 2)));
    return false;
  }
  std::string why;
  switch (look_for_stream(why)) {
    case sight::there: is_away_ = false; return true;
    case sight::missing:
      is_removed_ = true;
      close();
      return false;
    default: lose(why); return false;
  }
}

bool connection::is_ready(deadline until) {
  if (is_removed_) return false;
  if (handle_ != nullptr) {
    if (is_connected()) return true;
    const auto said = complaint();
    lose(said.empty() ? "the connection was lost" : "the connection was lost: " + said);
  }
  if (next_try_ > clock::now()) {
    std::this_thread::sleep_until(std::min(next_try_, until));
    if (next_try_ > clock::now()) return false;
  }
  return reconnect();
}

}  // namespace annulus::nats
