#include "compare/channels/all.hpp"

namespace annulus::compare {

std::vector<transport> all_transports() {
  auto all = ring_transports();
  all.push_back(pipe_transport());
  all.push_back(unix_socket_transport());
  all.push_back(posix_queue_transport());
  all.push_back(boost_queue_transport());
  all.push_back(zeromq_transport());
  all.push_back({"iceoryx", "", nullptr, "not in this build"});
  return all;
}

}  // namespace annulus::compare
