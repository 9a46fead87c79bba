#include "machine.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <boost/version.hpp>
#include <ck_md.h>
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

}  // namespace

std::vector<std::pair<std::string, std::string>> facts_of_this_machine(const processors& on) {
  utsname system{};
  uname(&system);
  return {
      {"annulus", ANNULUS_BENCH_VERSION},
      {"date", today()},
      {"processor", fmt::format("{}, {} online", processor_model(), sysconf(_SC_NPROCESSORS_ONLN))},
      {"kernel", fmt::format("{} {} {}", system.sysname, system.release, system.machine)},
      {"compiler", compiler()},
      {"flags", ANNULUS_BENCH_FLAGS},
      {"peers", fmt::format("Boost {}.{}.{}, Concurrency Kit {}, moodycamel as packaged",
                            BOOST_VERSION / 100000, BOOST_VERSION / 100 % 1000, BOOST_VERSION % 100,
                            CK_VERSION)},
      {"pinned", fmt::format("the consumer to processor {}, producers in turn to the rest of {}",
                             on.of_side(0), on.list())},
  };
}

}  // namespace annulus::bench
