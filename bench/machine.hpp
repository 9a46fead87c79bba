// What figures were taken on, and with.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace annulus::bench {

// Name and value of each, in the order to print them.
using facts = std::vector<std::pair<std::string, std::string>>;

// The date, the processor, the kernel, the compiler and its flags.
[[nodiscard]] facts facts_of_this_machine();

}  // namespace annulus::bench
