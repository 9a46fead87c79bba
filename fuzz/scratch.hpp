// A folder of its own for a target that needs files. run.py makes one and takes it away again.
#pragma once

#include "target.hpp"
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <span>
#include <string>

namespace annulus::fuzz {

[[nodiscard]] inline const std::string& scratch_folder() {
  // Never destroyed: what runs at the exit still needs it.
  static const auto& folder = *new const std::string([] {
    if (const char* given = std::getenv("ANNULUS_FUZZ_FOLDER")) return std::string(given);
    char pattern[] = "/dev/shm/annulus-fuzz-XXXXXX";
    const char* const made = mkdtemp(pattern);
    demand(made != nullptr, "no scratch folder can be made");
    std::atexit([] { std::filesystem::remove_all(scratch_folder()); });
    return std::string(made);
  }());
  return folder;
}

// Writes at an offset of a file, which is made if it is missing.
inline void write_at(const std::string& path, off_t offset, std::span<const std::byte> bytes) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  demand(file >= 0, "a scratch file cannot be opened");
  demand(pwrite(file, bytes.data(), bytes.size(), offset) == static_cast<ssize_t>(bytes.size()),
         "a scratch file cannot be written");
  ::close(file);
}

}  // namespace annulus::fuzz
