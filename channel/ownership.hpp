// Whose files are opened.
#pragma once

#include <cstdint>

namespace annulus {

// own_or_root refuses files of other users; any takes them.
enum class ownership : std::uint8_t { own_or_root, any };

}  // namespace annulus
