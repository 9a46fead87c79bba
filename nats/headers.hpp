// The header of a message: its mark as the server's message id.
#pragma once

#include <array>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>

#include <annulus/channel/mark.hpp>

namespace annulus::nats {

inline constexpr const char* id_header = "Nats-Msg-Id";

// annulus-STREAM-NUMBER, both of 16 hexadecimal digits.
inline constexpr std::string_view id_prefix = "annulus-";
inline constexpr std::size_t id_bytes = id_prefix.size() + 16 + 1 + 16;

// Ends with a zero.
[[nodiscard]] inline std::array<char, id_bytes + 1> id_of(const message_mark& mark) noexcept {
  std::array<char, id_bytes + 1> out{};
  std::snprintf(out.data(), out.size(), "annulus-%016llx-%016llx",
                static_cast<unsigned long long>(mark.stream),
                static_cast<unsigned long long>(mark.sequence));
  return out;
}

// The mark that an id is of. Returns nothing if it is none of ours.
[[nodiscard]] inline std::optional<message_mark> mark_of(std::string_view id) noexcept {
  if (id.size() != id_bytes || !id.starts_with(id_prefix)) return std::nullopt;
  const auto number_at = [&](std::size_t from) -> std::optional<std::uint64_t> {
    std::uint64_t out = 0;
    for (const char c : id.substr(from, 16)) {
      const bool is_digit = c >= '0' && c <= '9';
      if (!is_digit && (c < 'a' || c > 'f')) return std::nullopt;
      out = out << 4 | static_cast<std::uint64_t>(is_digit ? c - '0' : c - 'a' + 10);
    }
    return out;
  };
  const auto stream = number_at(id_prefix.size());
  const auto number = number_at(id_prefix.size() + 17);
  if (id[id_prefix.size() + 16] != '-' || !stream || !number) return std::nullopt;
  return message_mark{*stream, *number};
}

// What it needs of a message's room at the server.
inline constexpr auto header_bytes = static_cast<std::int64_t>(
    std::string_view("NATS/1.0\r\n").size() + std::string_view(id_header).size() +
    std::string_view(": \r\n").size() + id_bytes + std::string_view("\r\n").size());

}  // namespace annulus::nats
