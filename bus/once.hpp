// Marked messages, and a consumer that drops those that come again.
//
// A gateway that died may have passed on messages that it had not released yet: its successor
// passes them on again. On an endpoint with once=yes it puts the source's mark in front of each,
// and a consumer with once=yes takes it off again and delivers each mark once.
//
//     magic  stream  number  check  the message
//       8       8       8      8
//
// Memory     what was released is noted per stream in a small file, /tmp/annulus.NAME.seen, before
//            the channel is told, so a successor drops it too. What was read and not released comes
//            again to the successor, as on every channel
// Streams    the last 64 that brought something; a stream that was silent for longer than that
//            is forgotten, and what it repeats then would be new
// Unmarked   messages pass as they are
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include <annulus/channel/concepts.hpp>
#include <annulus/channel/mark.hpp>
#include <annulus/channel/result.hpp>

namespace annulus::bus {

inline constexpr std::size_t mark_bytes = 32;
using mark_head = std::array<std::byte, mark_bytes>;

[[nodiscard]] mark_head head_of(const message_mark& mark) noexcept;
// The mark in front of a message, if there is a good one.
[[nodiscard]] std::optional<message_mark> mark_in(message one) noexcept;

class seen_list {
 public:
  static constexpr std::size_t most_streams = 64;

  // The file is made if it is missing. `of` names the channel, for example "shm.orders".
  [[nodiscard]] static result<seen_list> open(const std::string& of);
  [[nodiscard]] static std::string path_of(const std::string& of);

  seen_list(seen_list&&) noexcept;
  seen_list& operator=(seen_list&&) noexcept;
  ~seen_list();

  // Whether it is new; from now on it is not.
  [[nodiscard]] bool is_new(const message_mark& mark) noexcept;
  // All that was new until now was released.
  void note_released() noexcept;

  [[nodiscard]] std::uint64_t repeated() const noexcept { return repeated_; }

 private:
  struct entry {
    std::uint64_t stream;  // 0: none
    std::uint64_t number;  // released up to here
    std::uint64_t turn;    // when it was noted last
  };
  struct page;

  explicit seen_list(page* mapped) noexcept;
  std::size_t slot_of(std::uint64_t stream) noexcept;

  page* mapped_ = nullptr;
  std::array<std::uint64_t, most_streams> delivered_{};
  std::array<bool, most_streams> is_ahead_{};  // delivered, and not yet noted
  std::uint64_t repeated_ = 0;
};

}  // namespace annulus::bus
