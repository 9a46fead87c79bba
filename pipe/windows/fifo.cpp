#include <windows.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>

#include <annulus/channel/windows/handle.hpp>
#include <annulus/pipe/fifo.hpp>
#include <annulus/pipe/frame.hpp>
#include <annulus/pipe/windows/ends.hpp>

namespace annulus::pipes {
namespace {

DWORD milliseconds(std::chrono::nanoseconds span) noexcept {
  const auto whole = std::chrono::ceil<std::chrono::milliseconds>(span).count();
  return static_cast<DWORD>(std::clamp<long long>(whole, 0, 1'000'000));
}

// Waits for an event, if there is one, or for a waker. True: the event has come.
bool wait_for(HANDLE event, std::chrono::nanoseconds at_most, wakers also) noexcept {
  std::array<HANDLE, 2> all{};
  DWORD count = 0;
  if (event != nullptr) all[count++] = event;
  const auto interrupt = reinterpret_cast<HANDLE>(static_cast<std::intptr_t>(also.interrupt));
  if (also.interrupt >= 0) all[count++] = interrupt;
  if (count == 0) {
    Sleep(milliseconds(at_most));
    return false;
  }
  const auto seen = WaitForMultipleObjects(count, all.data(), FALSE, milliseconds(at_most));
  if (seen >= WAIT_OBJECT_0 + count) return false;
  const HANDLE which = all[seen - WAIT_OBJECT_0];
  if (also.interrupt >= 0 && which == interrupt) wake_event::clear(also.interrupt);
  return which == event;
}

}  // namespace

result<descriptor> another(int fifo) {
  auto made = files::duplicate(fifo);
  if (!made) return files::system_error("cannot use the FIFO", errno);
  windows::keep_with(made.number(), ends::of(fifo));
  return made;
}

std::uint64_t kernel_bytes(int fifo) noexcept { return ends::of(fifo)->capacity(); }

std::uint64_t bytes_in(int fifo) noexcept { return ends::of(fifo)->depth(); }

bool has_bytes(int fifo) noexcept { return bytes_in(fifo) > 0; }

bool has_free_page(int fifo) noexcept { return ends::of(fifo)->room() >= block_bytes; }

std::uint64_t certain_room(int fifo) noexcept {
  return ends::of(fifo)->room() / block_bytes * block_bytes;
}

std::size_t write_blocks(int fifo, std::span<const std::byte> blocks) noexcept {
  const auto to = ends::of(fifo);
  std::size_t all = 0;
  while (all < blocks.size()) {
    const auto count = static_cast<DWORD>(std::min(blocks.size() - all, block_bytes));
    DWORD done = 0;
    // The pipe itself does not count what was moved out of it and is not released.
    if (to->room() < count) break;
    if (WriteFile(to->writing(), blocks.data() + all, count, &done, nullptr) == 0 || done == 0) {
      break;
    }
    assert(done == count);
    all += done;
  }
  if (all > 0) SetEvent(to->written());
  return all;
}

void nap_for_room(int fifo, std::chrono::nanoseconds at_most, wakers also) noexcept {
  const auto in = ends::of(fifo);
  if (in->room() >= block_bytes) return;
  const bool was_told = wait_for(in->taken(), at_most, also);
  // One producer was told. There may be room for more of them.
  if (was_told && in->room() >= block_bytes) SetEvent(in->taken());
}

void nap(std::chrono::nanoseconds at_most, wakers also) noexcept {
  wait_for(nullptr, at_most, also);
}

result<tap> tap::open(int fifo) {
  tap made;
  auto own = another(fifo);
  if (!own) return own.error();
  made.fifo_ = std::move(*own);
  return made;
}

std::size_t tap::copy_new(std::uint64_t known, std::span<std::byte> to) noexcept {
  const auto from = ends::of(fifo());
  auto& shelf = from->shelf();
  shelf.finish(from->reading());
  // Not for ever, whatever a peer does to its words meanwhile.
  auto most = to.size() / header_bytes + 1;
  while (most-- > 0 && shelf.used() < known + to.size() && shelf.move(from->reading())) {
  }
  return shelf.copy(known, to);
}

void tap::take(std::uint64_t bytes) noexcept {
  const auto from = ends::of(fifo());
  from->shelf().release(bytes);
  SetEvent(from->taken());
}

void tap::nap(std::uint64_t known, std::chrono::nanoseconds at_most, wakers also) noexcept {
  const auto from = ends::of(fifo());
  if (from->depth() <= known) wait_for(from->written(), at_most, also);
}

}  // namespace annulus::pipes
