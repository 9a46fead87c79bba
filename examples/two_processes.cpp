// Two processes, one ring: the parent sends, the child receives.
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <string>

#include <annulus/ring/ring.hpp>

using namespace std::chrono_literals;

int receive(const annulus::segment& memory) {
  auto rx = annulus::spsc_consumer::attach(memory);
  if (!rx) return std::fprintf(stderr, "%s\n", rx.error().message.c_str()), 1;
  for (;;) {
    const auto end = rx->drain(
        [](annulus::message m) {
          std::printf("%.*s\n", static_cast<int>(m.size()),
                      reinterpret_cast<const char*>(m.data()));
        },
        100, annulus::within(5s));
    if (end.count > 0) continue;
    std::printf("the ring is %s\n", to_string(end.why).data());
    return end.why == annulus::status::closed ? 0 : 1;
  }
}

int main() {
  auto memory = annulus::segment::anonymous({.capacity = 1 << 16});
  if (!memory) return std::fprintf(stderr, "%s\n", memory.error().message.c_str()), 1;

  const pid_t child = fork();  // before attaching: a role belongs to the process that attached it
  if (child == 0) return receive(*memory);

  auto tx = annulus::spsc_producer::attach(*memory);
  if (!tx) return std::fprintf(stderr, "%s\n", tx.error().message.c_str()), 1;
  for (int i = 0; i < 5; ++i) {
    // Written in place: no copy.
    if (auto claim = tx->claim(64, annulus::within(5s))) {
      auto* text = reinterpret_cast<char*>(claim.bytes().data());
      const int length = std::snprintf(text, claim.bytes().size(), "message %d", i);
      claim.commit(static_cast<std::size_t>(length));
    }
  }
  tx->close();

  int result = 1;
  waitpid(child, &result, 0);
  return WIFEXITED(result) ? WEXITSTATUS(result) : 1;
}
