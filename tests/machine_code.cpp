// The ring alone, compiled whole, for tests/machine_code.py to read its machine code.
#include <annulus/ring/atomics.hpp>
#include <annulus/ring/interrupt.hpp>
#include <annulus/ring/mpsc.hpp>
#include <annulus/ring/spsc.hpp>

namespace annulus {

template class basic_spsc_producer<std_atomics>;
template class basic_spsc_consumer<std_atomics>;
template class basic_mpsc_producer<std_atomics>;
template class basic_mpsc_consumer<std_atomics>;
template class interrupt_word<std_atomics>;
template class interruption<std_atomics>;

template bool enter<std_atomics>(role_words<std_atomics>&, bool, const holder&) noexcept;
template void leave<std_atomics>(role_words<std_atomics>&) noexcept;
template void call_the_roll<std_atomics>(control_words<std_atomics>&) noexcept;
template presence presence_of<std_atomics>(const role_words<std_atomics>&, const lock_witness&,
                                           std::uint32_t) noexcept;

bool fences() noexcept { return std_atomics::accept_barriers() && std_atomics::heavy_fence(); }

}  // namespace annulus
