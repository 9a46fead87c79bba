// Your message handler as a fuzz target: messages of any bytes, through a ring that is damaged.
//
//     void handle(annulus::message one) { ... }
//     ANNULUS_FUZZ_HANDLER(handle)
//
// Each input is a handful of messages. They go through a real ring and come to the handler as a
// consumer reads them. On the way bits of the ring are changed where the input says so: a message
// may then be skipped, and without a checksum be changed. The handler must live with any bytes.
//
//     u8 how   1: with checksums   then {u8 0, u16 bytes, the bytes}: a message
//                                       {u8 1, u16 place, u8 mask}: damage   {u8 2}: all is read
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

#include <annulus/fuzz/input.hpp>
#include <annulus/ring/ring.hpp>

namespace annulus::fuzz {

// Copies each message first, so that a sanitizer sees where it ends.
template <class Handle>
void handle_all(spsc_consumer& rx, Handle&& handle) {
  // Damage is skipped in finite steps; a position that was changed may make them many.
  for (unsigned reads = 0; reads < 2000; ++reads) {
    const view seen = rx.examine();
    if (!seen && seen.status() != status::corrupt) break;
    if (seen) {
      const std::vector<std::byte> copy(seen.bytes().begin(), seen.bytes().end());
      handle(message(copy));
    }
    rx.release();
  }
}

template <class Handle>
void fuzz_handler(input in, Handle&& handle) {
  constexpr std::uint64_t capacity = 1 << 13;
  ring_options shape;
  shape.capacity = capacity;
  shape.integrity = in.flag() ? integrity::crc32c : integrity::structure;
  static const auto size = static_cast<std::size_t>(segment::bytes_for(shape).value() + 4096);
  static auto* const memory = static_cast<std::byte*>(std::aligned_alloc(4096, size / 4096 * 4096));
  auto made = segment::format({memory, size / 4096 * 4096}, shape);
  if (!made) std::abort();
  auto tx = spsc_producer::attach(*made);
  auto rx = spsc_consumer::attach(*made);
  if (!tx || !rx) std::abort();
  const auto data = made->geometry().data_offset;
  for (unsigned steps = 0; !in.is_over() && steps < 200; ++steps) {
    switch (in.take<std::uint8_t>() % 3) {
      case 0: {
        const auto some = in.bytes(in.take<std::uint16_t>() % (capacity / 2));
        if (tx->try_push(some) != status::ok) handle_all(*rx, handle);
        break;
      }
      case 1: {
        const auto place = data + in.take<std::uint16_t>() % capacity;
        memory[place] ^= static_cast<std::byte>(in.take<std::uint8_t>());
        break;
      }
      case 2: handle_all(*rx, handle); break;
    }
  }
  handle_all(*rx, handle);
}

}  // namespace annulus::fuzz

#define ANNULUS_FUZZ_HANDLER(handle)                                                   \
  extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t count) { \
    annulus::fuzz::fuzz_handler(annulus::fuzz::input(data, count),                     \
                                [](annulus::message one) { handle(one); });            \
    return 0;                                                                          \
  }
