// What this process has mapped of segments: the words of these are other processes', too.
#pragma once

#include <cstddef>
#include <span>

namespace annulus::windows {

void add_mapped(std::span<std::byte> segment) noexcept;
void drop_mapped(std::span<std::byte> segment) noexcept;
// The segment that a word lies in; null: in none.
[[nodiscard]] std::byte* mapped_around(const void* word) noexcept;

}  // namespace annulus::windows
