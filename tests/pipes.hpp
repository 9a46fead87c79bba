// Named pipes for tests: under a name that nobody else uses, and gone when the test ends.
#pragma once

#include "names.hpp"
#include <gtest/gtest.h>
#include <unistd.h>

#include <string>
#include <utility>

#include <annulus/channel/directory.hpp>
#include <annulus/pipe/pipe.hpp>

namespace annulus::testing {

class scratch_pipe_name {
 public:
  scratch_pipe_name() : name_(unused_name()) {}
  scratch_pipe_name(const scratch_pipe_name&) = delete;
  scratch_pipe_name& operator=(const scratch_pipe_name&) = delete;
  ~scratch_pipe_name() {
    unlink(path().c_str());
    unlink(roles_path().c_str());
  }

  [[nodiscard]] const std::string& str() const noexcept { return name_; }
  [[nodiscard]] std::string path() const {
    return files::directory() + "/annulus." + name_ + ".pipe";
  }
  [[nodiscard]] std::string roles_path() const { return path() + ".roles"; }

 private:
  std::string name_;
};

// The value, or the end of the program with the reason.
template <class T>
[[nodiscard]] T good(result<T> got) {
  EXPECT_TRUE(got) << (got ? "" : got.error().message);
  return std::move(got).value();
}

class scratch_pipe {
 public:
  explicit scratch_pipe(const pipe_options& options = {})
      : pipe_(good(named_pipe::create(name_.str(), options))) {}

  [[nodiscard]] const scratch_pipe_name& name() const noexcept { return name_; }
  [[nodiscard]] const named_pipe& operator*() const noexcept { return pipe_; }
  [[nodiscard]] const named_pipe* operator->() const noexcept { return &pipe_; }

 private:
  scratch_pipe_name name_;
  named_pipe pipe_;
};

template <class Role>
[[nodiscard]] Role attached(const named_pipe& to, waiting how = {}) {
  return good(Role::attach(to, how));
}

}  // namespace annulus::testing
