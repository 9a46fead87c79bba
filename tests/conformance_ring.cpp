// The ring as a transport: spsc and mpsc, in a segment and in plain memory, both integrities.
#include "conformance.hpp"
#include "guarded.hpp"
#include <gtest/gtest.h>

#include <cstdint>
#include <string>

#include <annulus/ring/ring.hpp>

namespace annulus::testing {
namespace {

enum class place { segment, plain };

template <topology Kind, place Where, integrity Checked>
class ring_transport {
 public:
  static constexpr bool is_spsc = Kind == topology::spsc;
  static constexpr std::uint32_t most_producers = is_spsc ? 1 : 4;
  static constexpr place where = Where;
  static constexpr topology kind = Kind;
  static constexpr integrity checked = Checked;

  using producer_type = std::conditional_t<is_spsc, spsc_producer, mpsc_producer>;
  using consumer_type = std::conditional_t<is_spsc, spsc_consumer, mpsc_consumer>;

  [[nodiscard]] producer_type make_producer() {
    auto made = producer_type::attach(memory_);
    EXPECT_TRUE(made) << (made ? "" : made.error().message);
    return std::move(made).value();
  }
  [[nodiscard]] consumer_type make_consumer() {
    auto made = consumer_type::attach(memory_);
    EXPECT_TRUE(made) << (made ? "" : made.error().message);
    return std::move(made).value();
  }

 private:
  static ring_options options() {
    ring_options shape;
    shape.topology = Kind;
    shape.capacity = 8192;
    shape.max_message = 1000;
    shape.producers = most_producers;
    shape.integrity = Checked;
    return shape;
  }
  segment make() {
    if constexpr (Where == place::segment)
      return segment::anonymous(options()).value();
    else
      return segment::format(plain_.bytes(), options()).value();
  }

  guarded_memory plain_{static_cast<std::size_t>(*segment::bytes_for(options()))};
  segment memory_ = make();
};

// Where a ring lies and what it checks know nothing of each other: each of both is there with each
// topology, not each pair of them.
using rings = ::testing::Types<ring_transport<topology::spsc, place::segment, integrity::structure>,
                               ring_transport<topology::spsc, place::plain, integrity::crc32c>,
                               ring_transport<topology::mpsc, place::segment, integrity::crc32c>,
                               ring_transport<topology::mpsc, place::plain, integrity::structure>>;

struct name_of {
  template <class T>
  static std::string GetName(int) {
    return std::string(T::is_spsc ? "spsc" : "mpsc") +
           (T::where == place::segment ? "_segment" : "_plain") +
           (T::checked == integrity::crc32c ? "_crc32c" : "");
  }
};

INSTANTIATE_TYPED_TEST_SUITE_P(Ring, Messages, rings, name_of);
INSTANTIATE_TYPED_TEST_SUITE_P(Ring, Roles, rings, name_of);

}  // namespace
}  // namespace annulus::testing
