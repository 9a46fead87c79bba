// Messages that are values of one trivially copyable type.
#pragma once

#include <cstddef>
#include <cstring>
#include <optional>
#include <span>
#include <type_traits>

#include <annulus/channel/concepts.hpp>

namespace annulus {

template <class T>
concept plain_value = std::is_trivially_copyable_v<T> && std::is_default_constructible_v<T>;

template <plain_value T>
[[nodiscard]] message bytes_of(const T& value) noexcept {
  return std::as_bytes(std::span<const T, 1>(&value, 1));
}

template <producer P, plain_value T>
[[nodiscard]] status try_push(P& to, const T& value) noexcept {
  return to.try_push(bytes_of(value));
}

template <producer P, plain_value T>
[[nodiscard]] status push(P& to, const T& value, deadline until) noexcept {
  return to.push(bytes_of(value), until);
}

// A value that was read, or why there is none. A message of another size `never_fits`.
template <plain_value T>
struct read_value {
  T value{};
  annulus::status status = annulus::status::empty;
  [[nodiscard]] explicit operator bool() const noexcept { return status == annulus::status::ok; }
};

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

template <plain_value T, consumer C>
[[nodiscard]] read_value<T> read(C& from, deadline until) noexcept {
  const auto out = value_of<T>(from.read(until));
  from.release();
  return out;
}

}  // namespace annulus
