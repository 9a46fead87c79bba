#include <cerrno>
#include <optional>
#include <utility>

#include <annulus/channel/directory.hpp>
#include <annulus/channel/file.hpp>
#include <annulus/channel/lock.hpp>
#include <annulus/channel/lock_file.hpp>
#include <annulus/channel/settled.hpp>
#include <annulus/pipe/fifo.hpp>
#include <annulus/pipe/files.hpp>
#include <annulus/pipe/geometry.hpp>
#include <annulus/pipe/named_pipe.hpp>

namespace annulus {

using files::quoted;
using files::system_error;
using pipes::part;
using pipes::roles_path_of;

namespace {

// The FIFO that a name stands for.
result<std::string> place_of(const std::string& name, ownership owner = ownership::own_or_root) {
  return files::place_of(name, ".pipe", "pipe", owner);
}

result<bool> take_maker(int file, const std::string& path) {
  if (locks::take(file, locks::maker, within(files::patience))) return true;
  return files::maker_holds(quoted(path), "makes or removes the pipe", path);
}

// Takes both names away. Requires: the roles file, opened for this alone.
result<bool> remove_files(int file, const std::string& path, const std::string& name,
                          bool even_if_in_use) {
  const auto roles_path = roles_path_of(path);
  // By force after it was waited for, too: whoever holds it for so long is no maker.
  if (auto done = take_maker(file, roles_path); !done && !even_if_in_use) return done.error();
  auto shape = pipes::read_roles(file, name);
  // Damaged beyond use, or of another version: the file is ours, or it would not be open.
  const bool is_unreadable =
      !shape && (shape.error().kind == fault::damaged || shape.error().kind == fault::incompatible);
  if (is_unreadable && !even_if_in_use) {
    return failure{shape.error().kind, shape.error().message + std::string(files::takes_force)};
  }
  if (!shape && !is_unreadable) return shape.error();
  if (!even_if_in_use) {
    if (auto taken = files::take_all_roles(file, shape->producers, name); !taken) return taken;
  }
  if (!files::is_still_named(file, roles_path)) {
    return failure{fault::not_found, "there is no pipe " + quoted(name) + " any more"};
  }
  if (auto done = pipes::remove_fifo(path); !done) return done.error();
  if (!files::remove(roles_path)) return system_error("cannot remove " + quoted(name), errno);
  return true;
}

}  // namespace

std::string pipes::roles_path_of(const std::string& path) { return path + files::roles_ending; }

pipe_options named_pipe::options() const noexcept {
  return {geometry_.capacity, geometry_.max_message, geometry_.producers, geometry_.mode,
          geometry_.transient != 0};
}

bool named_pipe::abandon_role(std::uint32_t role) const noexcept {
  return lock_file::abandon(roles_file(), role);
}

std::uint64_t named_pipe::kernel_bytes() const noexcept { return pipes::kernel_bytes(file()); }

result<named_pipe> named_pipe::create(const std::string& name, const pipe_options& options) {
  auto place = place_of(name);
  if (!place) return place.error();
  const auto path = std::move(place).value();
  const auto roles_path = roles_path_of(path);
  auto planned = pipes::plan_geometry(options.capacity, options.max_message, options.producers,
                                      options.mode, options.transient);
  if (!planned) return planned.error();

  auto roles = pipes::make_file(roles_path, options.mode);
  if (!roles.file) return files::cannot_store("cannot create " + quoted(name), errno);
  const int file = roles.file.number();
  auto written = pipes::write_roles(file, *planned, name);
  // Whoever finds the name waits for this lock before he makes a missing FIFO himself.
  if (written && !locks::take(file, locks::maker)) {
    written = system_error("cannot lock " + quoted(name), errno);
  }
  if (!written) {
    pipes::discard(roles);
    return written.error();
  }
  if (!pipes::publish(roles, roles_path)) {
    const int why = errno;
    if (why != EEXIST) return files::cannot_name(quoted(name), why);
    return failure{fault::already_exists,
                   quoted(name) + " exists already; attach to it, or remove it first"};
  }
  auto fifo = pipes::make_fifo(path, options.mode);
  if (!fifo) {
    (void)files::remove(roles_path);
    return fifo.error();
  }
  auto ready = pipes::prepare_fifo(fifo->number(), planned->capacity, name);
  locks::give_back(file);
  if (!ready) return ready.error();
  // Not opened by its name: whoever removes it meanwhile does not make this fail.
  named_pipe made;
  made.name_ = name;
  made.places_ = {files::place(path), files::place(roles_path)};
  made.roles_ = std::move(roles.file);
  made.fifo_ = std::move(fifo).value();
  made.geometry_ = *planned;
  return made;
}

result<named_pipe> named_pipe::open(const std::string& name, ownership owner) {
  auto place = place_of(name, owner);
  if (!place) return place.error();
  const auto path = std::move(place).value();
  const auto roles_path = roles_path_of(path);
  return files::settled<named_pipe>(name, [&]() -> std::optional<result<named_pipe>> {
    named_pipe found;
    found.name_ = name;
    found.places_ = {files::place(path), files::place(roles_path)};
    auto file = pipes::open_part(roles_path, part::roles, owner, name);
    if (!file && file.error().kind == fault::not_found) {
      if (auto why = pipes::missing(name, path)) return *why;
      return std::nullopt;
    }
    if (!file) return file.error();
    found.roles_ = std::move(*file);
    auto shape = pipes::read_roles(found.roles_.number(), name);
    if (!shape) return shape.error();
    found.geometry_ = *shape;

    auto fifo = pipes::open_part(path, part::fifo, owner, name);
    if (!fifo && fifo.error().kind == fault::not_found) {
      // It is being made or removed, or whoever did that died over it.
      if (auto done = take_maker(found.roles_.number(), roles_path); !done) return done.error();
      if (!files::is_still_named(found.roles_.number(), roles_path)) return std::nullopt;
      if (pipes::is_there(path)) return std::nullopt;
      if (!pipes::is_own(found.roles_.number())) return fifo.error();
      if (auto made = pipes::make_fifo(path, shape->mode); !made) return made.error();
      return std::nullopt;
    }
    if (!fifo) return fifo.error();
    found.fifo_ = std::move(*fifo);
    // Else the FIFO may be that of another pipe, which has the name now.
    if (!files::is_still_named(found.roles_.number(), roles_path)) return std::nullopt;
    if (auto is = pipes::check_mode(found.roles_.number(), roles_path, shape->mode); !is) {
      return is.error();
    }
    if (auto is = pipes::check_mode(found.fifo_.number(), path, shape->mode); !is)
      return is.error();
    if (auto is = pipes::prepare_fifo(found.fifo_.number(), shape->capacity, name); !is) {
      return is.error();
    }
    return result<named_pipe>(std::move(found));
  });
}

result<named_pipe> named_pipe::open_or_create(const std::string& name,
                                              const pipe_options& options) {
  return files::opened_or_created<named_pipe>(
      name, [&] { return open(name); }, [&] { return create(name, options); });
}

result<bool> named_pipe::remove(const std::string& name, bool even_if_in_use, ownership owner) {
  auto place = place_of(name, owner);
  if (!place) return place.error();
  const auto path = std::move(place).value();
  return files::settled<bool>(name, [&]() -> std::optional<result<bool>> {
    auto file = pipes::open_part(roles_path_of(path), part::roles, owner, name);
    if (file) return remove_files(file->number(), path, name, even_if_in_use);
    if (file.error().kind != fault::not_found) return file.error();
    if (auto why = pipes::missing(name, path)) return *why;
    return std::nullopt;
  });
}

}  // namespace annulus
