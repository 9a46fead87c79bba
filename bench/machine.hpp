// What the figures were taken on, and with.
#pragma once

#include "compare/machine.hpp"
#include "shared.hpp"

namespace annulus::bench {

using compare::facts;

// Name and value of each fact, in the order to print them.
[[nodiscard]] facts facts_of_this_machine(const processors& on);

}  // namespace annulus::bench
