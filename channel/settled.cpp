#include <annulus/channel/lock.hpp>
#include <annulus/channel/settled.hpp>

namespace annulus::files {

failure maker_holds(const std::string& what, std::string_view does, const std::string& path) {
  return {fault::in_use, what + " is locked, as by a process that " + std::string(does) + ", for " +
                             std::to_string(patience.count()) +
                             " s now; the kernel does not say by which: see `fuser " + path +
                             "`, end it, or remove it by force"};
}

result<bool> take_all_roles(int file, std::uint32_t producers, const std::string& name) {
  for (std::uint32_t role = 0; role <= producers; ++role) {
    // Taken, not looked at: whoever comes in between is refused, or finds the name gone.
    if (locks::take(file, role)) continue;
    const auto who = role == consumer_role ? std::string("the consumer")
                                           : "producer " + std::to_string(role - 1);
    return failure{fault::in_use, quoted(name) + " is in use: " + who +
                                      " is attached and alive; close it first, or force"};
  }
  return true;
}

}  // namespace annulus::files
