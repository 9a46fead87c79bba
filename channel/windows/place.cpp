#include <cerrno>
#include <utility>

#include <annulus/channel/place.hpp>
#include <annulus/channel/windows/handle.hpp>

namespace annulus::files {

place::place(std::string path) : path_(std::move(path)) {}

// No mount of a namespace hides a file here: what the path leads to now, anybody finds.
bool place::leads_astray() const noexcept { return true; }

bool place::is_lost_by(int file) const noexcept {
  const auto handle = windows::handle_of(file);
  const auto held = windows::identity_of(handle);
  if (path_.empty() || !held) return false;
  FILE_STANDARD_INFO info{};
  if (GetFileInformationByHandleEx(handle, FileStandardInfo, &info, sizeof info) != 0 &&
      (info.DeletePending || info.NumberOfLinks == 0)) {
    return true;
  }
  const auto named = windows::identity_at(path_);
  if (!named) return errno == ENOENT && leads_astray();
  return named != held && leads_astray();
}

}  // namespace annulus::files
