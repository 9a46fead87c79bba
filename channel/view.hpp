// A message in place, or the reason why there is none.
#pragma once

#include <cstddef>
#include <span>

#include <annulus/channel/status.hpp>

namespace annulus {

// The bytes are aligned to 8 (typed.hpp has values in place). They stay valid until the consumer's
// next release(). They lie in memory that the producer's process can write: against a peer that is
// not trusted, copy before parsing.
template <class Bytes>
class basic_view {
 public:
  // A message, or the reason why there is none.
  basic_view(Bytes bytes) noexcept : bytes_(bytes) {}         // NOLINT: a view is its bytes
  basic_view(annulus::status why) noexcept : status_(why) {}  // NOLINT: or its refusal

  // Whether there is a message; else the status says why not.
  [[nodiscard]] explicit operator bool() const noexcept { return status_ == status::ok; }
  // ok, or why there is no message.
  [[nodiscard]] annulus::status status() const noexcept { return status_; }
  // The message; empty if there is none. Valid until it is released.
  [[nodiscard]] Bytes bytes() const noexcept { return bytes_; }

 private:
  Bytes bytes_{};
  annulus::status status_ = annulus::status::ok;
};

// The view of ring and pipe.
using view = basic_view<std::span<const std::byte>>;

}  // namespace annulus
