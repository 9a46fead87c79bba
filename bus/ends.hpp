// The ends of a gateway's lanes that are channels: lane.hpp says what an end is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <annulus/bus/bus.hpp>
#include <annulus/bus/lane.hpp>
#include <annulus/bus/newcomer.hpp>

namespace annulus::bus {

// An end on this machine is never out of reach.
struct always_there {
  [[nodiscard]] static constexpr bool is_away() noexcept { return false; }
  [[nodiscard]] static constexpr bool has_given_up() noexcept { return false; }
  [[nodiscard]] static std::string trouble() { return {}; }
};

// Where a lane reads.
class channel_source : public always_there {
 public:
  channel_source(bus_consumer role, std::string name, std::string where)
      : role_(std::move(role)), name_(std::move(name)), where_(std::move(where)) {}

  // As a consumer's.
  [[nodiscard]] view read(deadline until) noexcept { return role_.read(until); }
  [[nodiscard]] view try_read() noexcept { return role_.try_read(); }
  [[nodiscard]] message_mark mark() const noexcept { return role_.mark(); }
  void release() noexcept { role_.release(); }
  [[nodiscard]] static constexpr bool has_ended() noexcept { return false; }
  void close() noexcept { role_.close(); }
  [[nodiscard]] bool has_lost_name() const noexcept { return role_.has_lost_name(); }
  [[nodiscard]] std::size_t max_message() const noexcept { return role_.max_message(); }

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] const std::string& where() const noexcept { return where_; }

 private:
  bus_consumer role_;
  std::string name_, where_;
};

// What a lane pushes into. With marks, each message gets its source's in front of it.
class channel_target : public always_there {
 public:
  channel_target(bus_producer role, std::string name, std::string where, bool marks);

  // See lane.hpp. The batch refers to the messages; a marked one is copied, if it is not too long.
  [[nodiscard]] bool add(message one, const message_mark& mark);
  [[nodiscard]] taken push(deadline until, bool at_once) noexcept;
  std::size_t drop() noexcept;
  void close() noexcept { role_.close(); }
  [[nodiscard]] std::uint64_t unread() const noexcept { return role_.unread(); }
  [[nodiscard]] bool has_reader() noexcept { return role_.peer() == presence::attached; }
  [[nodiscard]] bool has_lost_name() const noexcept { return role_.has_lost_name(); }
  [[nodiscard]] std::size_t max_message() const noexcept { return role_.max_message(); }

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] const std::string& where() const noexcept { return where_; }

 private:
  [[nodiscard]] bool add_marked(message one, const message_mark& mark);
  taken push_long(deadline until, bool at_once) noexcept;
  void pass(std::size_t count, taken& into) noexcept;
  void begin_anew() noexcept;

  bus_producer role_;
  std::string name_, where_;
  bool marks_;
  std::vector<message> batch_;
  std::size_t next_ = 0;                // of the batch: the first that was not taken
  std::unique_ptr<std::byte[]> arena_;  // marked messages of the batch
  std::size_t arena_used_ = 0;
  mark_head head_{};  // of a message that is too long for the arena, and is a batch of its own
  message long_one_;
  bool has_long_one_ = false;
};

// The channels of a gateway that is being opened. What is missing is made, and is taken back with
// this object, unless it is told to stay.
class opened_ends {
 public:
  opened_ends() = default;
  opened_ends(const opened_ends&) = delete;
  opened_ends& operator=(const opened_ends&) = delete;
  ~opened_ends();

  // Opens a source. The messages that it may bring, their marks not counted, are max_message().
  [[nodiscard]] result<channel_source> open_source(const endpoint& from);
  // Opens the target for so many lanes, and for messages of so many bytes; one that is made is made
  // for them. Refuses one that takes less, or is a source, however spelled.
  [[nodiscard]] result<std::vector<channel_target>> open_target(endpoint to, std::uint64_t need,
                                                                std::size_t lanes);
  void stay() noexcept {
    newcomers_.clear();
    in_vain_.clear();
  }

 private:
  struct known {
    endpoint named, where;
  };
  // Where the endpoint leads. What is missing there is made.
  result<endpoint> led_to(const endpoint& e);

  std::vector<newcomer> newcomers_;
  std::vector<known> in_vain_;  // decided, and their channels could not be made
  std::vector<known> sources_;
};

}  // namespace annulus::bus
