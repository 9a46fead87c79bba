// Whose files are opened.
#pragma once

#include <cstdint>

namespace annulus {

enum class ownership : std::uint8_t { own_or_root, any };

}  // namespace annulus
