#include "bench/systems/pipe.hpp"

#include "bench/systems/all.hpp"

namespace annulus::bench {

system pipe_system() {
  system one{pipe_name, "both sides sleep in poll; batches by writev",
             &link_of<pipe_channel>::open};
  one.is_ours = one.has_steps = true;
  return one;
}

}  // namespace annulus::bench
