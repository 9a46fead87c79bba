#include <algorithm>
#include <charconv>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <annulus/nats/connection.hpp>
#include <annulus/nats/headers.hpp>
#include <annulus/nats/leg.hpp>

namespace annulus::nats {
namespace {

using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;

constexpr auto pause_when_full = 50ms;
// So many messages may be without an answer; and so many are sent before answers are heard again.
constexpr std::size_t window = 8192;
constexpr std::size_t stretch = 64;
// Of answers that wait to be heard. What a server sends beyond is dropped, and then asked for anew.
constexpr int most_answers = 2 * window;
constexpr int answer_bytes = 64 << 20;

// What the server says of one message: {"stream":"S","seq":1} or {"error":{...,"err_code":N}}.
struct answer {
  std::size_t of = 0;  // in the batch
  bool is_repeat = false;
  int code = 0;  // 0: it is stored; -1: nobody answers for the stream
  std::string words;
  std::string stream;  // that stored it
};

// The text or the number behind a key, as the server writes JSON: each key once.
std::string_view behind(std::string_view json, std::string_view key) {
  const auto at = json.find(key);
  if (at == json.npos) return {};
  auto rest = json.substr(at + key.size());
  while (rest.starts_with(' ')) rest.remove_prefix(1);
  if (rest.starts_with('"')) return rest.substr(1, rest.find('"', 1) - 1);
  return rest.substr(0, rest.find_first_of(",}"));
}

answer read_answer(natsMsg* said) {
  answer out;
  const std::string_view subject = natsMsg_GetSubject(said);
  const auto number = subject.substr(subject.rfind('.') + 1);
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), out.of);
  if (error != std::errc() || end != number.data() + number.size()) out.of = ~std::size_t{0};
  if (natsMsg_IsNoResponders(said)) {
    out.code = -1;
    return out;
  }
  const std::string_view json(natsMsg_GetData(said),
                              static_cast<std::size_t>(natsMsg_GetDataLength(said)));
  out.is_repeat = behind(json, R"("duplicate":)") == "true";
  out.stream = behind(json, R"("stream":)");
  const bool is_stored =
      json.find(R"("error":)") == json.npos && !behind(json, R"("seq":)").empty();
  if (is_stored) return out;
  const auto code = behind(json, R"("err_code":)");
  out.code = 1;
  std::from_chars(code.data(), code.data() + code.size(), out.code);
  out.words = behind(json, R"("description":)");
  if (out.words.empty()) out.words = "an answer that is none: " + std::string(json.substr(0, 100));
  return out;
}

status refusal_of(int code) noexcept {
  switch (code) {
    case JSStorageResourcesExceededErr:
    case JSMemoryResourcesExceededErr:
    case JSInsufficientResourcesErr:
    case JSStreamStoreFailedErr: return status::full;
    case JSStreamMessageExceedsMaximumErr: return status::never_fits;
    default: return status::not_permitted;
  }
}

}  // namespace

// A batch on its way: [0, acked_) is stored, of [acked_, sent_) answers are awaited.
class target::publisher {
 public:
  publisher(connection to, std::string name) : to_(std::move(to)), name_(std::move(name)) {
    measure();
  }

  bool add(message one, const message_mark& mark) {
    batch_.push_back({one, mark, state::waiting});
    return true;
  }

  bus::taken push(deadline until, bool drops) {
    if (drops) until = std::max(until, within(bus::lane_grace));
    bus::taken out;
    refusal_.clear();
    while (acked_ < batch_.size()) {
      if (!to_.is_ready(until)) {
        out.why = to_.is_removed() ? status::removed : status::timed_out;
        return out;
      }
      out.why = go_on(until, out);
      if (out.why != status::ok) return out;
    }
    begin_anew();
    return out;
  }

  std::size_t drop() {
    const auto left = batch_.size() - acked_;
    begin_anew();
    to_.be_well();
    return left;
  }

  connection& to() noexcept { return to_; }
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] std::string trouble() const {
    return to_.is_away() || refusal_.empty() ? to_.trouble() : refusal_;
  }
  [[nodiscard]] std::size_t max_message() const noexcept { return max_message_; }
  [[nodiscard]] std::uint64_t repeated() const noexcept { return repeated_; }
  void close() noexcept { to_.close(); }

 private:
  enum class state : std::uint8_t { waiting, stored, refused };
  struct outgoing {
    message bytes;
    message_mark mark;
    state how;
  };

  // Sends a stretch, and hears what was answered. Waits only where nothing may be sent.
  status go_on(deadline until, bus::taken& out) {
    if (connection_ != to_.count() && !begin_connection()) return status::ok;  // it is lost again
    if (resumes_at_ > clock::now()) {
      std::this_thread::sleep_until(std::min(resumes_at_, until));
      if (resumes_at_ > clock::now()) return status::full;
    }
    const auto end = end_of_window();
    const auto why = send(std::min(end, sent_ + stretch));
    if (why != status::ok) return why;
    if (sent_ == acked_) return status::ok;  // the connection was lost
    const bool is_to_wait = sent_ == end || is_refused_;
    return is_to_wait ? hear(until, out) : hear_queued(until, out);
  }
  [[nodiscard]] std::size_t end_of_window() const noexcept {
    const auto most = to_.facts().is_one_by_one ? 1 : window;
    return std::min(acked_ + most, batch_.size());
  }

  // What had no answer is sent again, in order: the server knows what it has.
  bool begin_connection() {
    connection_ = to_.count();
    measure();
    send_again();
    const auto s = to_.listen(".*", most_answers, answer_bytes);
    if (s == NATS_OK) return true;
    lose("the answers cannot be subscribed to: " + words_of(s));
    return false;
  }
  void lose(const std::string& why) {
    to_.lose(why);
    send_again();
  }
  void send_again() noexcept {
    sent_ = acked_;
    for (auto i = acked_; i < batch_.size(); ++i) batch_[i].how = state::waiting;
    heard_at_ = clock::now();
    is_refused_ = false;
  }
  void begin_anew() noexcept {
    batch_.clear();
    acked_ = sent_ = 0;
    // An answer to a batch that was dropped must not be taken for one to the next.
    ++epoch_;
  }

  status send(std::size_t end) {
    if (is_refused_) return status::ok;  // first all answers, then again
    if (sent_ == acked_) heard_at_ = clock::now();
    for (; sent_ < end; ++sent_) {
      const auto s = publish(batch_[sent_]);
      if (s == NATS_OK) continue;
      if (s == NATS_MAX_PAYLOAD) return too_large(batch_[sent_].bytes.size());
      lose("a message was not to be sent: " + words_of(s));
      break;
    }
    return status::ok;
  }
  natsStatus publish(const outgoing& one) {
    if (one.bytes.size() > max_message_) return NATS_MAX_PAYLOAD;
    const auto reply = to_.inbox() + "." + std::to_string(epoch_ % 1'000'000 * 1'000'000 + sent_);
    natsMsg* made = nullptr;
    auto s = natsMsg_Create(&made, to_.facts().subject.c_str(), reply.c_str(),
                            reinterpret_cast<const char*>(one.bytes.data()),
                            static_cast<int>(one.bytes.size()));
    const owned_message m(made);
    if (s == NATS_OK) s = natsMsgHeader_Set(made, id_header, id_of(one.mark).data());
    return s == NATS_OK ? natsConnection_PublishMsg(to_.handle(), made) : s;
  }
  status too_large(std::size_t bytes) {
    refusal_ = "it has " + std::to_string(bytes) + " bytes, and the server takes " +
               std::to_string(max_message_) +
               " beside the headers; raise its max_payload, or send less at once";
    return status::never_fits;
  }

  status hear(deadline until, bus::taken& out) {
    natsMsg* said = nullptr;
    const auto silence = heard_at_ + to_.at().timeout;
    const auto s =
        natsSubscription_NextMsg(&said, to_.heard(), milliseconds_to(std::min(until, silence)));
    const owned_message one(said);
    if (s == NATS_TIMEOUT) {
      const auto now = clock::now();
      if (now >= silence) {
        const auto words = to_.complaint();
        lose(words.empty() ? "no answer came to what was sent" : words);
      }
      return now >= until ? status::timed_out : status::ok;
    }
    if (s != NATS_OK) {
      const auto words = to_.complaint();
      lose("the connection was lost" + (words.empty() ? words : ": " + words));
      return status::ok;
    }
    const auto count = queued();
    if (const auto why = take_answer(said, out); why != status::ok) return why;
    return hear_some(count, out);
  }
  // Those that have come.
  status hear_queued(deadline until, bus::taken& out) {
    const auto why = hear_some(queued(), out);
    return why == status::ok && clock::now() >= until ? status::timed_out : why;
  }
  status hear_some(std::uint64_t count, bus::taken& out) {
    for (; count > 0 && to_.heard() != nullptr; --count) {
      natsMsg* said = nullptr;
      if (natsSubscription_NextMsg(&said, to_.heard(), 1) != NATS_OK) break;
      const owned_message one(said);
      if (const auto why = take_answer(said, out); why != status::ok) return why;
    }
    return status::ok;
  }
  [[nodiscard]] std::uint64_t queued() const noexcept {
    std::uint64_t count = 0;
    static_cast<void>(natsSubscription_QueuedMsgs(to_.heard(), &count));
    return count;
  }
  status take_answer(natsMsg* said, bus::taken& out) {
    heard_at_ = clock::now();
    return take(read_answer(said), out);
  }
  status take(const answer& got, bus::taken& out) {
    const auto base = static_cast<std::size_t>(epoch_ % 1'000'000 * 1'000'000);
    const auto i = got.of - base;
    if (got.of < base || i < acked_ || i >= sent_) return status::ok;  // of an earlier batch
    if (got.code == -1) return without_stream();
    if (got.code == 0 && got.stream != to_.at().stream) return in_another(got.stream);
    batch_[i].how = got.code == 0 ? state::stored : state::refused;
    if (got.code == 0) {
      to_.be_well();
      if (got.is_repeat) ++repeated_;
    } else if (!is_refused_) {
      is_refused_ = true;
      code_ = got.code;
      refusal_ = got.words;
    }
    for (; acked_ < sent_ && batch_[acked_].how == state::stored; ++acked_) {
      ++out.messages;
      out.bytes += batch_[acked_].bytes.size();
    }
    return is_refused_ ? when_refused() : status::ok;
  }
  // Nobody answers for the subject: the stream was removed, or its server is not there now.
  status without_stream() {
    std::string why;
    if (to_.look_for_stream(why) == connection::sight::missing) {
      to_.be_removed();
      return status::removed;
    }
    lose("nobody answers for the stream");
    return status::ok;
  }
  // The subject was given to another stream: what that one took is not taken.
  status in_another(const std::string& stream) {
    refusal_ = "the stream '" + stream + "' takes what is published to " + to_.facts().subject +
               "; name the stream anew, or give the subject back to it";
    return status::not_permitted;
  }
  // When all answers are there, it is sent again from the first that was refused. If a later one
  // was stored, their order is lost, and a consumer with once=yes would drop the earlier one.
  status when_refused() {
    bool is_later_stored = false;
    for (auto i = acked_; i < sent_; ++i) {
      if (batch_[i].how == state::waiting) return status::ok;
      is_later_stored |= batch_[i].how == state::stored;
    }
    if (is_later_stored) {
      refusal_ +=
          "; but it took later ones, so their order is lost: a consumer with once=yes "
          "drops what is sent now";
      return status::corrupt;
    }
    const auto why = refusal_of(code_);
    send_again();
    if (why == status::full) resumes_at_ = clock::now() + pause_when_full;
    return why;
  }

  void measure() noexcept {
    const auto most = to_.max_payload() - header_bytes;
    max_message_ = most > 0 ? static_cast<std::size_t>(most) : 0;
    if (const auto& named = to_.at().max_message) {
      max_message_ = std::min<std::uint64_t>(max_message_, *named);
    }
  }

  connection to_;
  std::string name_;
  std::size_t max_message_ = 0;
  std::vector<outgoing> batch_;
  std::size_t acked_ = 0, sent_ = 0;
  std::uint64_t epoch_ = 0;       // of the batch
  std::uint64_t connection_ = 0;  // that it is sent over
  clock::time_point heard_at_{}, resumes_at_{};
  bool is_refused_ = false;
  int code_ = 0;
  std::string refusal_;
  std::uint64_t repeated_ = 0;
};

bool is_built_in() noexcept { return true; }
std::string why_not_built_in() { return {}; }

result<target> target::open(const address& at) {
  connection to(at);
  auto opened = to.open(true);
  if (!opened) return opened.error();
  if (to.facts().subject.empty() || to.facts().subject.find_first_of("*>") != std::string::npos) {
    return failure{fault::bad_argument,
                   to_string(at) +
                       ": the stream has several subjects, or one with wildcards; add "
                       "subject= to the name"};
  }
  return target(std::make_unique<publisher>(std::move(to), to_string(at)));
}

target::target(std::unique_ptr<publisher> one) noexcept : publisher_(std::move(one)) {}
target::target(target&&) noexcept = default;
target& target::operator=(target&&) noexcept = default;
target::~target() = default;

bool target::add(message one, const message_mark& mark) { return publisher_->add(one, mark); }
bus::taken target::push(deadline until, bool drops) { return publisher_->push(until, drops); }
std::size_t target::drop() { return publisher_->drop(); }
void target::close() noexcept { publisher_->close(); }
bool target::has_lost_name() const noexcept { return publisher_->to().is_removed(); }
bool target::is_away() const noexcept { return publisher_->to().is_away(); }
bool target::has_given_up() const { return publisher_->to().has_given_up(); }
std::string target::trouble() const { return publisher_->trouble(); }
std::size_t target::max_message() const noexcept { return publisher_->max_message(); }
const std::string& target::name() const noexcept { return publisher_->name(); }
const std::string& target::where() const noexcept { return publisher_->name(); }
std::uint64_t target::repeated() const noexcept { return publisher_->repeated(); }

}  // namespace annulus::nats
