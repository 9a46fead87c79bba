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

// Space for one message: see channel/claim.hpp. Type-erased: it finds its transport only at commit
// or abort.
class bus_claim : public claim_of<bus_claim, erased_producer, std::span<std::byte>> {
 public:
  // Open, or refused for a reason. Programs get claims from a producer.
  explicit bus_claim(annulus::status why) noexcept : claim_of({}, {}, why) {}
  // Takes over a claim of one of the transports.
  template <class Producer>
  explicit bus_claim(basic_claim<Producer> one) noexcept : claim_of({}, one.bytes(), one.status()) {
    watching() = one.watch();
    open_for({one.handed_over(), kind_of<Producer>});
  }

  // Commits a claim of this producer.
  [[gnu::always_inline]] static void commit_for(erased_producer of, std::size_t bytes) noexcept {
    visit(of, committing{bytes});
  }
  // Aborts a claim of this producer.
  static void abort_for(erased_producer of) noexcept {
    visit(of, []<class P>(P* producer) { basic_claim<P>::abort_for(producer); });
  }

 private:
  using kind = erased_producer::kind;
  template <class Producer>
  static constexpr kind kind_of =
      std::is_same_v<basic_claim<Producer>, spsc_producer::claim_type>   ? kind::spsc
      : std::is_same_v<basic_claim<Producer>, mpsc_producer::claim_type> ? kind::mpsc
                                                                         : kind::pipe;

  struct committing {
    std::size_t bytes;
    template <class P>
    [[gnu::always_inline]] void operator()(P* producer) const noexcept {
      basic_claim<P>::commit_for(producer, bytes);
    }
  };

  template <class Role>
  using producer_of = decltype(std::declval<typename Role::claim_type>().handed_over());

  template <class How>
  [[gnu::always_inline]] static void visit(erased_producer of, How how) noexcept {
    if (of.is == kind::spsc) [[likely]]
      return how(static_cast<producer_of<spsc_producer>>(of.one));
    if (of.is == kind::mpsc) return how(static_cast<producer_of<mpsc_producer>>(of.one));
    how(static_cast<producer_of<pipe_producer>>(of.one));
  }
};

}  // namespace annulus
