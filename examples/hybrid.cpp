// Fast where it must be, a pipe where it may be: A and B over shared memory, C and D over pipes,
// a gateway between. Each of the four is the same program; it only knows the names of two
// endpoints.
//
//     A --shm--> B --shm--> [gateway] --pipe--> C --pipe--> D
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <string>
#include <thread>

#include <annulus/bus/channel.hpp>
#include <annulus/bus/gateway.hpp>
#include <annulus/channel/typed.hpp>

using namespace std::chrono_literals;

constexpr int count = 20'000;

[[noreturn]] void fail(const std::string& why) {
  std::fprintf(stderr, "%s\n", why.c_str());
  _exit(1);
}

// The application: a number from one endpoint goes on to another, one larger.
void step(const std::string& from, const std::string& to) {
  auto rx = annulus::open_consumer(from);
  if (!rx) fail(rx.error().message);
  auto tx = annulus::open_producer(to);
  if (!tx) fail(tx.error().message);
  for (int i = 0; i < count; ++i) {
    const auto got = annulus::read<int>(*rx, annulus::within(30s));
    if (!got) fail(from + ": " + std::string(to_string(got.status)));
    if (annulus::push(*tx, got.value + 1, annulus::within(30s)) != annulus::status::ok) {
      fail(to + ": refused");
    }
  }
  (void)rx->read(annulus::within(30s));  // until the other side has closed
}

int main() {
  const auto name = [](const char* scheme, const char* what) {
    return std::string(scheme) + ":hybrid-" + std::to_string(getpid()) + "-" + what;
  };
  const auto into_a = name("shm", "a"), a_to_b = name("shm", "ab"), b_out = name("shm", "b");
  const auto into_c = name("pipe", "c"), c_to_d = name("pipe", "cd"), d_out = name("pipe", "d");

  int failed = 0;
  const std::string steps[][2] = {
      {into_a, a_to_b}, {a_to_b, b_out}, {into_c, c_to_d}, {c_to_d, d_out}};
  for (const auto& [from, to] : steps) {
    if (fork() == 0) {
      step(from, to);
      _exit(0);
    }
  }
  // `annulus gateway FROM TO` is this, as a command.
  if (fork() == 0) {
    auto passing = annulus::bus::gateway::open({annulus::bus::parse(b_out).value()},
                                               annulus::bus::parse(into_c).value(),
                                               {.ends_with_source = true});
    if (!passing) fail(passing.error().message);
    passing->run();
    _exit(0);
  }

  auto rx = annulus::open_consumer(d_out);
  if (!rx) fail(rx.error().message);
  std::thread source([&] {
    auto tx = annulus::open_producer(into_a);
    if (!tx) fail(tx.error().message);
    for (int i = 0; i < count; ++i) {
      if (annulus::push(*tx, i, annulus::within(30s)) != annulus::status::ok)
        fail("A is not there");
    }
  });
  for (int i = 0; i < count && failed == 0; ++i) {
    const auto got = annulus::read<int>(*rx, annulus::within(30s));
    failed = got && got.value == i + 4 ? 0 : 1;
  }
  source.join();
  rx->close();
  for (int how = 0; wait(&how) > 0;) failed |= how;
  for (const auto& one : {into_a, a_to_b, b_out, into_c, c_to_d, d_out}) {
    (void)annulus::bus::remove(annulus::bus::parse(one).value(), true);
  }
  std::printf("%d messages through A, B, the gateway, C and D: %s\n", count,
              failed == 0 ? "whole and in order" : "FAILED");
  return failed == 0 ? 0 : 1;
}
