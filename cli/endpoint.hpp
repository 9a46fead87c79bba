// An endpoint as the command line gives it: its name, and flags that say what its options say.
#pragma once

#include "cli/file.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <annulus/bus/name.hpp>
#include <annulus/bus/rendezvous.hpp>
#include <annulus/nats/name.hpp>

namespace annulus::cli {

// Throws command_error when the text names neither an endpoint nor a stream, or contradicts --dir.
void require_name(const std::string& text);

class named_endpoint {
 public:
  // Throws command_error when the text names no endpoint.
  void name(const std::string& text);
  // A flag that says the same as KEY=VALUE would in the name.
  void flag(const std::string& flag, const std::string& key, const std::string& value);

  [[nodiscard]] bool is_named() const noexcept { return !text_.empty(); }
  // Name and flags together. Throws command_error when they contradict each other, or when it is a
  // stream on another machine, which the command does not take.
  [[nodiscard]] bus::endpoint whole() const;
  // The stream that it names, if it names one.
  [[nodiscard]] std::optional<nats::address> stream() const;

 private:
  struct saying {
    std::string flag, key, value;
  };

  std::string text_;
  std::vector<saying> flags_;
};

// Where channels without a path live, as --dir says it.
void say_directory(const std::string& path);
// What a name stands for. Throws command_error when it is none, or contradicts --dir.
[[nodiscard]] bus::endpoint parsed(const std::string& name);

// What the options of a name say of a key.
[[nodiscard]] std::optional<std::string> option_of(std::string_view name, std::string_view key);

// For a command that moves plain bytes. Throws command_error for an option that it cannot heed.
[[nodiscard]] bus::endpoint for_streams(const named_endpoint& name);

// Throws command_error if a stream is one of the files of the channel itself.
void refuse_files_of(bus::endpoint e, const file& stream);

// Where a name leads, and the auto: name itself if that was decided just now.
struct led_endpoint : bus::resolved {
  std::optional<bus::endpoint> decided;
};
// Itself, unless it is auto (then held). The first decides, and says so on stderr.
[[nodiscard]] led_endpoint resolve(const bus::endpoint& e);
// Takes a decision of ours back, unless there is a channel by now.
void forget_in_vain(led_endpoint& led);

// What `make` makes there. Where it throws, nothing was made, and a decision of ours goes again.
template <class Make>
[[nodiscard]] auto made_at(led_endpoint& led, Make make) {
  try {
    return make();
  } catch (...) {
    forget_in_vain(led);
    throw;
  }
}

// The same, where nothing may be decided: throws not_found when nobody has.
struct found_endpoint {
  bus::endpoint where;
  std::string why;  // empty: the name says so
};
[[nodiscard]] found_endpoint find(bus::endpoint e);

}  // namespace annulus::cli
