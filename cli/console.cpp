#include "cli/console.hpp"

#include "cli/system.hpp"

#include <algorithm>
#include <cstdio>

namespace annulus::cli {
namespace {

// The UTF-8 sequence that text starts with; no bytes: it starts with none.
struct sequence {
  std::size_t bytes = 0;
  char32_t code = 0;
};

sequence decode(std::string_view text) noexcept {
  const auto first = static_cast<unsigned char>(text.front());
  if (first < 0x80) return {1, first};
  const std::size_t bytes = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < bytes) return {};
  char32_t code = first & (0x7fu >> bytes);
  for (std::size_t i = 1; i < bytes; ++i) {
    const auto next = static_cast<unsigned char>(text[i]);
    if ((next & 0xc0) != 0x80) return {};
    code = code << 6 | (next & 0x3fu);
  }
  constexpr char32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool is_surrogate = code >= 0xd800 && code <= 0xdfff;
  if (code < least[bytes] || code > 0x10ffff || is_surrogate) return {};
  return {bytes, code};
}

bool is_printable(char32_t code) noexcept {
  if (code < 0x20 || (code >= 0x7f && code < 0xa0)) return false;
  const bool is_unseen = (code >= 0x200b && code <= 0x200f) || code == 0xfeff;
  const bool turns = (code >= 0x2028 && code <= 0x202e) || (code >= 0x2060 && code <= 0x206f);
  return !is_unseen && !turns;
}

}  // namespace

void occupy_standard_streams() noexcept { streams::occupy(); }

std::string shown(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const auto one = decode(text);
    const auto bytes = std::max<std::size_t>(one.bytes, 1);
    if (one.bytes != 0 && is_printable(one.code)) {
      out += text.substr(0, bytes);
    } else {
      for (const char c : text.substr(0, bytes)) {
        out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
      }
    }
    text.remove_prefix(bytes);
  }
  return out;
}

void print_text(std::string_view text) noexcept { fwrite(text.data(), 1, text.size(), stdout); }

bool is_stdout_whole() noexcept {
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return true;
  return streams::is_reader_gone();
}

void remark_text(std::string_view text) noexcept { streams::write_remark(text); }

}  // namespace annulus::cli
