// The bus as a transport: every channel behind it answers as the static types do, and so does a
// consumer that drops redeliveries.
#include "conformance.hpp"
#include "endpoints.hpp"
#include <gtest/gtest.h>

#include <cstdint>
#include <string>

namespace annulus::testing {
namespace {

enum class kind { spsc, mpsc, pipe };

template <kind Kind, bool Once>
class bus_transport {
 public:
  static constexpr std::uint32_t most_producers = Kind == kind::spsc ? 1 : 4;
  static constexpr kind what = Kind;
  static constexpr bool once = Once;

  using producer_type = bus_producer;
  using consumer_type = bus_consumer;

  [[nodiscard]] bus_producer make_producer() { return opened(open_producer(name())); }
  [[nodiscard]] bus_consumer make_consumer() {
    return opened(open_consumer(name() + (Once ? "&once=yes" : "")));
  }

 private:
  [[nodiscard]] std::string name() const {
    const auto producers = "&producers=" + std::to_string(most_producers);
    return Kind == kind::pipe ? at_.at("pipe", "capacity=64KiB" + producers)
                              : at_.at("shm", "capacity=8KiB&max_message=1000" + producers);
  }

  scratch_endpoint at_;
};

using transports =
    ::testing::Types<bus_transport<kind::spsc, false>, bus_transport<kind::mpsc, false>,
                     bus_transport<kind::pipe, false>, bus_transport<kind::spsc, true>,
                     bus_transport<kind::mpsc, true>, bus_transport<kind::pipe, true>>;

struct name_of {
  template <class T>
  static std::string GetName(int) {
    const char* const names[] = {"spsc", "mpsc", "pipe"};
    return std::string(names[static_cast<int>(T::what)]) + (T::once ? "_once" : "");
  }
};

INSTANTIATE_TYPED_TEST_SUITE_P(Bus, Messages, transports, name_of);
INSTANTIATE_TYPED_TEST_SUITE_P(Bus, Roles, transports, name_of);

}  // namespace
}  // namespace annulus::testing
