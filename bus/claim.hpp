// The claim of a role by name: space for one message, whatever the transport.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <utility>

#include <annulus/channel/claim.hpp>
#include <annulus/pipe/pipe.hpp>
#include <annulus/ring/ring.hpp>

namespace annulus {

// The producer that a claim by name is of. Null: no claim is open.
struct erased_producer {
  // Its type.
  enum class kind : std::uint8_t { spsc, mpsc, pipe };

  void* one = nullptr;   // the producer
  kind is = kind::spsc;  // of this type

  // Whether there is one.
  [[nodiscard]] explicit operator bool() const noexcept { return one != nullptr; }
};

// A claim of one of the transports, taken over. What is called returns this, and no bus_claim: so
// nothing takes the address of the caller's claim, which stays in registers.
struct erased_claim {
  std::byte* at;                              // its space
  annulus::status why;                        // ok, or why there is none
  [[no_unique_address]] checked_claim watch;  // of a debug build
  erased_producer of;                         // of the open claim
};

// Space for one message: see channel/claim.hpp. Type-erased: it finds its transport only at commit
// or abort.
class bus_claim : public claim_of<bus_claim, erased_producer, std::span<std::byte>> {
 public:
  // Open, or refused for a reason. Programs get claims from a producer.
  explicit bus_claim(annulus::status why) noexcept : claim_of({}, {}, why) {}
  // Of so many bytes: not told by the other claim, as the caller may know them when it is compiled.
  bus_claim(erased_claim one, std::size_t bytes) noexcept
      : claim_of(one.of, {one.at, one.of ? bytes : 0}, one.why) {
    watching() = std::move(one.watch);
  }
  // Takes over a claim of one of the transports.
  template <class Producer>
  [[nodiscard, gnu::always_inline]] static erased_claim erase(basic_claim<Producer> one) noexcept {
    return {one.bytes().data(), one.status(), one.watch(), {one.handed_over(), kind_of<Producer>}};
  }
  bus_claim(bus_claim&&) noexcept = default;
  bus_claim& operator=(bus_claim&&) noexcept = default;
  [[gnu::always_inline]] ~bus_claim() = default;

  // Commits a claim of this producer.
  [[gnu::always_inline]] static void commit_for(erased_producer of, std::size_t bytes) noexcept {
    if (of.is != kind::spsc) [[unlikely]]
      return commit_elsewhere(of, bytes);
    using claim = spsc_producer::claim_type;
    claim::commit_for(static_cast<producer_of<claim>>(of.one), bytes);
  }
  // Aborts a claim of this producer.
  [[gnu::noinline]] static void abort_for(erased_producer of) noexcept {
    visit(of, []<class Claim>(producer_of<Claim> one) { Claim::abort_for(one); });
  }

 private:
  using kind = erased_producer::kind;
  template <class Producer>
  static constexpr kind kind_of =
      std::is_same_v<basic_claim<Producer>, spsc_producer::claim_type>   ? kind::spsc
      : std::is_same_v<basic_claim<Producer>, mpsc_producer::claim_type> ? kind::mpsc
                                                                         : kind::pipe;
  template <class Claim>
  using producer_of = decltype(std::declval<Claim>().handed_over());

  [[gnu::noinline]] static void commit_elsewhere(erased_producer of, std::size_t bytes) noexcept {
    visit(of, [&]<class Claim>(producer_of<Claim> one) { Claim::commit_for(one, bytes); });
  }
  template <class How>
  static void visit(erased_producer of, How how) noexcept {
    const auto as = [&]<class Claim>() {
      how.template operator()<Claim>(static_cast<producer_of<Claim>>(of.one));
    };
    switch (of.is) {
      case kind::spsc: return as.template operator()<spsc_producer::claim_type>();
      case kind::mpsc: return as.template operator()<mpsc_producer::claim_type>();
      case kind::pipe: return as.template operator()<pipe_producer::claim_type>();
    }
  }
};

}  // namespace annulus
