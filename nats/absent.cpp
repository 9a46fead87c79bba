// The leg in a build without libnats.
#include <annulus/nats/leg.hpp>

namespace annulus::nats {

bool is_built_in() noexcept { return false; }
std::string why_not_built_in() {
  return "the leg to NATS is not built in: libnats was not there when this was built (Debian: "
         "libnats-dev), or it was built with ANNULUS_NATS=OFF";
}

class target::publisher {};
class source::subscriber {};

result<target> target::open(const address& at) {
  return failure{fault::incompatible, to_string(at) + ": " + why_not_built_in()};
}
result<source> source::open(const address& at) {
  return failure{fault::incompatible, to_string(at) + ": " + why_not_built_in()};
}

target::target(std::unique_ptr<publisher> one) noexcept : publisher_(std::move(one)) {}
target::target(target&&) noexcept = default;
target& target::operator=(target&&) noexcept = default;
target::~target() = default;
source::source(std::unique_ptr<subscriber> one) noexcept : subscriber_(std::move(one)) {}
source::source(source&&) noexcept = default;
source& source::operator=(source&&) noexcept = default;
source::~source() = default;

// None is ever open.
bool target::add(message, const message_mark&) { return false; }
bus::taken target::push(deadline, bool) { return {.why = status::not_permitted}; }
std::size_t target::drop() { return 0; }
void target::close() noexcept {}
bool target::has_lost_name() const noexcept { return false; }
bool target::is_away() const noexcept { return false; }
bool target::has_given_up() const { return false; }
std::string target::trouble() const { return {}; }
std::size_t target::max_message() const noexcept { return 0; }
std::uint64_t target::repeated() const noexcept { return 0; }

view source::read(deadline) { return status::not_permitted; }
view source::try_read() { return status::not_permitted; }
message_mark source::mark() const noexcept { return {}; }
void source::release() {}
bool source::has_ended() { return false; }
void source::close() noexcept {}
bool source::has_lost_name() const noexcept { return false; }
bool source::is_away() const noexcept { return false; }
bool source::has_given_up() const { return false; }
std::string source::trouble() const { return {}; }
std::size_t source::max_message() const noexcept { return 0; }

namespace {
const std::string nobody;
}
const std::string& target::name() const noexcept { return nobody; }
const std::string& target::where() const noexcept { return nobody; }
const std::string& source::name() const noexcept { return nobody; }
const std::string& source::where() const noexcept { return nobody; }

}  // namespace annulus::nats
