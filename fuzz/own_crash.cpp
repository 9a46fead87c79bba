// A crash test of one's own use of the ring, to copy and change.
//
// The use: two producers send orders; the consumer keeps an account in a mapped file, so that what
// it knows outlives it. An order that comes again after a death is not counted twice. The account
// is written beside the old one, and counts when its turn is stored.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <cstring>

#include <annulus/fuzz/crash.hpp>

namespace {

using annulus::fuzz::crash_point;
using annulus::fuzz::require;

struct order {
  std::uint64_t id;
  std::uint64_t amount;
};

struct sender {
  std::size_t fill(std::uint64_t id, std::span<std::byte> into) {
    const order one{id, id % 1000};
    std::memcpy(into.data(), &one, sizeof one / 2);
    crash_point();  // half an order stands there: nobody must see it
    std::memcpy(into.data(), &one, sizeof one);
    return sizeof one;
  }
};

struct account {
  std::uint64_t turn;
  std::array<std::uint64_t, 2> last;  // the last order of each producer
  std::uint64_t orders, sum, sum_of_ids;

  // Each order brings both, so the one follows from the other but for thousands.
  [[nodiscard]] bool adds_up() const { return sum % 1000 == sum_of_ids % 1000; }
};

class handler {
 public:
  explicit handler(const std::string& folder) {
    const int file = ::open((folder + "/account").c_str(), O_RDWR | O_CREAT, 0600);
    require(file >= 0 && ftruncate(file, sizeof(accounts)) == 0, "there is no account");
    void* const at = mmap(nullptr, sizeof(accounts), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    require(at != MAP_FAILED, "the account cannot be mapped");
    both_ = static_cast<accounts*>(at);
    ::close(file);
    now_ = newest();
  }

  void check() { require(newest().adds_up(), "the account does not add up"); }

  void handle(std::uint64_t id, annulus::message one) {
    order seen;
    require(one.size() == sizeof seen, "an order is torn");
    std::memcpy(&seen, one.data(), sizeof seen);
    require(seen.id == id && seen.amount == id % 1000, "an order is torn");
    auto& last = now_.last[annulus::fuzz::producer_of(id)];
    if (id <= last) return;  // again, after a death
    last = id;
    ++now_.orders;
    now_.sum += seen.amount;
    if (is_careless_) both_->of[0] = now_;  // the error of the canary: it may be cut here
    crash_point();
    now_.sum_of_ids += id % 1000;
  }

  void save() {
    ++now_.turn;
    auto& place = both_->of[is_careless_ ? 0 : now_.turn % 2];
    auto next = now_;
    next.turn = 0;  // it does not count while it is written
    place = next;
    crash_point();
    std::atomic_ref(place.turn).store(now_.turn, std::memory_order_release);
  }

 private:
  struct accounts {
    std::array<account, 2> of;
  };
  [[nodiscard]] const account& newest() const {
    if (is_careless_) return both_->of[0];
    return both_->of[0].turn > both_->of[1].turn ? both_->of[0] : both_->of[1];
  }

  accounts* both_ = nullptr;
  account now_{};
  bool is_careless_ = std::getenv("ANNULUS_FUZZ_CANARY") != nullptr;
};

}  // namespace

int main(int argc, char** argv) {
  return annulus::fuzz::crash_test<sender, handler>({.producers = 2}, argc, argv);
}
