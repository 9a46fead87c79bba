// Named pipes for tests: under a name that nobody else uses, and gone when the test ends.
#pragma once

#include "bytes.hpp"
#include "names.hpp"
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include <annulus/channel/directory.hpp>
#include <annulus/pipe/fifo.hpp>
#include <annulus/pipe/pipe.hpp>

namespace annulus::testing {

class scratch_pipe_name {
 public:
  scratch_pipe_name() : name_(unused_name()) {}
  scratch_pipe_name(const scratch_pipe_name&) = delete;
  scratch_pipe_name& operator=(const scratch_pipe_name&) = delete;
  ~scratch_pipe_name() {
    (void)files::remove(path());
    (void)files::remove(roles_path());
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

[[nodiscard]] inline pipe_options of(std::uint64_t capacity, std::uint32_t producers = 4) {
  pipe_options shape;
  shape.capacity = capacity;
  shape.producers = producers;
  return shape;
}

// The next message as text, handed back at once; in brackets, why there is none.
[[nodiscard]] inline std::string next(pipe_consumer& from) {
  const view seen = from.try_read();
  if (!seen) return "[" + std::string(to_string(seen.status())) + "]";
  auto out = text(seen.bytes());
  from.release();
  return out;
}

// A frame of a producer's, made by hand.
[[nodiscard]] inline octets frame_of(const named_pipe& of, pipes::frame_header header,
                                     message payload) {
  header.payload_bytes = static_cast<std::uint16_t>(payload.size());
  header.bytes = static_cast<std::uint16_t>(pipes::frame_bytes(payload.size()));
  octets out(header.bytes);
  std::ranges::copy(payload, out.begin() + pipes::header_bytes);
  pipes::write_header(out.data(), header, of.geometry().key);
  return out;
}

inline void put(const named_pipe& to, const octets& what) {
  ASSERT_EQ(pipes::write_blocks(to.file(), what), what.size());
}

// The first frame of a long message of the producer that is attached as number 0.
inline void begin_long(const named_pipe& to, message payload) {
  pipes::frame_header header;
  header.incarnation = 1;
  header.sequence = 7;
  put(to, frame_of(to, header, payload));
}

}  // namespace annulus::testing
