// Waiting between processes, made of events.
//
// WaitOnAddress() reaches threads of one process only. So a thread that sleeps on a word of a
// segment writes its number into a free slot of that segment's control page, and waits for an
// event of its own, which bears that number. Who wakes takes all numbers out and sets their events.
// Either the sleeper sees the new word, or who changed it sees the slot. A sleeper that died
// leaves its number until the next wake, which finds no such event. Without a free slot, or an
// event, a sleep is a short nap: the waiter looks again.
//
// Fences     Windows has a barrier for the threads of one process only. So no process accepts
//            barriers, each look at a bell is a fenced one, and who announces a sleep need only
//            fence
#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cwchar>

#include <annulus/channel/windows/handle.hpp>
#include <annulus/ring/atomics.hpp>
#include <annulus/ring/kernel.hpp>
#include <annulus/ring/layout.hpp>
#include <annulus/ring/windows/mapped.hpp>

namespace annulus::kernel {
namespace {

constexpr std::size_t slots_offset = page_bytes + 2048;  // in a segment: behind the control words
constexpr std::size_t slots_each = 64;                   // for each of two bells
static_assert(sizeof(control_words<std_atomics>) <= 2048);

using slot = std::atomic_ref<std::uint64_t>;

// The slots of the bell that this word is. Two bells lie a line apart.
std::uint64_t* slots_of(const void* word) noexcept {
  std::byte* const segment = windows::mapped_around(word);
  if (segment == nullptr) return nullptr;
  const auto which = reinterpret_cast<std::uintptr_t>(word) / line_bytes % 2;
  return reinterpret_cast<std::uint64_t*>(segment + slots_offset) + which * slots_each;
}

struct event_name {
  explicit event_name(std::uint64_t thread) noexcept {
    std::swprintf(text, std::size(text), L"Global\\annulus.%llu",
                  static_cast<unsigned long long>(thread));
  }
  wchar_t text[48];
};

// The event of this thread.
class own_event {
 public:
  own_event() noexcept
      : number_(std::uint64_t{GetCurrentProcessId()} << 32 | GetCurrentThreadId()),
        handle_(CreateEventW(windows::owner_only(), FALSE, FALSE, event_name(number_).text)) {}
  own_event(const own_event&) = delete;
  own_event& operator=(const own_event&) = delete;
  ~own_event() {
    if (handle_ != nullptr) CloseHandle(handle_);
  }

  [[nodiscard]] std::uint64_t number() const noexcept { return number_; }
  [[nodiscard]] HANDLE handle() const noexcept { return handle_; }

 private:
  std::uint64_t number_;
  HANDLE handle_;
};

DWORD milliseconds(std::chrono::nanoseconds span) noexcept {
  const auto whole = std::chrono::ceil<std::chrono::milliseconds>(span).count();
  return static_cast<DWORD>(std::clamp<long long>(whole, 0, 1'000'000));
}

// The slot that took this number; null: none is free.
std::uint64_t* enter(std::uint64_t* slots, std::uint64_t number) noexcept {
  for (std::size_t i = 0; i < slots_each; ++i) {
    std::uint64_t none = 0;
    // seq_cst: before the sleeper's look at the word, see futex_wait.
    if (slot(slots[i]).compare_exchange_strong(none, number, std::memory_order_seq_cst)) {
      return slots + i;
    }
  }
  return nullptr;
}

}  // namespace

void futex_wait(void* word, std::uint32_t value, std::chrono::nanoseconds at_most) noexcept {
  if (at_most <= std::chrono::nanoseconds::zero()) return;
  const DWORD span = milliseconds(at_most);
  auto* const slots = slots_of(word);
  if (slots == nullptr) {  // a word of this process
    WaitOnAddress(word, &value, sizeof value, span);
    return;
  }
  thread_local const own_event event;
  auto* const own = event.handle() != nullptr ? enter(slots, event.number()) : nullptr;
  if (own == nullptr) {
    Sleep(1);
    return;
  }
  // seq_cst: behind the number above, so whoever changes the word later finds it.
  const auto now =
      std::atomic_ref(*static_cast<std::uint32_t*>(word)).load(std::memory_order_seq_cst);
  if (now == value) {
    WaitForSingleObject(event.handle(), span);
  }
  auto mine = event.number();
  // relaxed: a waker that sees it late sets an event for nothing.
  slot(*own).compare_exchange_strong(mine, 0, std::memory_order_relaxed);
}

void futex_wake(void* word) noexcept {
  auto* const slots = slots_of(word);
  if (slots == nullptr) {
    WakeByAddressAll(word);
    return;
  }
  std::atomic_thread_fence(std::memory_order_seq_cst);  // the word, then the slots
  for (std::size_t i = 0; i < slots_each; ++i) {
    // relaxed: the fence orders it. The number says all; nothing is read through it.
    if (slot(slots[i]).load(std::memory_order_relaxed) == 0) continue;
    const auto thread = slot(slots[i]).exchange(0, std::memory_order_relaxed);
    const auto event = OpenEventW(EVENT_MODIFY_STATE, FALSE, event_name(thread).text);
    if (event == nullptr) continue;  // it died
    SetEvent(event);
    CloseHandle(event);
  }
}

void yield() noexcept { SwitchToThread(); }

// Which ranges of a file are there cannot be asked of every file system.
file_range next_data(int, std::uint64_t from, std::uint64_t to) noexcept { return {from, to}; }

// A file is given its space with its size (files::set_size).
bool lacks_memory(int) noexcept { return false; }
bool provide(int, std::uint64_t, std::uint64_t) noexcept { return true; }

bool accept_barriers() noexcept { return false; }

bool barrier_for_all() noexcept {
  std::atomic_thread_fence(std::memory_order_seq_cst);
  return true;  // every look of the others is a fenced one
}

}  // namespace annulus::kernel
