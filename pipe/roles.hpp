// The roles file: who is at a pipe, and what the FIFO itself cannot keep.
//
// Life       each role holds an OFD lock on its own byte of this file; the kernel drops it when
//            the process dies. There are no timeouts, and a pid that comes again deceives nobody
// Edges      roll      enter, leave -> presence
//            released  release -> the next consumer
//            abandon   push -> read
//            kept      take out -> the next consumer
//            audit     enter, leave -> inspect
// Hostile    every role works from its own copy of the geometry; what else a peer writes here can
//            spoil messages and reports, and nothing more
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include <annulus/channel/lock_file.hpp>
#include <annulus/channel/place.hpp>
#include <annulus/channel/result.hpp>
#include <annulus/channel/status.hpp>
#include <annulus/pipe/layout.hpp>
#include <annulus/pipe/octets.hpp>
#include <annulus/pipe/pages.hpp>

namespace annulus::pipes {

// Where a pipe's two files were found.
struct places {
  files::place fifo, roles;
};

// A role's own hold on the file: its descriptor, which carries its locks, and its mapping. That is
// made of another open file, so that a child of fork() has it without the locks.
class roles {
 public:
  [[nodiscard]] static result<roles> map(int file, const geometry& shape, bool read_only,
                                         const std::string& name, const places& at);

  [[nodiscard]] const roles_memory& memory() const noexcept { return memory_; }
  [[nodiscard]] const pipes::geometry& geometry() const noexcept { return memory_.geometry; }
  [[nodiscard]] control_words& control() const noexcept { return *memory_.control; }
  [[nodiscard]] producer_words& producer(std::uint32_t number) const noexcept {
    return memory_.producers[number];
  }

  // The number that the roles file has in this process.
  [[nodiscard]] int file() const noexcept { return file_.number(); }

  // Takes a role: its lock, then its words. Returns false if a live process holds it.
  [[nodiscard]] bool enter(std::uint32_t role) const noexcept;
  // Says that the role closes, gives its lock back, and wakes the others to see that.
  void leave(std::uint32_t role) const noexcept;

  [[nodiscard]] presence presence_of(std::uint32_t role) const noexcept;
  [[nodiscard]] presence presence_of_producers() const noexcept;
  // Keeps bytes of a producer's long message, and gives them back. Returns false if it cannot, for
  // example because the file has a hole where they should stand, or there is no memory.
  [[nodiscard]] bool keep(std::uint32_t number, std::uint64_t offset,
                          std::span<const std::byte> bytes) const noexcept;
  [[nodiscard]] bool recall(std::uint32_t number, octets& bytes,
                            std::uint64_t count) const noexcept;

  // Whether one of the pipe's two files has lost its name; false in another process than this was
  // made in.
  [[nodiscard]] bool has_lost_name(int fifo) const noexcept {
    return file_.is_here() &&
           (places_.roles.is_lost_by(file_.number()) || places_.fifo.is_lost_by(fifo));
  }
  // Asked once a role's lock is held: whoever removes a pipe holds all of them until its name is
  // gone. Nothing: the name is there.
  [[nodiscard]] std::optional<failure> lost_name(int fifo) const;

 private:
  [[nodiscard]] role_words& words_of(std::uint32_t role) const noexcept;
  [[nodiscard]] std::uint64_t room_of(std::uint32_t number) const noexcept;

  lock_file file_;
  places places_;
  pages mapped_;
  roles_memory memory_;
};

}  // namespace annulus::pipes
