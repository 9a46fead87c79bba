#include <unistd.h>

#include <cerrno>

#include <annulus/bus/meeting.hpp>
#include <annulus/bus/once.hpp>
#include <annulus/bus/open.hpp>
#include <annulus/channel/directory.hpp>
#include <annulus/channel/file.hpp>

namespace annulus::bus {
namespace {

failure unfit(const endpoint& e, const std::string& what, std::uint64_t found,
              std::uint64_t wanted) {
  return {fault::incompatible, to_string(e) + " exists and has " + what + " " +
                                   std::to_string(found) + ", not " + std::to_string(wanted) +
                                   "; ask for less, or remove it and make it anew"};
}

// Whether what is there can do what was asked for.
template <class Geometry>
result<bool> is_fit(const endpoint& e, const Geometry& found) {
  if (e.capacity.value_or(0) > found.capacity) {
    return unfit(e, "capacity", found.capacity, *e.capacity);
  }
  if (e.max_message.value_or(0) > found.max_message) {
    return unfit(e, "max_message", found.max_message, *e.max_message);
  }
  if (e.producers.value_or(0) > found.producers) {
    return unfit(e, "producers", found.producers, *e.producers);
  }
  return true;
}

// False: there was none.
result<bool> remove_file(const std::string& path) {
  if (unlink(path.c_str()) == 0) return true;
  if (errno == ENOENT) return false;
  return files::system_error("cannot remove " + path, errno);
}

result<bool> or_false(result<bool> done) {
  if (done || done.error().kind != fault::not_found) return done;
  return false;
}

result<bool> remove_decided(const endpoint& e, bool is_forced) {
  auto where = e;
  bool was_there = false;
  auto decided = decision_of(e);
  if (decided) {
    where.scheme = decided->transport == transport::shm ? scheme::shm : scheme::pipe;
    auto done = or_false(remove(where, is_forced));
    if (!done) return done;
    was_there = *done;
  } else if (decided.error().kind != fault::damaged || !is_forced) {
    return decided.error();
  }
  // The decision last: while the channel is there, whoever comes must be led to it.
  if (auto done = forget_decision(e); !done) return done;
  return was_there;
}

}  // namespace

ring_options shape_of(const endpoint& e) {
  ring_options out;
  out.producers = e.producers.value_or(1);
  out.topology = out.producers > 1 ? topology::mpsc : topology::spsc;
  if (e.capacity) out.capacity = *e.capacity;
  if (e.max_message) out.max_message = *e.max_message;
  if (e.integrity) out.integrity = *e.integrity;
  out.mode = e.mode;
  return out;
}

pipe_options pipe_shape_of(const endpoint& e) {
  pipe_options out;
  out.producers = e.producers.value_or(1);
  if (e.capacity) out.capacity = *e.capacity;
  if (e.max_message) out.max_message = *e.max_message;
  out.mode = e.mode;
  return out;
}

result<segment> open_segment(const endpoint& e) {
  auto named = name_of(e);
  if (!named) return named.error();
  for (;;) {
    auto found = segment::open(*named, access::read_write, e.owner);
    if (found) {
      if (auto fit = is_fit(e, found->geometry()); !fit) return fit.error();
      if (e.integrity && *e.integrity != found->geometry().integrity) {
        return failure{fault::incompatible, to_string(e) +
                                                " exists with the other integrity; leave the "
                                                "option out, or remove it and make it anew"};
      }
      return found;
    }
    if (found.error().kind != fault::not_found || !e.creates) return found;
    auto made = segment::create(*named, shape_of(e));
    if (made || made.error().kind != fault::already_exists) return made;
  }
}

result<named_pipe> open_pipe(const endpoint& e) {
  auto named = name_of(e);
  if (!named) return named.error();
  for (;;) {
    auto found = named_pipe::open(*named, e.owner);
    if (found) {
      if (auto fit = is_fit(e, found->geometry()); !fit) return fit.error();
      return found;
    }
    if (found.error().kind != fault::not_found || !e.creates) return found;
    auto made = named_pipe::create(*named, pipe_shape_of(e));
    if (made || made.error().kind != fault::already_exists) return made;
  }
}

std::string directory_of(const endpoint& e) {
  return e.directory.empty() ? files::directory() : e.directory;
}

std::string path_of(const endpoint& e) {
  return files::path_of(e.name, directory_of(e), e.scheme == scheme::pipe ? ".pipe" : "");
}

result<std::string> name_of(const endpoint& e) {
  const bool is_pipe = e.scheme == scheme::pipe;
  auto path = files::place_of(e.name, is_pipe ? ".pipe" : "", is_pipe ? "pipe" : "segment", e.owner,
                              e.directory);
  if (!path || !e.directory.empty()) return path;
  return e.name;
}

std::string seen_path_of(const endpoint& e) {
  const bool is_path = e.name.front() == '/';
  return path_of(e) + (is_path || e.scheme == scheme::pipe ? ".seen" : ".shm.seen");
}

result<bool> remove(const endpoint& e, bool is_forced) {
  if (e.scheme == scheme::automatic) return remove_decided(e, is_forced);
  auto named = name_of(e);
  if (!named) return named.error();
  auto channel = e.scheme == scheme::shm ? segment::remove(*named, is_forced)
                                         : named_pipe::remove(*named, is_forced);
  if (!channel && channel.error().kind != fault::not_found) return channel;
  const auto seen_path = seen_path_of(e);
  auto seen = seen_list::is_one(seen_path) ? remove_file(seen_path) : result<bool>(false);
  if (!seen) return seen;
  if (!channel && !*seen) return channel;
  return static_cast<bool>(channel);
}

}  // namespace annulus::bus
