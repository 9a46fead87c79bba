#include "bench/systems/all.hpp"

#ifdef ANNULUS_HAS_ZEROMQ

#include "bench/systems/ends.hpp"
#include <zmq.h>

#include <memory>
#include <string>

namespace annulus::bench {
namespace {

// A context and its one socket, in one process: a context does not survive a fork.
class zmq_end {
 public:
  explicit zmq_end(int kind) : context_(zmq_ctx_new()), socket_(zmq_socket(context_.get(), kind)) {
    if (!socket_) fail("zmq_socket");
  }
  [[nodiscard]] void* socket() const noexcept { return socket_.get(); }
  void set(int option, int value) { zmq_setsockopt(socket(), option, &value, sizeof value); }

 private:
  struct ends {
    void operator()(void* context) const noexcept { zmq_ctx_term(context); }
  };
  struct closes {
    void operator()(void* socket) const noexcept { zmq_close(socket); }
  };
  std::unique_ptr<void, ends> context_;
  std::unique_ptr<void, closes> socket_;
};

class zeromq {
 public:
  explicit zeromq(const shape& of)
      : bytes_(of.bytes), depth_(static_cast<int>(of.capacity / of.bytes) + 1) {}

  auto producer() {
    auto end = std::make_shared<zmq_end>(ZMQ_PUSH);
    end->set(ZMQ_SNDHWM, depth_);
    end->set(ZMQ_IMMEDIATE, 1);  // a message waits for the connection
    end->set(ZMQ_RECONNECT_IVL, 1);
    if (zmq_connect(end->socket(), name_.c_str()) != 0) fail("zmq_connect");
    if (zmq_send(end->socket(), nullptr, 0, 0) < 0) fail("zmq_send");
    return copying_producer(bytes_, [end](message one) {
      if (zmq_send(end->socket(), one.data(), one.size(), 0) < 0) fail("zmq_send");
      return true;
    });
  }
  auto consumer() {
    auto end = std::make_shared<zmq_end>(ZMQ_PULL);
    end->set(ZMQ_RCVHWM, depth_);
    if (zmq_bind(end->socket(), name_.c_str()) != 0) fail("zmq_bind");
    // The first message is empty: the connection stands.
    if (zmq_recv(end->socket(), nullptr, 0, 0) < 0) fail("zmq_recv");
    return copying_consumer(bytes_, false, [end](std::span<std::byte> to) {
      const int got = zmq_recv(end->socket(), to.data(), to.size(), 0);
      if (got < 0) fail("zmq_recv");
      return static_cast<std::size_t>(got);
    });
  }

 private:
  std::size_t bytes_;
  int depth_;
  std::string name_ = "ipc://@annulus-" + new_name();  // abstract: there is no file to remove
};

}  // namespace

system zeromq_system() {
  return {"ZeroMQ", "PUSH and PULL over ipc://, blocking; it makes batches by itself",
          opens<zeromq>()};
}

}  // namespace annulus::bench

#else

annulus::bench::system annulus::bench::zeromq_system() {
  return {"ZeroMQ", "", nullptr, "not installed at build time: libzmq3-dev"};
}

#endif
