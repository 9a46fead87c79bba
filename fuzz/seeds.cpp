// Writes what the fuzzers start from, made by the product itself.   seeds DIRECTORY
#include "image.hpp"
#include "target.hpp"

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <annulus/ring/ring.hpp>

namespace annulus::fuzz {
namespace {

std::filesystem::path root;

void save(const std::string& target, const std::string& name, std::span<const std::byte> bytes) {
  std::filesystem::create_directories(root / target);
  std::ofstream out(root / target / name, std::ios::binary);
  out.write(reinterpret_cast<const char*>(bytes.data()),
            static_cast<std::streamsize>(bytes.size()));
  demand(static_cast<bool>(out), "a seed cannot be written");
}

std::vector<std::byte> codes(std::initializer_list<unsigned> all) {
  std::vector<std::byte> out;
  for (const unsigned one : all) out.push_back(static_cast<std::byte>(one));
  return out;
}

// Rings with messages, claims and a lap behind them.
template <class Producer, class Consumer>
void segments(const ring_options& shape, const std::string& name) {
  std::vector<std::byte> memory(1 << 16);
  void* at = memory.data();
  std::size_t room = memory.size();
  std::align(4096, 1 << 15, at, room);
  const std::span bytes(static_cast<std::byte*>(at), room);
  auto made = segment::format(bytes, shape);
  demand(static_cast<bool>(made), "no segment for a seed");
  const auto steps = codes({0, 1, 4, 10, 0x26, 10, 14, 0x38, 0x19, 12, 13, 0xff, 2, 3, 1, 11});
  save("segment", name + "-new", image_of(bytes, false, steps).bytes());

  auto tx = Producer::attach(*made);
  auto rx = Consumer::attach(*made);
  demand(tx && rx, "no roles for a seed");
  const std::vector<std::byte> one(100, std::byte{0x41}), most(tx->max_message(), std::byte{0x42});
  for (int i = 0; i < 50; ++i) {
    demand(tx->try_push(one) == status::ok, "a seed's push fails");
    if (i % 10 == 9) rx->drain([](message) {}, 100);
  }
  (void)tx->try_push(most);
  (void)tx->try_push(one);
  tx->close();
  rx->close();
  save("segment", name + "-used", image_of(bytes, false, steps).bytes());
  auto again = Producer::attach(*made);
  auto claim = again->try_claim(20);
  save("segment", name + "-claimed", image_of(bytes, true, steps).bytes());
}

void segments() {
  ring_options shape;
  shape.capacity = 4096;
  shape.max_message = 300;
  for (const bool crc : {false, true}) {
    shape.integrity = crc ? integrity::crc32c : integrity::structure;
    shape.topology = topology::spsc;
    segments<spsc_producer, spsc_consumer>(shape, crc ? "spsc-crc" : "spsc");
    shape.topology = topology::mpsc;
    shape.producers = 2;
    shape.first_pos = std::uint64_t{0} - 4096;
    segments<mpsc_producer, mpsc_consumer>(shape, crc ? "mpsc-crc" : "mpsc");
  }
  // Planned ones, of stamps only: good and foreign headers where the consumer looks.
  output stamped;
  stamped.byte(0).byte(4).put(codes({1, 10, 12, 14})).byte(5).byte(0).put(std::uint16_t{200});
  stamped.put(std::uint64_t{0x1234567890}).byte(3);
  stamped.put(codes({0, 0, 40, 0, 2, 6, 0, 40, 0, 0, 12, 0, 200, 0, 1}));
  save("segment", "stamped", stamped.bytes());
}

// Each operation once, with and without deaths, over every kind of ring.
void operations() {
  for (unsigned shape = 0; shape < 4; ++shape) {
    for (const unsigned dies : {0u, 0x80u}) {
      output all;
      all.byte(shape | 0x40).byte(3).put(std::uint16_t{300});
      for (unsigned what = 0; what < 128; ++what) {
        const unsigned op = what * 7 % 16;
        all.byte(op | (what % 5 == 0 ? dies : 0)).byte(what * 3);
        if (what % 5 == 0 && dies != 0) all.put(static_cast<std::uint16_t>(what / 5));
      }
      save("operations", std::to_string(shape) + (dies != 0 ? "-deaths" : "-lives"), all.bytes());
    }
  }
}

}  // namespace
}  // namespace annulus::fuzz

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  annulus::fuzz::root = argv[1];
  annulus::fuzz::segments();
  annulus::fuzz::operations();
}
