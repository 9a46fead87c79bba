// A segment as a fuzzer's input: small, and with its checksums right.
//
//     u8     how            1: over a memfd   2: the geometry as it stands, else planned
//     u8     steps, then as many bytes: what is done with it (segment.cpp)
//     shape                 what a geometry is planned from, or 112 bytes of one
//     u8     stamps, then as many {u16 place, u16 bytes, u8 kind}: good headers and trailers
//     u16    length, then the control words; the same for the producers' words; the rest: the data
//
// A place is counted in words from the data's first position, so a stamp is valid where it stands.
#pragma once

#include "input.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <vector>

#include <annulus/ring/atomics.hpp>
#include <annulus/ring/geometry.hpp>
#include <annulus/ring/memory.hpp>

namespace annulus::fuzz {

inline constexpr std::uint64_t largest_capacity = 1 << 14;
inline constexpr std::size_t most_steps = 64;

struct image {
  bool is_file = false;
  std::vector<std::byte> steps;
  annulus::geometry geometry;
  std::vector<std::byte> bytes;  // the whole segment
};

// Few bytes stand for a shape: nearly all of them are possible.
[[nodiscard]] inline ring_options options_from(input& in) {
  ring_options all;
  const auto bits = in.take<std::uint8_t>();
  all.topology = (bits & 1) != 0 ? topology::mpsc : topology::spsc;
  all.integrity = (bits & 2) != 0 ? integrity::crc32c : integrity::structure;
  all.capacity = min_capacity << (bits >> 2 & 1);
  all.producers = 1 + (bits >> 3 & 3);
  const std::uint64_t starts[] = {0, std::uint64_t{1} << 32, 0, ~std::uint64_t{0} << 40};
  all.first_pos = starts[bits >> 5 & 3] - (in.take<std::uint8_t>() * 64u);
  all.max_message = std::min<std::uint64_t>(in.take<std::uint16_t>(), all.capacity / 2);
  return all;
}

inline void stamp(std::byte* base, const geometry& shape, input& in) {
  ring_memory<std_atomics> ring;
  ring.data = std_atomics::area(base + shape.data_offset);
  ring.geometry = shape;
  const auto place = in.take<std::uint16_t>();
  const std::uint64_t pos = shape.first_pos + place % (shape.capacity / 8) * 8;
  const std::uint64_t count = in.take<std::uint16_t>();
  const auto kind = in.take<std::uint8_t>();
  std::uint64_t word = ring.committed(count, pos);
  if (kind % 4 == 1) word = ring.aborted(header_bytes + count, pos);
  if (kind % 4 == 2) word = ring.busy(header_bytes + count, pos, kind / 4);
  if (kind % 4 == 3) word = 0;
  if (kind % 4 == 0 && count <= shape.max_message) ring.write_checksum(pos, count);
  // [own] relaxed: nobody else sees it yet.
  ring.header(pos).store<edge::own>(word, std::memory_order_relaxed);
}

// Nothing: it would be larger than a case should be, or no geometry follows from it.
[[nodiscard]] inline std::optional<image> image_from(input& in) {
  image out;
  const auto how = in.take<std::uint8_t>();
  out.is_file = (how & 1) != 0;
  const auto steps = in.bytes(in.below(most_steps + 1));
  out.steps.assign(steps.begin(), steps.end());
  if ((how & 2) != 0) {
    out.geometry = in.take<annulus::geometry>();
    if ((how & 4) == 0) finish_geometry(out.geometry);
  } else {
    auto planned = plan_geometry(options_from(in));
    if (!planned) return std::nullopt;
    out.geometry = *planned;
    out.geometry.key = in.take<std::uint64_t>() & ~(record_align - 1);
    finish_geometry(out.geometry);
  }
  auto& shape = out.geometry;
  auto size = static_cast<std::size_t>(std::min<std::uint64_t>(shape.segment_bytes, 1 << 16));
  size = std::max(size, sizeof shape);
  out.bytes.resize(size);
  std::memcpy(out.bytes.data(), &shape, sizeof shape);
  const auto checked = check_geometry(shape, size, "an image");
  if (!checked) return out;

  auto stamps = input(in.bytes(in.below(33) * 5));
  const auto lay = [&](std::uint64_t at, std::uint64_t most, std::span<const std::byte> some) {
    std::memcpy(out.bytes.data() + at, some.data(),
                std::min(static_cast<std::size_t>(most), some.size()));
  };
  lay(shape.control_offset, page_bytes, in.bytes(in.take<std::uint16_t>()));
  lay(shape.producers_offset, page_bytes, in.bytes(in.take<std::uint16_t>()));
  lay(shape.data_offset, size - shape.data_offset, in.rest());
  while (!stamps.is_over()) stamp(out.bytes.data(), shape, stamps);
  return out;
}

// What seeds are made of: a segment of the product as such an input.
[[nodiscard]] inline output image_of(std::span<const std::byte> segment, bool is_file,
                                     std::span<const std::byte> steps,
                                     std::span<const std::byte> stamps = {}) {
  geometry shape;
  std::memcpy(&shape, segment.data(), sizeof shape);
  const auto trimmed = [&](std::uint64_t at, std::uint64_t most) {
    auto some = segment.subspan(static_cast<std::size_t>(at), static_cast<std::size_t>(most));
    while (!some.empty() && some.back() == std::byte{0}) some = some.first(some.size() - 1);
    return some;
  };
  output out;
  out.byte(is_file ? 3 : 2).byte(static_cast<unsigned>(steps.size())).put(steps).put(shape);
  out.byte(static_cast<unsigned>(stamps.size() / 5)).put(stamps);
  const auto control = trimmed(shape.control_offset, page_bytes);
  const auto producers = trimmed(shape.producers_offset, page_bytes);
  out.put(static_cast<std::uint16_t>(control.size())).put(control);
  out.put(static_cast<std::uint16_t>(producers.size())).put(producers);
  out.put(trimmed(shape.data_offset, shape.capacity));
  return out;
}

}  // namespace annulus::fuzz
