// Resolves an auto: name. The first opener decides, and later openers get its choice, whatever
// their needs: a small file, annulus.NAME.auto in the directory of its channel
// (channel/directory.hpp), keeps the decision and its reason.
//
// It gets its name only when it is whole, and only one can have the name: of two that decide at the
// same moment one wins, and the other reads its decision. It stays until it is removed.
//
// Locks    an opener holds a shared lock on the decision until it has a role in the channel, and
//          bus::remove holds the other kind: so no two that are led to different channels are
//          attached, unless a removal is forced. Neither waits for longer than 2 s
#pragma once

#include <string>

#include <annulus/bus/choice.hpp>
#include <annulus/bus/name.hpp>
#include <annulus/channel/file.hpp>

namespace annulus::bus {

// What was decided for a name. not_found: nothing yet.
[[nodiscard]] result<choice> decision_of(const endpoint& e);

// The same, and decides if nobody has.
[[nodiscard]] result<choice> decide(const endpoint& e);

// Takes the decision back. Requires: the channel itself is gone. Returns false if there was none.
[[nodiscard]] result<bool> forget_decision(const endpoint& e);

struct resolved {
  endpoint where;  // shm or pipe
  std::string why;
  descriptor held;  // the decision: it is not taken back while this is open
};

// Keeps openers out while a decision is taken back. Fails with in_use while an opener follows it.
// Empty if there is none, or this process may not lock it.
[[nodiscard]] result<descriptor> hold_for_removal(const endpoint& e);

// The endpoint that a name stands for: itself, unless it is auto.
[[nodiscard]] result<resolved> resolve(const endpoint& e);

}  // namespace annulus::bus
