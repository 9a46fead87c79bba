#include "bench/machine.hpp"

#include <fmt/format.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cstdlib>
#include <ctime>
#include <fstream>

namespace annulus::bench {
namespace {

std::string processor_model() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  }
  return "unknown";
}

std::string compiler() {
#ifdef __clang__
  return __VERSION__;
#else
  return "g++ " __VERSION__;
#endif
}

std::string today() {
  const std::time_t now = std::time(nullptr);
  char text[16];
  std::strftime(text, sizeof text, "%Y-%m-%d", std::gmtime(&now));
  return text;
}

// Other programs on the processors show in every figure.
std::string load() {
  double over_a_minute = 0;
  if (getloadavg(&over_a_minute, 1) != 1) return "unknown";
  return fmt::format("{:.1f} over the last minute", over_a_minute);
}

}  // namespace

facts facts_of_this_machine() {
  utsname system{};
  uname(&system);
  return {
      {"annulus", ANNULUS_VERSION},
      {"date", today()},
      {"processor", fmt::format("{}, {} online", processor_model(), sysconf(_SC_NPROCESSORS_ONLN))},
      {"load", load()},
      {"kernel", fmt::format("{} {} {}", system.sysname, system.release, system.machine)},
      {"compiler", compiler()},
      {"flags", ANNULUS_FLAGS},
  };
}

}  // namespace annulus::bench
