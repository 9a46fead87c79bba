// Threads of one process over memory of one's own: no file, no name, no system call.
#include <cstdio>
#include <thread>

#include <annulus/channel/typed.hpp>
#include <annulus/ring/ring.hpp>

using namespace std::chrono_literals;

alignas(annulus::line_bytes) static std::byte arena[1 << 18];

int main() {
  auto ring = annulus::segment::format(arena, {.capacity = 1 << 16});
  if (!ring) return std::fprintf(stderr, "%s\n", ring.error().message.c_str()), 1;

  std::thread source([&] {
    auto tx = annulus::spsc_producer::attach(*ring);
    for (int i = 1; i <= 100'000; ++i) {
      if (annulus::push(*tx, i, annulus::within(5s)) != annulus::status::ok) return;
    }
  });  // closed when destroyed

  auto rx = annulus::spsc_consumer::attach(*ring);
  long sum = 0;
  while (const auto got = annulus::read<int>(*rx, annulus::within(5s))) sum += got.value;
  source.join();
  std::printf("the sum is %ld\n", sum);
  return sum == 5'000'050'000 ? 0 : 1;
}
