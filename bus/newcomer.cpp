#include <utility>

#include <annulus/bus/newcomer.hpp>
#include <annulus/bus/rendezvous.hpp>
#include <annulus/channel/file.hpp>

namespace annulus::bus {

std::optional<newcomer> made_anew(const endpoint& where) {
  if (!where.creates || !name_of(where)) return std::nullopt;
  auto list = seen_path_of(where);
  const bool is_list_older = files::leads_to_one(list);
  auto made = channel::create(where);
  if (!made) return std::nullopt;
  newcomer out{std::move(*made)};
  if (!is_list_older) out.new_list = std::move(list);
  return out;
}

void forget_in_vain(const endpoint& decided, const endpoint& where) {
  const auto openers_wait = hold_for_removal(decided);
  if (!openers_wait || files::leads_to_one(path_of(where))) return;
  static_cast<void>(forget_decision(decided));
}

result<bool> take_back(const newcomer& one) {
  descriptor openers_wait;
  if (one.decided) {
    auto held = hold_for_removal(*one.decided);
    if (!held) return held.error();
    openers_wait = std::move(*held);
  }
  auto done = one.made.remove_if_unused(one.new_list);
  if (!done || !*done || !one.decided) return done;
  return forget_decision(*one.decided);
}

}  // namespace annulus::bus
