// A channel that this process has just made, and takes back because what it was made for failed.
//
// Ours       the channel's files are kept open. So no other is taken for it, neither one that has
//            got the name since, nor one of a process with the same number
// Stays      if anybody uses it by now, or a message stands in it
// Beside it  the decision of an auto: name, and what once=yes keeps, go with it if they are as new
#pragma once

#include <optional>
#include <string>

#include <annulus/bus/channel.hpp>
#include <annulus/bus/name.hpp>

namespace annulus::bus {

struct newcomer {
  channel made;
  std::optional<endpoint> decided = {};      // the auto: name that was decided for it
  std::optional<std::string> new_list = {};  // the path of what once=yes keeps of it
};

// Makes what an endpoint of shm: or pipe: stands for. Empty: it is there, or cannot be made.
[[nodiscard]] std::optional<newcomer> made_anew(const endpoint& where);

// Takes the decision of an auto: name back whose channel could not be made. It stays if somebody
// follows it, or the channel is there after all.
void forget_in_vain(const endpoint& decided, const endpoint& where);

// Takes it back. Requires: this process has closed its roles in it. Returns false if it stays.
[[nodiscard]] result<bool> take_back(const newcomer& one);

}  // namespace annulus::bus
