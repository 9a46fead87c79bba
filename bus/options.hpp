// The options behind a name, KEY=VALUE joined by '&', and the errors that tell which is wrong.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <annulus/channel/result.hpp>

namespace annulus::bus {

// One option as it was written; without '=' its value is empty.
struct written_option {
  std::string_view key;    // before the '='
  std::string_view value;  // behind it
};

// Those in what stands behind a name's question mark, in their order.
[[nodiscard]] inline std::vector<written_option> options_in(std::string_view text) {
  std::vector<written_option> out;
  while (!text.empty()) {
    const auto pair = text.substr(0, text.find('&'));
    const auto key = pair.substr(0, pair.find('='));
    out.push_back({key, pair.substr(std::min(key.size() + 1, pair.size()))});
    text.remove_prefix(std::min(pair.size() + 1, text.size()));
  }
  return out;
}

// Sets each option of a text. `known` has each one's name, what it takes in words, and its set(),
// which returns false for what is no such value. Returns what is wrong; empty: nothing is.
template <class Target, class Known>
[[nodiscard]] std::string set_options(Target& out, std::string_view text, const Known& known,
                                      const std::string& carrier) {
  std::vector<std::string_view> told;
  for (const auto& [key, value] : options_in(text)) {
    const auto name = std::string(key);
    const auto* const end = std::data(known) + std::size(known);
    const auto* const one =
        std::find_if(std::data(known), end, [&](const auto& each) { return each.name == name; });
    if (one == end) {
      auto all = std::string("there is no option '").append(name).append("' for ").append(carrier);
      const auto* lead = "; there are ";
      for (const auto& e : known) all.append(std::exchange(lead, ", ")).append(e.name);
      return all;
    }
    if (!one->set(out, value)) {
      return "the option " + name + " takes " + std::string(one->takes) + ", not '" +
             std::string(value) + "'";
    }
    if (std::ranges::find(told, key) != told.end()) {
      return "the option " + name + " is there twice; say it once";
    }
    told.push_back(key);
  }
  return {};
}

// For yes and no. Returns false if it is neither.
[[nodiscard]] inline bool read_yes(std::string_view text, bool& out) {
  out = text == "yes";
  return text == "yes" || text == "no";
}

// The failure of a name that makes no sense.
[[nodiscard]] inline failure refused(std::string_view text, const std::string& why) {
  return {fault::bad_argument, std::string("'").append(text).append("': ").append(why)};
}

}  // namespace annulus::bus
