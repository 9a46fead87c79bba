#include <algorithm>
#include <charconv>
#include <deque>
#include <optional>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <annulus/nats/connection.hpp>
#include <annulus/nats/headers.hpp>
#include <annulus/nats/leg.hpp>
#include <annulus/nats/standing.hpp>

namespace annulus::nats {
namespace {

using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;

using owned_consumer_info = owned<jsConsumerInfo, jsConsumerInfo_Destroy>;

constexpr auto request_lasts = 2000ms;  // at the server; a dead reader is in the way as long
constexpr auto looks_apart = 50ms;
constexpr int quiet_looks = 10;    // in a row, until nobody reads; a live reader asks again sooner
constexpr int most_at_once = 512;  // messages that a request asks for
constexpr std::int64_t bytes_at_once = std::int64_t{4} << 20;
constexpr std::int64_t redelivered_after = 30'000'000'000;  // ns
constexpr std::int64_t most_unreleased = 1 << 17;           // two batches of the largest size

// Where a message stands: what the server wrote into the subject that its acknowledgement goes to.
//
//     $JS.ACK.STREAM.CONSUMER.DELIVERED.SEQUENCE.CONSUMER_SEQUENCE.TIME.PENDING
//     $JS.ACK.DOMAIN.ACCOUNT.STREAM. ... .PENDING[.RANDOM]
struct place {
  std::uint64_t sequence = 0;  // in the stream
  std::uint64_t delivery = 0;  // by the consumer, counted from 1
};

std::optional<place> place_of(std::string_view reply) {
  if (!reply.starts_with("$JS.ACK.")) return std::nullopt;
  std::vector<std::string_view> tokens;
  for (std::size_t at = 0; at <= reply.size();) {
    const auto end = std::min(reply.find('.', at), reply.size());
    tokens.push_back(reply.substr(at, end - at));
    at = end + 1;
  }
  if (tokens.size() != 9 && tokens.size() < 11) return std::nullopt;
  const std::size_t shift = tokens.size() == 9 ? 0 : 2;
  const auto read = [&](std::size_t i, std::uint64_t& out) {
    const auto text = tokens[i + shift];
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    return error == std::errc() && end == text.data() + text.size();
  };
  place out;
  if (!read(5, out.sequence) || !read(6, out.delivery)) return std::nullopt;
  return out;
}

// A stream of others' messages as a stream of marks: its name, and when it was made.
std::uint64_t key_of(const std::string& name, std::int64_t created) noexcept {
  std::uint64_t out = 0xcbf29ce484222325;  // FNV-1a
  const auto mix = [&](unsigned char byte) { out = (out ^ byte) * 0x100000001b3; };
  for (const char c : name) mix(static_cast<unsigned char>(c));
  for (int i = 0; i < 64; i += 8) mix(static_cast<unsigned char>(created >> i));
  return out;
}

}  // namespace

class source::subscriber {
 public:
  subscriber(connection from, std::string name) : from_(std::move(from)), name_(std::move(name)) {
    const auto most = from_.max_payload();
    max_message_ = most > 0 ? static_cast<std::size_t>(most) : 0;
    if (const auto& named = from_.at().max_message) {
      max_message_ = std::min<std::uint64_t>(max_message_, *named);
    }
  }

  // Waits while another reads through the durable consumer. It may be one that was killed: then its
  // request ends. A live one asks again at once, but for an instant it has asked for nothing.
  result<bool> await_turn();
  // Finds the durable consumer, or makes it, at the first message that was not released.
  result<bool> attach();

  view read(deadline until) {
    while (unread_.empty()) {
      if (!from_.is_ready(until)) return from_.is_removed() ? status::removed : status::timed_out;
      if (connection_ != from_.count() && !attach_again()) return status::timed_out;
      if (!ask()) continue;
      if (!hear(until)) return status::timed_out;
    }
    return try_read();
  }

  view try_read() {
    if (unread_.empty()) return status::empty;
    const auto& next = unread_.front();
    const auto bytes = static_cast<std::size_t>(natsMsg_GetDataLength(next.get()));
    if (bytes > max_message_) return status::never_fits;
    read_.push_back(std::move(unread_.front()));
    unread_.pop_front();
    natsMsg* const one = read_.back().get();
    const auto at = place_of(natsMsg_GetReply(one)).value_or(place());
    read_to_ = at.sequence;
    mark_ = mark_in(one, at.sequence);
    return message(reinterpret_cast<const std::byte*>(natsMsg_GetData(one)), bytes);
  }
  [[nodiscard]] message_mark mark() const noexcept { return mark_; }

  void release() {
    const bool is_same = connection_ == from_.count() && from_.is_connected();
    for (const auto& one : read_) {
      if (is_same) acknowledge(one.get());
    }
    if (!read_.empty()) released_to_ = read_to_;
    read_.clear();
  }

  bool has_ended() {
    if (!unread_.empty() || !from_.is_connected()) return false;
    const auto found = find();
    if (!found || *found == nullptr) return false;
    const auto& now = **found;
    // A server that does not lead the consumer may say that nothing was delivered, and nothing is
    // left.
    return standing_of(now) == standing::in_turn && now.NumPending == 0 &&
           now.Delivered.Consumer + 1 >= next_delivery_;
  }

  void close() noexcept {
    if (from_.is_connected()) {  // the acknowledgements are on their way before it is closed
      static_cast<void>(
          natsConnection_FlushTimeout(from_.handle(), milliseconds_of(from_.at().timeout)));
    }
    from_.close();
  }

  connection& from() noexcept { return from_; }
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] std::size_t max_message() const noexcept { return max_message_; }

 private:
  // Null if there is none. It fails if the one that is there is unfit.
  [[nodiscard]] result<owned_consumer_info> find();
  [[nodiscard]] std::string named() const {
    return to_string(from_.at()) + ": the consumer '" + from_.at().durable + "' ";
  }
  [[nodiscard]] failure in_use() const {
    return {fault::in_use, named() + "is read by another; name another with durable="};
  }
  [[nodiscard]] failure unled() const {
    return {fault::system, named() + "is led by no server of the cluster yet"};
  }
  // What the consumer would have to be like.
  [[nodiscard]] std::string unfitness_of(const jsConsumerConfig& found) const;
  [[nodiscard]] result<bool> make_consumer(std::uint64_t start);
  [[nodiscard]] result<bool> subscribe();
  [[nodiscard]] bool attach_again();

  // Of one request; a message of the largest size always fits. At most 128 MiB, as of a payload.
  [[nodiscard]] std::int64_t bytes_wanted() const noexcept {
    return std::clamp<std::int64_t>(from_.max_payload() + (1 << 16), bytes_at_once, 1 << 27);
  }
  // Asks for more, if nothing is asked for. Returns false if the connection was lost.
  bool ask() {
    if (wanted_ > 0 && clock::now() < asked_until_) return true;
    const auto bytes = bytes_wanted();
    const auto request = R"({"batch":)" + std::to_string(most_at_once) + R"(,"max_bytes":)" +
                         std::to_string(bytes) + R"(,"expires":)" +
                         std::to_string(std::chrono::nanoseconds(request_lasts).count()) + "}";
    const auto to = "$JS.API.CONSUMER.MSG.NEXT." + from_.at().stream + "." + from_.at().durable;
    const auto s = natsConnection_PublishRequest(from_.handle(), to.c_str(), from_.inbox().c_str(),
                                                 request.data(), static_cast<int>(request.size()));
    if (s != NATS_OK) {
      from_.lose("messages cannot be asked for: " + words_of(s));
      return false;
    }
    wanted_ = most_at_once;
    asked_until_ = clock::now() + request_lasts + from_.at().timeout;
    return true;
  }

  // Takes what has come, waits for the first. Returns false if the deadline has passed.
  bool hear(deadline until) {
    natsMsg* said = nullptr;
    const auto s = natsSubscription_NextMsg(&said, from_.heard(),
                                            milliseconds_to(std::min(until, asked_until_)));
    owned_message one(said);
    if (s == NATS_TIMEOUT) {
      if (clock::now() >= asked_until_) from_.lose("the server did not end a request in time");
      return clock::now() < until;
    }
    if (s != NATS_OK) {
      const auto words = from_.complaint();
      from_.lose("the connection was lost" + (words.empty() ? words : ": " + words));
      return true;
    }
    take(std::move(one));
    return true;
  }

  void take(owned_message one) {
    const auto at = place_of(reply_of(one.get()));
    if (!at) return take_word(one.get());
    from_.be_well();
    if (wanted_ > 0) --wanted_;
    // Another reader had what is missing here, or it was lost on the way.
    if (at->delivery != next_delivery_) {
      return from_.lose("deliveries are missing: another reads through the consumer '" +
                        from_.at().durable + "', or they were lost");
    }
    ++next_delivery_;
    if (at->sequence <= released_to_)
      return acknowledge(one.get());  // the last word of it was lost
    if (at->sequence <= taken_to_) return;
    taken_to_ = at->sequence;
    unread_.push_back(std::move(one));
  }
  // What is no message says that a request has ended, or that nobody is there to hear it.
  void take_word(natsMsg* said) {
    const char* code = nullptr;
    static_cast<void>(natsMsgHeader_Get(said, "Status", &code));
    const std::string_view number = code != nullptr ? code : "";
    if (number == "100") return;  // a heartbeat
    if (number == "404" || number == "408") {
      wanted_ = 0;
      from_.be_well();
      return;
    }
    const char* words = nullptr;
    static_cast<void>(natsMsgHeader_Get(said, "Description", &words));
    from_.lose("the consumer '" + from_.at().durable +
               "' does not answer: " + (words != nullptr ? words : std::string(number)));
  }

  static std::string_view reply_of(natsMsg* one) noexcept {
    const char* const reply = natsMsg_GetReply(one);
    return reply != nullptr ? reply : "";
  }
  void acknowledge(natsMsg* one) {
    static_cast<void>(natsConnection_PublishString(from_.handle(), natsMsg_GetReply(one), "+ACK"));
  }
  [[nodiscard]] message_mark mark_in(natsMsg* one, std::uint64_t sequence) const {
    const char* id = nullptr;
    if (natsMsgHeader_Get(one, id_header, &id) == NATS_OK && id != nullptr) {
      if (const auto mark = mark_of(id)) return *mark;
    }
    return {key_of(from_.at().stream, from_.facts().created), sequence};
  }

  connection from_;
  std::string name_;
  std::size_t max_message_ = 0;
  std::uint64_t connection_ = 0;  // that the subscription is of
  int wanted_ = 0;                // of the open request; 0: none is open
  clock::time_point asked_until_{};
  std::uint64_t next_delivery_ = 1;
  std::deque<owned_message> unread_;
  std::vector<owned_message> read_;
  std::uint64_t taken_to_ = 0;     // sequences of the stream: of what has come,
  std::uint64_t read_to_ = 0;      // was read,
  std::uint64_t released_to_ = 0;  // and was released
  message_mark mark_;
};

std::string source::subscriber::unfitness_of(const jsConsumerConfig& found) const {
  const auto text = [](const char* s) { return std::string(s != nullptr ? s : ""); };
  if (!text(found.DeliverSubject).empty()) return "is pushed to, and not pulled from";
  if (found.AckPolicy != js_AckExplicit) return "does not demand explicit acknowledgements";
  if (found.MaxDeliver > 0) return "gives a message up after so many deliveries";
  if (text(found.FilterSubject) != from_.at().subject) {
    return "reads the subject '" + text(found.FilterSubject) + "', not '" + from_.at().subject +
           "'";
  }
  return {};
}

result<bool> source::subscriber::make_consumer(std::uint64_t start) {
  const auto& at = from_.at();
  jsConsumerConfig config;
  jsConsumerConfig_Init(&config);
  config.Durable = at.durable.c_str();
  config.AckPolicy = js_AckExplicit;
  config.AckWait = redelivered_after;
  config.MaxAckPending = most_unreleased;
  if (!at.subject.empty()) config.FilterSubject = at.subject.c_str();
  // A work queue has no other messages than those that were not released.
  if (start > 1 && from_.facts().retention != js_WorkQueuePolicy) {
    config.DeliverPolicy = js_DeliverByStartSequence;
    config.OptStartSeq = start;
  }
  jsConsumerInfo* made = nullptr;
  auto code = jsErrCode(0);
  const auto s =
      js_AddConsumer(&made, from_.stream_context(), at.stream.c_str(), &config, nullptr, &code);
  const owned_consumer_info info(made);
  if (s != NATS_OK) {
    return failure{fault::system, to_string(at) + ": the consumer '" + at.durable +
                                      "' was not to be made: " + words_of(s)};
  }
  next_delivery_ = 1;
  return true;
}

result<bool> source::subscriber::subscribe() {
  // What a server sends beyond what was asked for is dropped, and the gap is noticed.
  const auto s = from_.listen("", 2 * most_at_once, 2 * bytes_wanted());
  if (s != NATS_OK) {
    return failure{fault::system, to_string(from_.at()) + ": there is no inbox: " + words_of(s)};
  }
  wanted_ = 0;
  unread_.clear();
  taken_to_ = released_to_;
  connection_ = from_.count();
  return true;
}

result<owned_consumer_info> source::subscriber::find() {
  const auto& at = from_.at();
  jsConsumerInfo* found = nullptr;
  auto code = jsErrCode(0);
  const auto s = js_GetConsumerInfo(&found, from_.stream_context(), at.stream.c_str(),
                                    at.durable.c_str(), nullptr, &code);
  owned_consumer_info info(found);
  if (s != NATS_OK && code != JSConsumerNotFoundErr) {
    return failure{fault::system, named() + "cannot be looked at: " + words_of(s)};
  }
  const auto why = info ? unfitness_of(*info->Config) : std::string();
  if (!why.empty()) {
    return failure{fault::incompatible, named() + why + "; name another with durable="};
  }
  return info;
}

result<bool> source::subscriber::await_turn() {
  int quiet = quiet_looks - 1;  // one look is enough until a reader was seen
  const auto longest = std::max<std::chrono::nanoseconds>(from_.at().timeout, request_lasts + 1s);
  for (const auto until = within(longest);;) {
    const auto found = find();
    if (!found) return found.error();
    if (*found == nullptr) return true;
    const bool is_led = standing_of(**found) != standing::unled;
    if (is_led) quiet = (*found)->NumWaiting > 0 ? 0 : quiet + 1;
    if (is_led && quiet == quiet_looks) return true;
    if (clock::now() >= until) return is_led ? in_use() : unled();
    std::this_thread::sleep_for(looks_apart);
  }
}

result<bool> source::subscriber::attach() {
  const auto& at = from_.at();
  const auto info = find();
  if (!info) return info.error();
  if (const auto* const found = info->get()) {
    const auto stands = standing_of(*found);
    if (stands == standing::unled) return unled();
    if (found->NumWaiting > 0) return in_use();
    if (stands == standing::in_turn) {
      next_delivery_ = found->Delivered.Consumer + 1;
      return subscribe();
    }
    // The consumer is set back to the first message that was not released: it is made anew there.
    auto gone = jsErrCode(0);
    static_cast<void>(js_DeleteConsumer(from_.stream_context(), at.stream.c_str(),
                                        at.durable.c_str(), nullptr, &gone));
    released_to_ = last_released(*found, released_to_);
  }
  auto made = make_consumer(released_to_ + 1);
  if (!made) return made;
  return subscribe();
}

bool source::subscriber::attach_again() {
  const auto attached = attach();
  if (attached) return true;
  const auto& words = attached.error().message;
  from_.lose(words.substr(std::min(words.size(), to_string(from_.at()).size() + 2)));
  return false;
}

result<source> source::open(const address& at) {
  connection to(at);
  auto opened = to.open(true);
  if (!opened) return opened.error();
  if (to.facts().retention == js_InterestPolicy) {
    return failure{fault::incompatible,
                   to_string(at) +
                       ": the stream keeps only what some consumer is interested in, "
                       "and a consumer that is set back would lose it; take one with "
                       "limits or a work queue"};
  }
  auto reader = std::make_unique<subscriber>(std::move(to), to_string(at));
  if (auto turn = reader->await_turn(); !turn) return turn.error();
  if (auto attached = reader->attach(); !attached) return attached.error();
  return source(std::move(reader));
}

source::source(std::unique_ptr<subscriber> one) noexcept : subscriber_(std::move(one)) {}
source::source(source&&) noexcept = default;
source& source::operator=(source&&) noexcept = default;
source::~source() = default;

view source::read(deadline until) { return subscriber_->read(until); }
view source::try_read() { return subscriber_->try_read(); }
message_mark source::mark() const noexcept { return subscriber_->mark(); }
void source::release() { subscriber_->release(); }
bool source::has_ended() { return subscriber_->has_ended(); }
void source::close() noexcept { subscriber_->close(); }
bool source::has_lost_name() const noexcept { return subscriber_->from().is_removed(); }
bool source::is_away() const noexcept { return subscriber_->from().is_away(); }
bool source::has_given_up() const { return subscriber_->from().has_given_up(); }
std::string source::trouble() const { return subscriber_->from().trouble(); }
std::size_t source::max_message() const noexcept { return subscriber_->max_message(); }
const std::string& source::name() const noexcept { return subscriber_->name(); }
const std::string& source::where() const noexcept { return subscriber_->name(); }

}  // namespace annulus::nats
