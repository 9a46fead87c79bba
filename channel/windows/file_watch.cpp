#include <annulus/channel/file_watch.hpp>

// Windows tells of a directory's changes, but of no close and no death. So nothing is watched here,
// and a role asks more often instead.
namespace annulus {

bool file_watch::covers(std::array<int, 2>) noexcept {
  has_tried_ = true;
  return false;
}

bool file_watch::take() noexcept { return false; }

void file_watch::touch(int) noexcept {}

}  // namespace annulus
