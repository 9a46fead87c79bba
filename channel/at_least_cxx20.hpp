// Stops a compilation as an older C++, with one error that says so. Every public header includes
// this one first.
#pragma once

#if __cplusplus < 202002L
// Only a missing file ends a compilation at once: after #error hundreds of errors would follow.
#include "annulus needs C++20: compile with -std=c++20 or later"
#endif

#include <annulus/channel/platform.hpp>
