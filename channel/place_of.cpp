#include <annulus/channel/directory.hpp>
#include <annulus/channel/file.hpp>

namespace annulus::files {

result<std::string> place_of(const std::string& name, std::string_view suffix,
                             std::string_view kind, ownership owner, const std::string& folder) {
  const auto where = folder.empty() ? directory() : folder;
  auto path = path_of(name, where, suffix);
  if (path.empty()) return no_name(name, kind);
  if (is_path(name)) return path;
  for (const auto one : endings) {
    if (!suffix.empty() || !name.ends_with(one)) continue;
    return failure{fault::bad_argument, quoted(name) + " is no " + std::string(kind) +
                                            " name: a file that ends in " + std::string(one) +
                                            " is something else; choose another name"};
  }
  if (auto fit = check_directory(where, owner); !fit) return fit.error();
  return path;
}

}  // namespace annulus::files
