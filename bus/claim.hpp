// The claim of a role by name: space for one message, whatever the transport.
#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <utility>

#include <annulus/channel/claim.hpp>
#include <annulus/pipe/pipe.hpp>
#include <annulus/ring/ring.hpp>

namespace annulus {

// Space for one message: see channel/claim.hpp. Type-erased: it finds its transport only at commit
// or abort.
class bus_claim {
 public:
  // Open, or refused for a reason. Programs get claims from a producer.
  explicit bus_claim(annulus::status why) noexcept : status_(why) {}
  // Takes over a claim of one of the transports.
  template <class Producer>
  explicit bus_claim(basic_claim<Producer> one) noexcept
      : bytes_(one.bytes()),
        status_(one.status()),
        owner_(owner_of<Producer>),
        watch_(one.watch()),
        producer_(one.handed_over()) {}

  bus_claim(bus_claim&& other) noexcept
      : bytes_(other.bytes_),
        status_(std::exchange(other.status_, annulus::status::not_permitted)),
        owner_(other.owner_),
        watch_(std::move(other.watch_)),
        producer_(std::exchange(other.producer_, nullptr)) {}
  bus_claim& operator=(bus_claim&& other) noexcept {
    if (this == &other) return *this;
    abort();
    bytes_ = other.bytes_;
    status_ = std::exchange(other.status_, annulus::status::not_permitted);
    owner_ = other.owner_;
    watch_ = std::move(other.watch_);
    producer_ = std::exchange(other.producer_, nullptr);
    return *this;
  }
  ~bus_claim() {
    if (producer_ != nullptr) [[unlikely]]
      abort();
  }

  // See basic_claim.
  [[nodiscard]] explicit operator bool() const noexcept { return producer_ != nullptr; }
  // ok, or why there is no claim.
  [[nodiscard]] annulus::status status() const noexcept { return status_; }
  // Requires: the claim is open.
  [[nodiscard]] std::span<std::byte> bytes() noexcept { return bytes_; }

  // See basic_claim: commits all, or the first `fewer` bytes, or aborts.
  [[gnu::always_inline]] void commit() noexcept { commit(bytes_.size()); }
  [[gnu::always_inline]] void commit(std::size_t fewer) noexcept {
    if (fewer > bytes_.size()) watch_.exceeds();
    assert(producer_ == nullptr || fewer <= bytes_.size());
    if (fewer > bytes_.size()) return abort();
    const auto running = watch_.ending("commit");
    end(committing{fewer});
  }
  // Gives the space up.
  void abort() noexcept {
    const auto running = watch_.ending("abort");
    end([]<class P>(P& producer) { basic_claim<P>::abort_for(producer); });
  }

 private:
  enum class owner : std::uint8_t { spsc, mpsc, pipe };
  template <class Producer>
  static constexpr owner owner_of =
      std::is_same_v<basic_claim<Producer>, spsc_producer::claim_type>   ? owner::spsc
      : std::is_same_v<basic_claim<Producer>, mpsc_producer::claim_type> ? owner::mpsc
                                                                         : owner::pipe;

  struct committing {
    std::size_t fewer;
    template <class P>
    [[gnu::always_inline]] void operator()(P& producer) const noexcept {
      basic_claim<P>::commit_for(producer, fewer);
    }
  };

  template <class How>
  [[gnu::always_inline]] void end(How how) noexcept {
    status_ = annulus::status::not_permitted;
    void* const producer = std::exchange(producer_, nullptr);
    if (producer == nullptr) return;
    switch (owner_) {
      case owner::spsc: return how(*static_cast<producer_of<spsc_producer>*>(producer));
      case owner::mpsc: return how(*static_cast<producer_of<mpsc_producer>*>(producer));
      case owner::pipe: return how(*static_cast<producer_of<pipe_producer>*>(producer));
    }
  }
  template <class Role>
  using producer_of =
      std::remove_pointer_t<decltype(std::declval<typename Role::claim_type>().handed_over())>;

  std::span<std::byte> bytes_;
  annulus::status status_;
  owner owner_ = owner::spsc;
  [[no_unique_address]] checked_claim watch_;
  void* producer_ = nullptr;  // nobody: not open
};

}  // namespace annulus
