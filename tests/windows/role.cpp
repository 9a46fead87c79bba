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
// The same of a pipe, which stands in the place of the segment:
//
//     pipe:send COUNT, pipe:receive COUNT, pipe:read EVENT
//     pipe:make EVENT   makes the pipe, pushes "a" and "b" into it, sets the event and sleeps
//     pipe:begin EVENT  sets the event, and pushes a message that has no room
//
// Exit status: 0 done, 1 what came was wrong, 2 it could not attach, 3 nobody woke it.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include <annulus/channel/typed.hpp>
#include <annulus/channel/windows/handle.hpp>
#include <annulus/pipe/pipe.hpp>
#include <annulus/ring/ring.hpp>

namespace annulus {
namespace {

void tell(const std::string& event) {
  const auto handle = OpenEventA(EVENT_MODIFY_STATE, FALSE, ("Local\\" + event).c_str());
  SetEvent(handle);
  CloseHandle(handle);
}

template <class Role, class Channel>
Role attached(const Channel& memory) {
  auto made = Role::attach(memory);
  if (!made) std::exit(2);
  return std::move(*made);
}

message text(const char* letter) { return std::as_bytes(std::span(letter, 1)); }

template <class Role, class Channel>
int send(const Channel& memory, std::uint64_t count) {
  auto tx = attached<Role>(memory);
  for (std::uint64_t i = 0; i < count; ++i) {
    if (push(tx, i, within(std::chrono::seconds(30))) != status::ok) return 1;
  }
  return 0;
}

template <class Role, class Channel>
int receive(const Channel& memory, std::uint64_t count) {
  auto rx = attached<Role>(memory);
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto seen = read<std::uint64_t>(rx, within(std::chrono::seconds(30)));
    if (!seen || seen.value != i) return 1;
    rx.release();
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

template <class Role, class Channel>
int read_some(const Channel& memory, const std::string& event) {
  auto rx = attached<Role>(memory);
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
  std_atomics::sleep(bell, static_cast<std::uint32_t>(bell_state::none), std::chrono::minutes(1));
  return std::chrono::steady_clock::now() - before < std::chrono::seconds(50) ? 0 : 3;
}

int ask(const segment& memory, const std::string& event) {
  (void)memory.is_held(consumer_role);
  tell(event);
  for (;;) (void)memory.is_held(consumer_role);
}

int make_pipe(const std::string& name, const std::string& event) {
  const auto made = named_pipe::create(name, {.capacity = 1 << 16});
  if (!made) return 2;
  auto tx = attached<pipe_producer>(*made);
  if (tx.try_push(text("a")) != status::ok || tx.try_push(text("b")) != status::ok) return 1;
  tell(event);
  Sleep(INFINITE);
  return 0;
}

int begin_long(const named_pipe& at, const std::string& event) {
  auto tx = attached<pipe_producer>(at);
  const std::vector<std::byte> one(at.geometry().max_message);
  tell(event);
  return tx.push(one, within(std::chrono::minutes(1))) == status::ok ? 0 : 1;
}

int run_pipe(const std::string& what, const std::string& name, const std::string& word) {
  if (what == "pipe:make") return make_pipe(name, word);
  const auto at = named_pipe::open(name);
  if (!at) return 2;
  if (what == "pipe:send") return send<pipe_producer>(*at, std::stoull(word));
  if (what == "pipe:receive") return receive<pipe_consumer>(*at, std::stoull(word));
  if (what == "pipe:begin") return begin_long(*at, word);
  return read_some<pipe_consumer>(*at, word);
}

int run(const std::string& what, const segment& memory, const std::string& word) {
  if (what == "send") return send<spsc_producer>(memory, std::stoull(word));
  if (what == "receive") return receive<spsc_consumer>(memory, std::stoull(word));
  if (what == "claim") return claim(memory, word);
  if (what == "read") return read_some<mpsc_consumer>(memory, word);
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
  if (std::string_view(words[1]).starts_with("pipe:")) {
    return annulus::run_pipe(words[1], words[2], words[3]);
  }
  const auto memory = annulus::segment::open(words[2]);
  return memory ? annulus::run(words[1], *memory, words[3]) : 2;
}
