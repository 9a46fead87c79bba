// Any bytes as the file that says where an auto: name leads: refused, or shm or pipe with a reason
// that a terminal may show.
#include "input.hpp"
#include "scratch.hpp"
#include "target.hpp"

#include <algorithm>
#include <filesystem>

#include <annulus/bus/name.hpp>
#include <annulus/bus/rendezvous.hpp>
#include <annulus/channel/directory.hpp>

namespace annulus::fuzz {
namespace {

std::string name() {
  return std::filesystem::path(scratch_folder()).filename().string() + "-" +
         std::to_string(getpid());
}

bus::endpoint endpoint() { return bus::parse("auto:" + name()).value(); }

// Where the product itself puts the decision for this name.
std::string find_path() {
  demand(static_cast<bool>(bus::decide(endpoint())), "nothing can be decided");
  return files::directory() + "/annulus." + name() + ".auto";
}

void check(std::span<const std::byte> bytes) {
  static const std::string path = [] {
    std::atexit([] { (void)bus::forget_decision(endpoint()); });
    return find_path();
  }();
  demand(truncate(path.c_str(), 0) == 0, "the decision's file is gone");
  write_at(path, 0, bytes);
  auto found = bus::decision_of(endpoint());
  if (!found) return demand(!found.error().message.empty(), "a refusal says nothing");
  const auto& why = found->why;
  if (has_canary() && found->transport == bus::transport::shm && why.find('#') != why.npos) {
    planted();
    broken("the planted error");
  }
  demand(std::none_of(why.begin(), why.end(),
                      [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; }),
         "a reason holds control characters");
  const auto text = "annulus auto 1\n" + std::string(to_string(found->transport)) + "\n" + why;
  demand(bytes.size() >= text.size() &&
             std::equal(text.begin(), text.end(), reinterpret_cast<const char*>(bytes.data())),
         "something else is read than stands there");
}

}  // namespace
}  // namespace annulus::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t count) {
  annulus::fuzz::check(std::as_bytes(std::span(data, count)));
  return 0;
}
