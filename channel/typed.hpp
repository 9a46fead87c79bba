// Messages that are values of one trivially copyable type: by value with any alignment, or in place
// with an alignment of at most 8 bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <optional>
#include <span>
#include <type_traits>

#include <annulus/channel/at_least_cxx20.hpp>
#include <annulus/channel/concepts.hpp>

namespace annulus {

// What may be sent by value.
template <class T>
concept plain_value = std::is_trivially_copyable_v<T> && std::is_default_constructible_v<T>;

// A value as a message, without a copy.
template <plain_value T>
[[nodiscard]] message bytes_of(const T& value) noexcept {
  return std::as_bytes(std::span<const T, 1>(&value, 1));
}

// Sends one value, or answers why not.
template <producer P, plain_value T>
[[nodiscard]] status try_push(P& to, const T& value) noexcept {
  return to.try_push(bytes_of(value));
}

// The same, waiting for room until the deadline.
template <producer P, plain_value T>
[[nodiscard]] status push(P& to, const T& value, deadline until) noexcept {
  return to.push(bytes_of(value), until);
}

// In place. Payloads are aligned to 8 bytes and no more: a type that wants more goes by value.

inline constexpr std::size_t payload_align = 8;

// The value that is built in an open claim of its size: uninitialised. Returns nothing if the claim
// is not open, or of another size.
template <plain_value T, message_claim C>
[[nodiscard]] T* claim_as(C& claim) noexcept {
  static_assert(alignof(T) <= payload_align,
                "payloads in place are aligned to 8 bytes: push this type by value");
  if (!claim || claim.bytes().size() != sizeof(T)) return nullptr;
  return ::new (static_cast<void*>(claim.bytes().data())) T;
}

// The value in a view of its size, until release(). Null if there is no message, or its size or
// alignment does not fit (foreign bytes in a pipe can misalign it).
template <plain_value T>
[[nodiscard]] const T* view_as(const view& seen) noexcept {
  static_assert(alignof(T) <= payload_align,
                "payloads in place are aligned to 8 bytes: read this type by value");
  const auto* const at = seen.bytes().data();
  if (!seen || seen.bytes().size() != sizeof(T)) return nullptr;
  if (reinterpret_cast<std::uintptr_t>(at) % alignof(T) != 0) return nullptr;
  return reinterpret_cast<const T*>(at);
}

// A value that was read, or why there is none. A message of another size `never_fits`.
template <plain_value T>
struct read_value {
  T value{};                                        // only if the status is ok
  annulus::status status = annulus::status::empty;  // ok, or the refusal
  // Whether a value was read.
  [[nodiscard]] explicit operator bool() const noexcept { return status == annulus::status::ok; }
};

// A copy of the value in a view.
template <plain_value T>
[[nodiscard]] read_value<T> value_of(const view& seen) noexcept {
  read_value<T> out;
  out.status = seen.status();
  if (!seen) return out;
  if (seen.bytes().size() != sizeof(T)) {
    out.status = status::never_fits;
    return out;
  }
  std::memcpy(&out.value, seen.bytes().data(), sizeof(T));
  return out;
}

// Reads one value and hands its space back.
template <plain_value T, consumer C>
[[nodiscard]] read_value<T> try_read(C& from) noexcept {
  const auto out = value_of<T>(from.try_read());
  from.release();
  return out;
}

// The same, waiting for a message until the deadline.
template <plain_value T, consumer C>
[[nodiscard]] read_value<T> read(C& from, deadline until) noexcept {
  const auto out = value_of<T>(from.read(until));
  from.release();
  return out;
}

}  // namespace annulus
