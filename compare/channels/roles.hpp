// A channel of our own: producers and consumers of channel/, whatever the memory between them.
#pragma once

#include "compare/loops.hpp"

#include <stdexcept>
#include <string>
#include <utility>

#include <annulus/channel/concepts.hpp>
#include <annulus/channel/result.hpp>
#include <annulus/channel/waiting.hpp>

namespace annulus::compare {

template <class T>
[[nodiscard]] T must(result<T> r) {
  if (!r) throw std::runtime_error(r.error().message);
  return std::move(r).value();
}

template <producer Role>
struct sending_role {
  Role role;

  template <class Fill>
  void send(std::size_t bytes, Fill fill) {
    auto claim = role.claim(bytes, no_deadline);
    require(claim.status());
    fill(claim.bytes());
    claim.commit();
  }
  void send_all(messages many) { require(role.push_batch(many, no_deadline).why); }
};

template <consumer Role>
struct receiving_role {
  Role role;

  template <class F>
  void receive(F&& f, std::size_t limit) {
    const auto got = role.drain(f, limit, no_deadline);
    if (got.count == 0) require(got.why);
  }
};

struct waits {
  waiting producer;
  waiting consumer;
};

// `Memory` is what roles attach to.
template <class Memory, producer Producer, consumer Consumer>
class role_channel {
 public:
  role_channel(Memory memory, const waits& how) : memory_(std::move(memory)), how_(how) {}

  sending_role<Producer> producer() { return {must(Producer::attach(memory_, how_.producer))}; }
  receiving_role<Consumer> consumer() { return {must(Consumer::attach(memory_, how_.consumer))}; }

 protected:
  Memory memory_;

 private:
  waits how_;
};

}  // namespace annulus::compare
