// The operations whose machine code is looked at (hot_path_code.cpp): each in a loop, as a program
// has it, and in a small file of its own, so that what gcc inlines here is what it inlines there.
#pragma once

#include <cstddef>
#include <cstdint>

#include <annulus/bus/bus.hpp>
#include <annulus/ring/ring.hpp>

namespace annulus::hot_path {

// Do it so many times. They return whether all went well.
template <class Producer>
bool push(Producer& tx, std::size_t bytes, unsigned times);  // 8, 16, 24, 64, 128 or 256
template <class Producer>
bool push_four(Producer& tx, std::size_t bytes, unsigned times);  // in a batch
template <class Producer>
bool claim(Producer& tx, unsigned times);  // of 8 bytes
template <class Consumer>
bool read(Consumer& rx, unsigned times);  // and release, of 8 bytes

}  // namespace annulus::hot_path
