// The ring in its variants, message sizes known to the compiler.
#include "bench/systems/all.hpp"
#include "bench/systems/ring.hpp"

namespace annulus::bench {
namespace {

template <std::size_t>
using spsc = ring_channel<spsc_roles<tallied>, by::push, true>;
template <std::size_t>
using spsc_claims = ring_channel<spsc_roles<tallied>, by::claim, true>;
template <std::size_t>
using spsc_uncounted = ring_channel<spsc_roles<uncounted>, by::push, true>;
template <std::size_t>
using spsc_crc = ring_channel<spsc_roles<tallied>, by::push, true, integrity::crc32c>;
template <std::size_t>
using mpsc = ring_channel<mpsc_roles<tallied>, by::push, true>;
template <std::size_t>
using mpsc_claims = ring_channel<mpsc_roles<tallied>, by::claim, true>;
template <std::size_t>
using mpsc_crc = ring_channel<mpsc_roles<tallied>, by::push, true, integrity::crc32c>;

template <template <std::size_t> class Channel>
system ours(const char* name, unsigned producers, where sides = where::threads) {
  auto one = in_threads(name, "try_ forms; read in place", &open_sized<Channel>, producers);
  one.is_ours = one.has_batches = true;
  one.sides = sides;
  return one;
}

}  // namespace

std::vector<system> sized_ring_systems() {
  constexpr unsigned many = script::most_producers;
  return {
      ours<spsc>("annulus spsc", 1),
      ours<spsc_claims>("annulus spsc, claims", 1),
      ours<spsc_uncounted>("annulus spsc, uncounted", 1),
      ours<spsc_crc>("annulus spsc, crc32c", 1),
      ours<spsc>("annulus spsc, processes", 1, where::processes),
      ours<mpsc>("annulus mpsc", many),
      ours<mpsc_claims>("annulus mpsc, claims", many),
      ours<mpsc_crc>("annulus mpsc, crc32c", many),
      ours<mpsc>("annulus mpsc, processes", many, where::processes),
  };
}

}  // namespace annulus::bench
