#include <annulus/bus/choice.hpp>

namespace annulus::bus {
const char* to_string(transport t) noexcept {
  return t == transport::shm ? "shm" : t == transport::pipe ? "pipe" : "auto";
}

choice choose(const needs& of) {
  if (of.portable) {
    return {transport::pipe, "it must work where shared memory does not, on this machine", false};
  }
  if (of.latency && *of.latency < low_latency) {
    return {transport::shm, std::string("less than ") + low_latency_words + " is needed", false};
  }
  if (of.rate && *of.rate > high_rate) {
    return {transport::shm, std::string("more than ") + high_rate_words + " are needed", false};
  }
  if (of.guarded) {
    return {
        transport::pipe,
        "the system is to guard it: a pipe keeps an audit log of who came, and a message is copied "
        "before it is read",
        false};
  }
  return {transport::pipe,
          std::string("nothing asks for more than a pipe gives: neither less than ") +
              low_latency_words + " nor more than " + high_rate_words,
          false};
}

choice choose(const needs& of, std::uint64_t bytes, const std::string& directory) {
  auto out = choose(of);
  if (out.transport != transport::shm) return out;
  const auto missing = shared_memory_is_missing(bytes, directory);
  if (missing.empty()) return out;
  return {transport::pipe, out.why + ", but " + missing + ": the pipe takes its place", true};
}

}  // namespace annulus::bus
