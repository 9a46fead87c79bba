// How an attempt fails, and files that make it fail.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <annulus/channel/result.hpp>

namespace annulus::testing {

// The failure; fails the test if there is none.
template <class T>
[[nodiscard]] failure why(result<T> got) {
  if (!got) return got.error();
  ADD_FAILURE() << "it worked";
  return {fault::system, "it worked"};
}
template <class T>
[[nodiscard]] fault kind_of(result<T> got) {
  return why(std::move(got)).kind;
}

inline void write_file(const std::string& path, std::span<const std::byte> content) {
  const int file = open(path.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
  ASSERT_GE(file, 0);
  ASSERT_EQ(write(file, content.data(), content.size()), static_cast<ssize_t>(content.size()));
  close(file);
}
inline void write_file(const std::string& path, std::string_view content) {
  write_file(path, std::as_bytes(std::span(content.data(), content.size())));
}

}  // namespace annulus::testing
