// Every way in which a role waits, for tests that go through all.
#pragma once

#include <annulus/channel/waiting.hpp>

namespace annulus::testing {

inline constexpr waiting::kind kinds[] = {waiting::kind::spin, waiting::kind::yield,
                                          waiting::kind::block, waiting::kind::nap};

}  // namespace annulus::testing
