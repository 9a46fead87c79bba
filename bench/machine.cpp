#include "machine.hpp"

#include <boost/version.hpp>
#include <ck_md.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace annulus::bench {

facts facts_of_this_machine(const processors& on) {
  auto all = compare::facts_of_this_machine();
  all.emplace_back(
      "peers", fmt::format("Boost {}.{}.{}, Concurrency Kit {}, moodycamel as packaged",
                           BOOST_VERSION / 100000, BOOST_VERSION / 100 % 1000, BOOST_VERSION % 100,
                           CK_VERSION));
  all.emplace_back("pinned",
                   fmt::format("the consumer to processor {}, producers in turn to the rest of {}",
                               on.of_side(0), on.list()));
  return all;
}

}  // namespace annulus::bench
