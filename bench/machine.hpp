// What the figures were taken on, and with.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "sides.hpp"

namespace annulus::bench {

// Name and value of each fact, in the order to print them.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> facts_of_this_machine(
    const processors& on);

}  // namespace annulus::bench
