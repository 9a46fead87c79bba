#include <algorithm>
#include <array>
#include <cstring>

#include <annulus/pipe/frame.hpp>
#include <annulus/pipe/windows/shelf.hpp>

namespace annulus::pipes {
namespace {

using block = std::array<std::byte, block_bytes>;

// The first message of the pipe, or the first block of it.
std::size_t first_of(HANDLE pipe, block& into) noexcept {
  DWORD got = 0;
  const auto most = static_cast<DWORD>(into.size());
  return PeekNamedPipe(pipe, into.data(), most, &got, nullptr, nullptr) != 0 ? got : 0;
}

void take(HANDLE pipe, std::size_t bytes) noexcept {
  block gone;
  DWORD got = 0;
  ReadFile(pipe, gone.data(), static_cast<DWORD>(bytes), &got, nullptr);
}

}  // namespace

std::uint64_t shelf::start() const noexcept {
  // [own] relaxed: the consumer's; a producer that sees an old one finds less room.
  return words_->start.load<edge::own>(std::memory_order_relaxed);
}

std::uint64_t shelf::end() const noexcept {
  // [kept] acquire: the bytes before it.
  return words_->end.load<edge::kept>(std::memory_order_acquire);
}

void shelf::clear() noexcept {
  // [own] relaxed: nobody else has the pipe yet.
  words_->start.store<edge::own>(0, std::memory_order_relaxed);
  // [own] relaxed: nobody else has the pipe yet.
  words_->pending.store<edge::own>(0, std::memory_order_relaxed);
  // [kept] release: behind the two above.
  words_->end.store<edge::kept>(0, std::memory_order_release);
}

std::uint64_t shelf::used() const noexcept {
  const auto first = start();
  return std::min(end() - first, capacity_);  // whatever a peer wrote
}

template <class F>
void shelf::stretches(std::uint64_t pos, std::size_t count, F f) const noexcept {
  const auto at = static_cast<std::size_t>(pos % capacity_);
  const auto first = std::min(count, static_cast<std::size_t>(capacity_) - at);
  f(data_ + at, 0, first);
  if (first < count) f(data_, first, count - first);
}

void shelf::finish(HANDLE pipe) noexcept {
  // [own] relaxed: the consumer's own, or that of the one before, behind its lock.
  const auto pending = words_->pending.load<edge::own>(std::memory_order_relaxed);
  if (pending == 0) [[likely]]
    return;
  block first;
  const auto got = first_of(pipe, first);
  bool is_same = got == pending;
  if (is_same) {
    stretches(end() - got, got, [&](std::byte* at, std::size_t from, std::size_t count) {
      is_same = is_same && std::memcmp(at, first.data() + from, count) == 0;
    });
  }
  if (is_same) take(pipe, got);
  // [own] relaxed: the consumer's own.
  words_->pending.store<edge::own>(0, std::memory_order_relaxed);
}

bool shelf::move(HANDLE pipe) noexcept {
  block first;
  const auto got = first_of(pipe, first);
  if (got == 0 || used() + got > capacity_) return false;
  const auto pos = end();
  stretches(pos, got, [&](std::byte* at, std::size_t from, std::size_t count) {
    std::memcpy(at, first.data() + from, count);
  });
  // [own] relaxed: handed on by the end; without that it compares with other bytes.
  words_->pending.store<edge::own>(got, std::memory_order_relaxed);
  // [kept] release: the bytes before it, and that they are pending.
  words_->end.store<edge::kept>(pos + got, std::memory_order_release);
  take(pipe, got);
  // [own] relaxed: the consumer's own.
  words_->pending.store<edge::own>(0, std::memory_order_relaxed);
  return true;
}

std::size_t shelf::copy(std::uint64_t known, std::span<std::byte> to) const noexcept {
  const auto all = used();
  if (all <= known) return 0;
  const auto some = static_cast<std::size_t>(std::min<std::uint64_t>(all - known, to.size()));
  stretches(start() + known, some, [&](std::byte* at, std::size_t from, std::size_t count) {
    std::memcpy(to.data() + from, at, count);
  });
  return some;
}

void shelf::release(std::uint64_t bytes) noexcept {
  const auto now = start() + std::min(bytes, used());
  // [own] relaxed: a producer that sees it late finds less room.
  words_->start.store<edge::own>(now, std::memory_order_relaxed);
}

}  // namespace annulus::pipes
