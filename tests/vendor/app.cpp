// A foreign program in small: messages through a ring, once in its own memory, once in a segment.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string_view>
#include <utility>

#include <annulus/channel/typed.hpp>
#include <annulus/ring/ring.hpp>

namespace {

template <class T>
T checked(annulus::result<T> made) {
  if (!made) {
    std::fprintf(stderr, "app: %s\n", made.error().message.c_str());
    std::exit(1);
  }
  return std::move(*made);
}

bool all_arrive(const annulus::segment& memory) {
  auto producer = checked(annulus::spsc_producer::attach(memory));
  auto consumer = checked(annulus::spsc_consumer::attach(memory));

  const std::string_view hello = "hello";
  if (producer.try_push(std::as_bytes(std::span(hello))) != annulus::status::ok) return false;
  for (int i = 0; i < 100; ++i) {
    if (annulus::try_push(producer, i) != annulus::status::ok) return false;
  }

  const annulus::view first = consumer.try_read();
  if (!first || first.bytes().size() != hello.size() ||
      std::memcmp(first.bytes().data(), hello.data(), hello.size()) != 0) {
    return false;
  }
  for (int i = 0; i < 100; ++i) {
    const auto read = annulus::try_read<int>(consumer);
    if (!read || read.value != i) return false;
  }
  return consumer.try_read().status() == annulus::status::empty;
}

}  // namespace

int main() {
  annulus::ring_options options;
  options.capacity = 4096;
  const auto bytes = static_cast<std::size_t>(checked(annulus::segment::bytes_for(options)));
  auto* const own = static_cast<std::byte*>(std::aligned_alloc(4096, (bytes + 4095) & ~4095UL));
  bool arrived = all_arrive(checked(annulus::segment::format({own, bytes}, options)));
  std::free(own);

  char name[32];
  std::snprintf(name, sizeof name, "app-%ld", static_cast<long>(getpid()));
  arrived = all_arrive(checked(annulus::segment::create(name))) && arrived;
  (void)checked(annulus::segment::remove(name));

  std::puts(arrived ? "all arrived" : "a message went missing");
  return arrived ? 0 : 1;
}
