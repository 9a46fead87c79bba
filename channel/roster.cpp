#include <ctime>

#include <annulus/channel/process.hpp>
#include <annulus/channel/roster.hpp>

namespace annulus {
namespace {

std::string process(std::uint32_t pid) { return "process " + std::to_string(pid); }

failure one_in_use(const std::string& kind, const char* role, std::uint32_t pid) {
  return {fault::in_use, "the " + kind + " has a " + role + " already: " + process(pid) +
                             " holds it and is alive"};
}

}  // namespace

holder holder::here() noexcept {
  return {static_cast<std::uint64_t>(std::time(nullptr)), process_id(), user_id()};
}

failure consumer_in_use(const std::string& kind, std::uint32_t pid) {
  return one_in_use(kind, "consumer", pid);
}

failure producers_in_use(const std::string& kind, std::uint32_t producers, std::uint32_t pid) {
  if (producers == 1) return one_in_use(kind, "producer", pid);
  return {fault::in_use, "all " + std::to_string(producers) + " producers of the " + kind +
                             " are attached and alive, the first " + process(pid) +
                             "; close one, or create it for more producers"};
}

}  // namespace annulus
