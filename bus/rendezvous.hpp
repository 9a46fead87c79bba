// Resolves an auto: name. The first opener decides, and later openers get its choice, whatever
// their needs: a small file, annulus.NAME.auto in the directory of its channel
// (channel/directory.hpp), keeps the decision and its reason.
//
// It gets its name only when it is whole, and only one can have the name: of two that decide at the
// same moment one wins, and the other reads what he wrote. It stays until it is removed.
#pragma once

#include <string>

#include <annulus/bus/choice.hpp>
#include <annulus/bus/name.hpp>

namespace annulus::bus {

// What was decided for a name. not_found: nothing yet.
[[nodiscard]] result<choice> decision_of(const endpoint& e);

// The same, and decides if nobody has.
[[nodiscard]] result<choice> decide(const endpoint& e);

// Takes the decision back. Requires: the channel itself is gone. False: there was none.
[[nodiscard]] result<bool> forget_decision(const endpoint& e);

struct resolved {
  endpoint where;  // shm or pipe
  std::string why;
};

// The endpoint that a name stands for: itself, unless it is auto.
[[nodiscard]] result<resolved> resolve(const endpoint& e);

}  // namespace annulus::bus
