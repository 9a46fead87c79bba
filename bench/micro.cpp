// What one operation costs without contention: one thread pushes and reads, all in its caches.
//
// These figures move with the instructions of the hot path, so a regression shows here first.
#include "bench/systems/ring.hpp"
#include <benchmark/benchmark.h>

#include <array>
#include <cstddef>
#include <span>
#include <vector>

#include <annulus/bus/bus.hpp>
#include <annulus/ring/ring.hpp>

namespace {

using namespace annulus;

constexpr bench::shape shape{.bytes = 2048, .capacity = 64 << 10, .producers = 16};

// A producer and a consumer of one ring.
template <class Roles, integrity Integrity = integrity::structure>
struct pair_of_roles {
  bench::ring_channel<Roles, bench::by::push, true, Integrity> ring{shape};
  typename Roles::producer tx = ring.producer().role;
  typename Roles::consumer rx = ring.consumer().role;
};

// The same by name.
template <unsigned Producers>
struct pair_by_name {
  bench::ring_name at{{.capacity = shape.capacity, .producers = Producers}};
  segment made = bus::open_segment(*at).value();
  bus_producer tx = open_producer(*at).value();
  bus_consumer rx = open_consumer(*at).value();
};

using spsc = pair_of_roles<bench::spsc_roles<tallied>>;
using spsc_uncounted = pair_of_roles<bench::spsc_roles<uncounted>>;
using spsc_crc = pair_of_roles<bench::spsc_roles<tallied>, integrity::crc32c>;
using mpsc = pair_of_roles<bench::mpsc_roles<tallied>>;
using mpsc_uncounted = pair_of_roles<bench::mpsc_roles<uncounted>>;
using mpsc_crc = pair_of_roles<bench::mpsc_roles<tallied>, integrity::crc32c>;

using spsc_by_name = pair_by_name<1>;
using mpsc_by_name = pair_by_name<4>;

constexpr std::size_t batch_size = 16;

// Reads what was pushed, and ends the benchmark when it was not all.
template <class Ring>
void take(benchmark::State& state, Ring& ring, std::size_t count = 1) {
  const auto look = [](message m) { benchmark::DoNotOptimize(m.data()); };
  if (ring.rx.drain(look, count).count != count) state.SkipWithError("a message is missing");
}

template <class Ring>
void push_and_read(benchmark::State& state) {
  Ring ring;
  const std::vector<std::byte> one(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) {
    if (ring.tx.try_push(one) != status::ok) return state.SkipWithError("refused");
    const view seen = ring.rx.try_read();
    benchmark::DoNotOptimize(seen.bytes().data());
    ring.rx.release();
  }
  state.SetItemsProcessed(state.iterations());
}

template <class Ring>
void claim_and_commit(benchmark::State& state) {
  Ring ring;
  for (auto _ : state) {
    auto claim = ring.tx.try_claim(static_cast<std::size_t>(state.range(0)));
    if (!claim) return state.SkipWithError("refused");
    benchmark::DoNotOptimize(claim.bytes().data());
    claim.commit();
    take(state, ring);
  }
  state.SetItemsProcessed(state.iterations());
}

// The message in four pieces.
template <class Ring>
void gather(benchmark::State& state) {
  Ring ring;
  const std::vector<std::byte> piece(static_cast<std::size_t>(state.range(0)) / 4);
  const std::array<message, 4> parts{piece, piece, piece, piece};
  for (auto _ : state) {
    if (ring.tx.try_push(pieces(parts)) != status::ok) return state.SkipWithError("refused");
    take(state, ring);
  }
  state.SetItemsProcessed(state.iterations());
}

template <class Ring>
void push_each_and_drain(benchmark::State& state) {
  Ring ring;
  const std::vector<std::byte> one(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) {
    for (std::size_t i = 0; i < batch_size; ++i) {
      if (ring.tx.try_push(one) != status::ok) return state.SkipWithError("refused");
    }
    take(state, ring, batch_size);
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(batch_size));
}

template <class Ring>
void push_batch_and_drain(benchmark::State& state) {
  Ring ring;
  const std::vector<std::byte> one(static_cast<std::size_t>(state.range(0)));
  const std::vector<message> many(batch_size, message(one));
  for (auto _ : state) {
    if (ring.tx.try_push_batch(many).count != batch_size) return state.SkipWithError("refused");
    take(state, ring, batch_size);
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(batch_size));
}

// An attempt that finds nothing.
template <class Ring>
void read_of_empty(benchmark::State& state) {
  Ring ring;
  for (auto _ : state) benchmark::DoNotOptimize(ring.rx.try_read().status());
}

void sizes(benchmark::internal::Benchmark* b) {
  for (const int bytes : {8, 48, 128, 512, 2048}) b->Arg(bytes);
}

BENCHMARK(push_and_read<spsc>)->Apply(sizes);
BENCHMARK(push_and_read<spsc_uncounted>)->Apply(sizes);
BENCHMARK(push_and_read<spsc_crc>)->Apply(sizes);
BENCHMARK(push_and_read<mpsc>)->Apply(sizes);
BENCHMARK(push_and_read<mpsc_uncounted>)->Apply(sizes);
BENCHMARK(push_and_read<mpsc_crc>)->Apply(sizes);
BENCHMARK(push_and_read<spsc_by_name>)->Apply(sizes);
BENCHMARK(push_and_read<mpsc_by_name>)->Apply(sizes);
BENCHMARK(claim_and_commit<spsc>)->Apply(sizes);
BENCHMARK(claim_and_commit<spsc_by_name>)->Apply(sizes);
BENCHMARK(claim_and_commit<mpsc_by_name>)->Apply(sizes);
BENCHMARK(claim_and_commit<mpsc>)->Apply(sizes);
BENCHMARK(gather<spsc>)->Apply(sizes);
BENCHMARK(gather<mpsc>)->Apply(sizes);
BENCHMARK(push_each_and_drain<spsc>)->Apply(sizes);
BENCHMARK(push_each_and_drain<mpsc>)->Apply(sizes);
BENCHMARK(push_batch_and_drain<spsc>)->Apply(sizes);
BENCHMARK(push_batch_and_drain<mpsc>)->Apply(sizes);
BENCHMARK(read_of_empty<spsc>);
BENCHMARK(read_of_empty<mpsc>);

}  // namespace

BENCHMARK_MAIN();
