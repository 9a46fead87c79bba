// A process that looks whether it may remove a channel, held at that moment.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>

#include <cstdint>

#include <annulus/channel/file.hpp>
#include <annulus/channel/limits.hpp>
#include <annulus/channel/lock.hpp>

namespace annulus::testing {

// What a remover holds while it looks whether it may: all roles, and the maker's lock.
class remover {
 public:
  explicit remover(int of) : file_(files::reopened(of, access::read_write, "it").value()) {
    EXPECT_TRUE(locks::take(file_.number(), locks::maker));
    for (std::uint32_t role = 0; role <= max_producers; ++role) {
      EXPECT_TRUE(locks::take(file_.number(), role));
    }
  }
  void done() const { locks::give_back(file_.number()); }

 private:
  descriptor file_;
};

}  // namespace annulus::testing
