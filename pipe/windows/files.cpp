#include <windows.h>

#include <cerrno>

#include <annulus/channel/windows/handle.hpp>
#include <annulus/pipe/files.hpp>
#include <annulus/pipe/windows/ends.hpp>

namespace annulus::pipes {

using files::quoted;
using files::system_error;

namespace {

failure in_the_way(const std::string& path) {
  return {fault::not_a_channel, quoted(path) +
                                    " is no part of a pipe of annulus, so something else made it; "
                                    "remove it or choose another name"};
}

}  // namespace

std::optional<failure> missing(const std::string& name, const std::string& path) {
  if (!windows::identity_at(path)) {
    if (errno != ENOENT) return system_error("cannot look at " + quoted(path), errno);
    return failure{fault::not_found,
                   "there is no pipe " + quoted(name) + " (" + path + "); create it first"};
  }
  if (is_there(roles_path_of(path)) || !is_there(path)) return std::nullopt;
  return in_the_way(path);
}

result<descriptor> open_part(const std::string& path, part which, ownership owner,
                             const std::string& name) {
  auto file = files::existing(path, access::read_write);
  if (!file) {
    if (errno == ENOENT) return failure{fault::not_found, quoted(path) + " is not there"};
    if (errno == ELOOP || errno == EISDIR) return in_the_way(path);
    return system_error("cannot open " + quoted(name), errno);
  }
  if (auto size = files::size_of_ours(file.number(), owner, name, "pipe"); !size) {
    return size.error();
  }
  if (which == part::fifo && !is_door(file.number())) return in_the_way(path);
  return file;
}

bool is_there(const std::string& path) noexcept { return windows::identity_at(path).has_value(); }

bool is_own(int file) noexcept { return windows::is_ours(windows::handle_of(file)); }

// A file here has an access list, and no mode to compare it with.
result<bool> check_mode(int, const std::string&, unsigned) { return true; }

// The file is not sparse: it holds what it is long.
bool is_written(int file, std::uint64_t from, std::uint64_t count) noexcept {
  LARGE_INTEGER size{};
  return GetFileSizeEx(windows::handle_of(file), &size) != 0 &&
         static_cast<std::uint64_t>(size.QuadPart) >= from + count;
}

new_file make_file(const std::string& path, unsigned mode) {
  return {files::unnamed(path, mode), {}};
}

bool publish(const new_file& one, const std::string& path) {
  return files::publish(one.file.number(), path);
}

void discard(const new_file&) noexcept {}

result<descriptor> make_fifo(const std::string& path, unsigned mode) {
  auto file = files::unnamed(path, mode);
  if (file && write_door(file.number()) && files::publish(file.number(), path)) return file;
  const int why = errno;
  if (why == EEXIST) return in_the_way(path);
  return system_error("cannot make the FIFO " + quoted(path), why);
}

result<bool> prepare_fifo(int fifo, std::uint64_t capacity, const std::string& name) {
  auto joined = ends::join(fifo, capacity, name);
  if (!joined) return joined.error();
  windows::keep_with(fifo, std::move(*joined));
  return true;
}

result<bool> remove_fifo(const std::string& path) {
  auto file = files::existing(path, access::read_write);
  if (!file && errno == ENOENT) return true;
  if (file && !is_door(file.number())) return in_the_way(path);
  if (!file && (errno == ELOOP || errno == EISDIR)) return in_the_way(path);
  if (!file || !files::remove(path)) return system_error("cannot remove " + quoted(path), errno);
  return true;
}

}  // namespace annulus::pipes
