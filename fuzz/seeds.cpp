// Writes what the fuzzers start from, made by the product itself.   seeds DIRECTORY
#include "image.hpp"
#include "target.hpp"

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include <annulus/bus/choice.hpp>
#include <annulus/bus/dedup.hpp>
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

// Changes of every kind between accesses, and beside a thread.
void hostile() {
  for (unsigned shape = 0; shape < 4; ++shape) {
    for (const unsigned has_thread : {0u, 1u}) {
      output all;
      all.byte(has_thread).byte(shape).byte(0).put(std::uint16_t{600}).byte(8);
      for (unsigned i = 0; i < 8; ++i) {
        all.put(static_cast<std::uint16_t>(i * 16)).byte(i * 4 + i % 3).byte(i * 32).byte(200);
      }
      for (unsigned i = 0; i < 100; ++i) all.byte(i * 37 % 250);
      save("hostile", std::to_string(shape) + (has_thread != 0 ? "-thread" : "-steps"),
           all.bytes());
    }
  }
}

// Honest use, a forged frame, noise, and spoiled words.
void pipe_steps() {
  output all;
  all.byte(5).put(std::uint16_t{3000});
  for (const unsigned one :
       {0x00u, 0x01u, 0x10u, 0x28u, 0x58u, 0x1au, 0x0bu, 0x0bu, 0x01u, 0x0bu, 0x0eu}) {
    all.byte(one);
  }
  save("pipe", "honest", all.bytes());
  auto forged = all;
  forged.byte(4).put(std::uint16_t{100}).byte(6).byte(1).byte(0x0b).byte(0x0e);
  forged.byte(4).put(std::uint16_t{4064}).byte(4).byte(2);
  forged.byte(4).put(std::uint16_t{50}).byte(0x46).byte(2).byte(1).byte(0x0b).byte(0x7f);
  save("pipe", "forged", forged.bytes());
  auto noise = all;
  noise.byte(3).put(std::uint16_t{40});
  for (int i = 0; i < 40; ++i) noise.byte(0x5a);
  noise.byte(0x18).byte(0x0b).byte(0x0d);
  noise.byte(5).put(std::uint16_t{16}).byte(8).put(~std::uint64_t{0}).byte(1).byte(7).byte(0x0b);
  noise.byte(6).byte(8).put(std::uint64_t{8192}).byte(16).byte(0).byte(1).byte(0x2a).byte(0x0b);
  save("pipe", "noise", noise.bytes());
}

void save(const std::string& target, const std::string& name, std::string_view text) {
  save(target, name, std::as_bytes(std::span(text)));
}

void names() {
  int count = 0;
  for (const auto* const one :
       {"shm:orders", "pipe:orders?max_message=64KiB&mode=0640",
        "auto:orders?latency=50us&producers=4&rate=20000&portable=no&guarded=yes",
        "shm:/dev/shm/x?capacity=1MiB&integrity=crc32c&create=no&owner=any&wait=nap&nap=1.5ms",
        "pipe:x?once=yes&wait=yield&spin=20us", "1.5h", "64 KiB"}) {
    save("names", std::to_string(count++), std::string_view(one));
  }
}

void nats_names() {
  int count = 0;
  for (const auto* const one :
       {"nats://hub/ORDERS", "nats://hub:4222/ORDERS?subject=orders.new&durable=billing&create=no",
        "nats://[::1]:4222/S?tls=yes&tls_name=hub&ca=/a&cert=/b&key=/c&user=me",
        "nats://a/S?window=2m&max_message=64KiB&timeout=5s&patience=1h&creds=/d",
        "nats://me:password@hub/S"}) {
    save("nats_names", std::to_string(count++), std::string_view(one));
  }
}

void marks() {
  output steps;
  steps.put(std::uint16_t{640}).byte(0);
  for (unsigned i = 0; i < 40; ++i) steps.byte(4 + i % 4).byte(i % 5).byte(1);
  steps.byte(0).byte(1).byte(4).byte(1).byte(0).byte(5).byte(1).byte(1);
  save("marks", "steps", steps.bytes());
  output spoiled;
  spoiled.put(std::uint16_t{64}).byte(1).byte(0).byte(2 + 24 * 8).put(std::uint16_t{16});
  for (unsigned i = 0; i < 24; ++i) spoiled.byte(0xff);
  spoiled.byte(1).byte(4).byte(0).byte(1);
  save("marks", "spoiled", spoiled.bytes());
  const auto head = bus::head_of({0x1234, 77});
  save("marks", "head", head);
}

void decisions() {
  for (const bool quick : {false, true}) {
    bus::needs of;
    if (quick) of.rate = 1'000'000;
    const auto made = bus::choose(of);
    const std::string kind = to_string(made.transport);
    save("decision", kind, "annulus auto 1\n" + kind + "\n" + made.why + "\n");
  }
}

void streams() {
  output lines, frames;
  lines.byte(0).put(std::uint16_t{1000});
  frames.byte(1).put(std::uint16_t{1000});
  for (const std::string_view one : {"a line", "", "one more", "fin\r"}) {
    lines.put(std::as_bytes(std::span(one))).byte('\n');
    frames.put(static_cast<std::uint32_t>(one.size())).put(std::as_bytes(std::span(one)));
  }
  save("stream", "lines", lines.bytes());
  save("stream", "frames", frames.bytes());
}

}  // namespace
}  // namespace annulus::fuzz

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  annulus::fuzz::root = argv[1];
  annulus::fuzz::segments();
  annulus::fuzz::operations();
  annulus::fuzz::hostile();
  annulus::fuzz::pipe_steps();
  annulus::fuzz::names();
  annulus::fuzz::nats_names();
  annulus::fuzz::marks();
  annulus::fuzz::decisions();
  annulus::fuzz::streams();
}
