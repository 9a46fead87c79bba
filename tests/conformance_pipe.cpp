// The named pipe as a transport: a lone producer, and several.
#include "conformance.hpp"
#include "pipes.hpp"
#include <gtest/gtest.h>

#include <cstdint>
#include <string>

#include <annulus/pipe/pipe.hpp>

namespace annulus::testing {
namespace {

template <std::uint32_t Most>
class pipe_transport {
 public:
  static constexpr std::uint32_t most_producers = Most;

  using producer_type = pipe_producer;
  using consumer_type = pipe_consumer;

  [[nodiscard]] producer_type make_producer() { return attached<pipe_producer>(*pipe_); }
  [[nodiscard]] consumer_type make_consumer() { return attached<pipe_consumer>(*pipe_); }

 private:
  static pipe_options options() {
    pipe_options shape;
    shape.capacity = 1 << 16;
    shape.producers = most_producers;
    return shape;
  }

  scratch_pipe pipe_{options()};
};

using transports = ::testing::Types<pipe_transport<1>, pipe_transport<4>>;

struct name_of {
  template <class T>
  static std::string GetName(int) {
    return T::most_producers == 1 ? "lone_producer" : "several_producers";
  }
};

INSTANTIATE_TYPED_TEST_SUITE_P(Pipe, Messages, transports, name_of);
INSTANTIATE_TYPED_TEST_SUITE_P(Pipe, Roles, transports, name_of);

}  // namespace
}  // namespace annulus::testing
