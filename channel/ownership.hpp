// How files are opened, and whose.
#pragma once

#include <cstdint>

namespace annulus {

// own_or_root refuses files of other users; any takes them.
enum class ownership : std::uint8_t { own_or_root, any };

// How a file is opened and mapped.
enum class access : std::uint8_t { read_only, read_write };

}  // namespace annulus
