// A process of the tests of Windows.   windows_role WHAT SEGMENT [EVENT | COUNT]
//
//     send COUNT      pushes COUNT numbers, waiting for room, and closes
//     receive COUNT   reads until the end: they must be 0 to COUNT - 1
//     claim EVENT     pushes "a" and "b", opens a claim, sets the event and sleeps for ever
//     read EVENT      reads one message and releases it, reads another, sets the event and sleeps
//     sleep EVENT     sets the event, then sleeps on the producers' bell, a minute at most
//     hold EVENT      is the consumer, and sleeps
//     ask EVENT       asks for ever whether the consumer is there, and sets the event once it does
//
// Exit status: 0 done, 1 what came was wrong, 2 it could not attach, 3 nobody woke it.
#include <cstdint>
#include <cstdlib>
#include <string>

#include <annulus/channel/typed.hpp>
#include <annulus/channel/windows/handle.hpp>
#include <annulus/ring/ring.hpp>

namespace annulus {
namespace {

void tell(const std::string& event) {
  const auto handle = OpenEventA(EVENT_MODIFY_STATE, FALSE, ("Local\\" + event).c_str());
  SetEvent(handle);
  CloseHandle(handle);
}

template <class Role>
Role attached(const segment& memory) {
  auto made = Role::attach(memory);
  if (!made) std::exit(2);
  return std::move(*made);
}

message text(const char* letter) { return std::as_bytes(std::span(letter, 1)); }

int send(const segment& memory, std::uint64_t count) {
  auto tx = attached<spsc_producer>(memory);
  for (std::uint64_t i = 0; i < count; ++i) {
    if (push(tx, i, within(std::chrono::seconds(30))) != status::ok) return 1;
  }
  return 0;
}

int receive(const segment& memory, std::uint64_t count) {
  auto rx = attached<spsc_consumer>(memory);
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto seen = read<std::uint64_t>(rx, within(std::chrono::seconds(30)));
    if (!seen || seen.value != i) return 1;
  }
  return rx.read(within(std::chrono::seconds(30))).status() == status::closed ? 0 : 1;
}

int claim(const segment& memory, const std::string& event) {
  auto tx = attached<mpsc_producer>(memory);
  if (tx.try_push(text("a")) != status::ok || tx.try_push(text("b")) != status::ok) return 1;
  const auto open = tx.try_claim(100);
  if (!open) return 1;
  tell(event);
  Sleep(INFINITE);
  return 0;
}

int read_some(const segment& memory, const std::string& event) {
  auto rx = attached<mpsc_consumer>(memory);
  if (!rx.try_read()) return 1;
  rx.release();
  if (!rx.try_read()) return 1;
  tell(event);
  Sleep(INFINITE);
  return 0;
}

int sleep_on_bell(const segment& memory, const std::string& event) {
  const auto held = attachment::make(memory, access::read_write);
  if (!held) return 2;
  auto& bell = held->memory().control->producers_bell;
  tell(event);
  const auto before = std::chrono::steady_clock::now();
  std_atomics::sleep(bell, static_cast<std::uint32_t>(call::none), std::chrono::minutes(1));
  return std::chrono::steady_clock::now() - before < std::chrono::seconds(50) ? 0 : 3;
}

int ask(const segment& memory, const std::string& event) {
  (void)memory.is_held(consumer_role);
  tell(event);
  for (;;) (void)memory.is_held(consumer_role);
}

int run(const std::string& what, const segment& memory, const std::string& word) {
  if (what == "send") return send(memory, std::stoull(word));
  if (what == "receive") return receive(memory, std::stoull(word));
  if (what == "claim") return claim(memory, word);
  if (what == "read") return read_some(memory, word);
  if (what == "sleep") return sleep_on_bell(memory, word);
  if (what == "ask") return ask(memory, word);
  const auto rx = attached<mpsc_consumer>(memory);
  tell(word);
  Sleep(INFINITE);
  return 0;
}

}  // namespace
}  // namespace annulus

int main(int count, char** words) {
  if (count != 4) return 2;
  const auto memory = annulus::segment::open(words[2]);
  return memory ? annulus::run(words[1], *memory, words[3]) : 2;
}
