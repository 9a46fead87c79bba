// Many producers, one consumer: three processes report samples, and one of them dies in a claim.
//
// The consumer skips what the dead one left, loses nothing that was committed, and is told who
// died.
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>

#include <annulus/channel/typed.hpp>
#include <annulus/ring/ring.hpp>

using namespace std::chrono_literals;

struct sample {
  int source;
  int number;
  double value;
};

void report(const annulus::segment& memory, int source, bool dies, int arrivals) {
  auto tx = annulus::mpsc_producer::attach(memory);
  if (!tx || write(arrivals, "", 1) != 1) _exit(1);
  for (int i = 0; i < 1000; ++i) {
    if (dies && i == 500) {
      auto claim = tx->try_claim(sizeof(sample));
      raise(SIGKILL);  // in the middle of a claim
    }
    if (annulus::push(*tx, sample{source, i, i * 0.5}, annulus::within(5s)) !=
        annulus::status::ok) {
      _exit(1);
    }
  }
  tx->close();
  _exit(0);
}

int main() {
  auto memory = annulus::segment::anonymous(
      {.topology = annulus::topology::mpsc, .capacity = 1 << 14, .producers = 8});
  if (!memory) return std::fprintf(stderr, "%s\n", memory.error().message.c_str()), 1;
  int arrivals[2];
  if (pipe(arrivals) != 0) return std::perror("pipe"), 1;
  for (int source = 0; source < 3; ++source) {
    if (fork() == 0) report(*memory, source, source == 1, arrivals[1]);
  }
  // `closed` means that all who came have closed, so all must have come before it counts.
  for (int came = 0; came < 3; ++came) {
    char one;
    if (read(arrivals[0], &one, 1) != 1) return std::perror("read"), 1;
  }

  auto rx = annulus::mpsc_consumer::attach(*memory);
  if (!rx) return std::fprintf(stderr, "%s\n", rx.error().message.c_str()), 1;
  int seen[3] = {};
  for (;;) {
    const auto got = annulus::read<sample>(*rx, annulus::within(5s));
    if (!got) {
      std::printf("end: %s\n", to_string(got.status).data());
      break;
    }
    if (got.value.number != seen[got.value.source]++) return std::puts("out of order"), 1;
  }
  std::printf("samples: %d, %d and %d\n", seen[0], seen[1], seen[2]);
  while (wait(nullptr) > 0) {
  }
  return seen[0] == 1000 && seen[1] == 500 && seen[2] == 1000 ? 0 : 1;
}
