// The roles file: who is at a pipe, and what the FIFO itself cannot keep.
//
//     page 0      geometry: fixed at creation, with a checksum
//     page 1      control: the consumer's words, the roll, the next entry of the audit trail
//     then        one set of words per producer, the audit trail, and room for a message of each
//
// Life       each role holds an OFD lock on its own byte of this file; the kernel drops it when
//            the process dies. There are no timeouts, and a pid that comes again deceives nobody
// Edges      roll      enter, leave -> presence
//            released  release -> the next consumer
//            abandon   push -> read
//            kept      take out -> the next consumer
//            trail     enter, leave -> inspect
// Hostile    every role works from its own copy of the geometry; what else a peer writes here can
//            spoil messages and reports, and nothing more
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include <annulus/channel/limits.hpp>
#include <annulus/channel/lock_file.hpp>
#include <annulus/channel/report.hpp>
#include <annulus/channel/result.hpp>
#include <annulus/channel/status.hpp>
#include <annulus/pipe/octets.hpp>
#include <annulus/pipe/system.hpp>
#include <annulus/pipe/words.hpp>

namespace annulus::pipes {

inline constexpr std::size_t page_bytes = 4096;
inline constexpr std::size_t line_bytes = 128;
inline constexpr std::uint32_t trail_size = 256;

struct geometry {
  char magic[8] = {};
  std::uint32_t version = 0;
  std::uint32_t producers = 0;
  std::uint64_t capacity = 0;
  std::uint64_t max_message = 0;
  std::uint64_t seal = 0;  // random; every frame's check depends on it
  std::uint32_t mode = 0;
  std::uint32_t transient = 0;
  std::int64_t created_at = 0;
  std::int32_t created_by = 0;
  std::uint32_t reserved = 0;
  std::uint64_t checksum = 0;  // over all before
};

struct alignas(line_bytes) control_words {
  role_words consumer;
  counter_words counters;
  word<std::uint64_t> stalled_since;  // steady clock, ns; 0: nobody holds the consumer up
  word<std::uint32_t> stalled_by;     // then: which producer
  word<std::uint32_t> is_closed;      // the consumer has closed, and no other has come
  word<std::uint32_t> released_set;   // which of each producer's two `released` holds
  alignas(line_bytes) word<std::uint32_t> roll;  // grows as producers come and close
  word<std::uint64_t> trail_next;
};

struct alignas(line_bytes) producer_words {
  role_words role;
  counter_words counters;
  word<std::uint64_t> sequence;   // no message had this sequence or a later one
  word<std::uint64_t> abandoned;  // messages up to this sequence will not be finished
  // By the consumer: what it released and could not take out of the FIFO yet, up to a sequence;
  // and so much of a long message that it took out and keeps in this file until all has come.
  alignas(line_bytes) word<std::uint64_t> released[2];
  word<std::uint64_t> kept_bytes, kept_sequence;
  word<std::uint32_t> kept_incarnation;
};

// Who came, who closed, who was found dead by the next in the role.
enum class act : std::uint32_t { attached = 1, closed, found_dead };

struct trail_words {
  word<std::uint64_t> ticket;  // 1 + the entry's number, stored last; 0: being written
  word<std::int64_t> at;
  word<std::uint32_t> pid;
  word<std::uint32_t> uid;
  word<std::uint32_t> role;
  word<std::uint32_t> what;
};
static_assert(sizeof(trail_words) == 32);

// The geometry of a new pipe, or why there is none.
[[nodiscard]] result<geometry> plan_geometry(std::uint64_t capacity, std::uint64_t max_message,
                                             std::uint32_t producers, unsigned mode,
                                             bool transient);
// Lays a new roles file into an empty one.
[[nodiscard]] result<bool> write_roles(int file, geometry shape, const std::string& name);
// Reads and checks a file that somebody else made.
[[nodiscard]] result<geometry> read_roles(int file, const std::string& name);

// Where its words are, as one role sees them.
struct roles_memory {
  control_words* control = nullptr;
  producer_words* producers = nullptr;
  pipes::geometry geometry;
  lock_witness witness;
};

// A role's own hold on the file: its descriptor, which carries its locks, and its mapping. That is
// made of another open file, so that a child of fork() has it without the locks.
class roles {
 public:
  [[nodiscard]] static result<roles> map(int file, const geometry& shape, bool read_only,
                                         const std::string& name);

  [[nodiscard]] const roles_memory& memory() const noexcept { return memory_; }
  [[nodiscard]] const pipes::geometry& geometry() const noexcept { return memory_.geometry; }
  [[nodiscard]] control_words& control() const noexcept { return *memory_.control; }
  [[nodiscard]] producer_words& producer(std::uint32_t number) const noexcept {
    return memory_.producers[number];
  }
  [[nodiscard]] trail_words& trail(std::uint64_t entry) const noexcept;

  // Takes a role: its lock, then its words. False: a live process holds it.
  [[nodiscard]] bool enter(std::uint32_t role) const noexcept;
  // Says that the role closes, and gives its lock back.
  void leave(std::uint32_t role) const noexcept;

  [[nodiscard]] presence presence_of(std::uint32_t role) const noexcept;
  [[nodiscard]] presence presence_of_producers() const noexcept;
  // Keeps bytes of a producer's long message, and gives them back. False: it could not, for
  // example because the file has a hole where they should stand, or there is no memory.
  [[nodiscard]] bool keep(std::uint32_t number, std::uint64_t offset,
                          std::span<const std::byte> bytes) const noexcept;
  [[nodiscard]] bool recall(std::uint32_t number, octets& bytes,
                            std::uint64_t count) const noexcept;

  // Asked once a role's lock is held: whoever removes a pipe holds all of them until its name is
  // gone. Nothing: the name is there.
  [[nodiscard]] std::optional<failure> lost_name() const;

 private:
  [[nodiscard]] role_words& words_of(std::uint32_t role) const noexcept;
  [[nodiscard]] off_t room_of(std::uint32_t number) const noexcept;
  [[nodiscard]] bool is_there(off_t from, std::uint64_t count) const noexcept;
  void record(act what, std::uint32_t role, std::uint32_t pid, std::uint32_t uid) const noexcept;

  lock_file file_;
  pages mapped_;
  roles_memory memory_;
};

}  // namespace annulus::pipes
