#include <ctime>

#include <annulus/channel/process.hpp>
#include <annulus/channel/roster.hpp>

namespace annulus {
namespace {

std::string process(const holder& by) {
  return "process " + process_number(static_cast<std::int32_t>(by.pid), by.pid_namespace);
}

failure one_in_use(const std::string& kind, const char* role, const holder& by) {
  return {fault::in_use,
          "the " + kind + " has a " + role + " already: " + process(by) + " holds it and is alive"};
}

}  // namespace

holder holder::here() noexcept {
  return {static_cast<std::uint64_t>(std::time(nullptr)), process_id(), user_id(),
          annulus::pid_namespace()};
}

bool is_of_another_namespace(std::uint32_t pid_namespace) noexcept {
  const auto own = annulus::pid_namespace();
  return pid_namespace != 0 && own != 0 && pid_namespace != own;
}

std::string process_number(std::int32_t pid, std::uint32_t pid_namespace) {
  auto number = std::to_string(pid);
  if (!is_of_another_namespace(pid_namespace)) return number;
  return number + " of pid namespace " + std::to_string(pid_namespace);
}

failure consumer_in_use(const std::string& kind, const holder& by) {
  return one_in_use(kind, "consumer", by);
}

failure producers_in_use(const std::string& kind, std::uint32_t producers, const holder& by) {
  if (producers == 1) return one_in_use(kind, "producer", by);
  return {fault::in_use, "all " + std::to_string(producers) + " producers of the " + kind +
                             " are attached and alive, the first " + process(by) +
                             "; close one, or create it for more producers"};
}

}  // namespace annulus
