#include <cerrno>
#include <cstring>

#include <annulus/bus/choice.hpp>
#include <annulus/channel/file.hpp>
#include <annulus/channel/windows/handle.hpp>

namespace annulus::bus {

// A ring is a file here, of a volume; there is no file system in memory to ask for.
std::string shared_memory_is_missing(std::uint64_t bytes, const std::string& directory) {
  if (const auto probe = files::unnamed(directory + "\\annulus.probe", 0600); !probe) {
    return "no file can be made in " + directory + " (" + std::strerror(errno) + ")";
  }
  ULARGE_INTEGER left{};
  if (GetDiskFreeSpaceExW(windows::wide(directory).c_str(), &left, nullptr, nullptr) == 0 ||
      left.QuadPart >= bytes) {
    return {};
  }
  return directory + " has " + std::to_string(left.QuadPart) + " bytes left, and " +
         std::to_string(bytes) + " are needed";
}

}  // namespace annulus::bus
