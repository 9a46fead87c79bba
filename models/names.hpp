// The names of edges and orders, as sites, tables and traces have them.
#pragma once

#include <atomic>

#include <annulus/ring/edges.hpp>

namespace annulus::models {

constexpr const char* name_of(edge e) {
  constexpr const char* names[] = {"publish",   "free",  "claim", "idle", "extent", "roll",
                                   "interrupt", "stamp", "redo",  "bell", "own",    "hint"};
  return names[static_cast<unsigned>(e)];
}
constexpr const char* name_of(std::memory_order order) {
  switch (order) {
    case std::memory_order_relaxed: return "relaxed";
    case std::memory_order_acquire: return "acquire";
    case std::memory_order_release: return "release";
    case std::memory_order_acq_rel: return "acq_rel";
    default: return "seq_cst";
  }
}

}  // namespace annulus::models
