// A model of one's own use of the ring, to copy and change.
//
// The use: two producers of telemetry that never wait, and count what they had to drop; a consumer
// that takes what is there in one go. The application relies on this: every sample is either
// received or counted as dropped, and none is torn.
//
// What a model consists of:
//   the threads       thread(index), as the program's processes; roles are constructed on
//                     ring.memory, messages are words with an identity instead of bytes
//   what it relies on RL_ASSERT, in the threads or in after(), when all have ended
//   chance            rl::rand(n), and nothing else, so that a run can be repeated
//   bounds            a line of the table below: small enough to search, large enough to wrap
#include "roles.hpp"

namespace annulus::models {
namespace {

struct own_use : ring_model<own_use, 2, basic_mpsc_producer, basic_mpsc_consumer> {
  using base = ring_model<own_use, 2, basic_mpsc_producer, basic_mpsc_consumer>;

  void before() {
    base::before();
    sent = dropped = received = 0;
  }

  void thread(unsigned index) {
    if (index == consumer_thread) return consume();
    ring.locks.change(producer_role(index));  // takes the role's lock, as attach() does
    producer_type role(ring.memory, index);
    for (unsigned i = 0; i < within.pushes; ++i) {
      const std::uint32_t id = next_id++;
      book.pushing(index, id);  // the ledger follows what the ring should hold
      const auto why = role.try_push(model_atomics::bytes{nullptr, 0, 8, id});
      RL_ASSERT(why == status::ok || why == status::full);
      ++sent;
      dropped += why == status::full;
    }
  }

  void after() {
    base::after();  // drains the rest and settles the ledger: nothing lost, nothing twice
    RL_ASSERT(book.sum().messages + dropped == sent);
    RL_ASSERT(received <= book.sum().messages);
  }

 private:
  void consume() {
    ring.locks.change(consumer_role);
    consumer_type role(ring.memory);
    book.consumer_came();
    for (unsigned i = 0; i < within.reads; ++i) {
      while (take(role.try_read())) ++received;  // checks that it is the next message, and whole
      role.release();
    }
  }

  // Relacy runs one thread at a time: plain members may be shared by what is not modelled.
  unsigned sent = 0, dropped = 0, received = 0;
};

constexpr model all[] = {
    {"drops",
     "every sample is received or counted as dropped",
     {search::random, 100'000, 10'000'000},
     {.pushes = 5, .reads = 3, .refills = false}},
};

}  // namespace
}  // namespace annulus::models

int main(int argc, char** argv) {
  return annulus::models::main_of<annulus::models::own_use>(annulus::models::all, argc, argv);
}
