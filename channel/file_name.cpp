#include <annulus/channel/file.hpp>

namespace annulus::files {

std::string quoted(std::string_view name) {
  std::string out(1, '\'');
  out += name;
  out += '\'';
  return out;
}

std::string octal(unsigned mode) {
  std::string out(1, '0');
  for (const unsigned shift : {6u, 3u, 0u}) out += static_cast<char>('0' + (mode >> shift & 7));
  return out;
}

std::string path_of(const std::string& name, std::string_view folder, std::string_view suffix) {
  if (is_path(name)) return name;
  if (name.empty() || name.size() > 200 || name.front() == '.') return {};
  for (const char c : name) {
    const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (!is_letter && !(c >= '0' && c <= '9') && c != '.' && c != '_' && c != '-') return {};
  }
  return std::string(folder) + "/annulus." + name + std::string(suffix);
}

failure no_name(const std::string& name, std::string_view kind) {
  return {fault::bad_argument, quoted(name) + " is no " + std::string(kind) +
                                   " name: use 1 to 200 letters, digits, '.', '_' or '-', or a "
                                   "path that starts with " +
                                   quoted(path_start)};
}

failure no_regular_file(const std::string& name, std::string_view kind) {
  return {fault::not_a_channel, quoted(name) + " is not a regular file, so not a " +
                                    std::string(kind) + "; choose another name"};
}

}  // namespace annulus::files
