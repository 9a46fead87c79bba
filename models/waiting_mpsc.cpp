// Waiting, many producers.
#include "waiting.hpp"

namespace annulus::models {
namespace {

struct waiting_mpsc : waiting_model<waiting_mpsc, 2, basic_mpsc_producer, basic_mpsc_consumer> {};

}  // namespace
}  // namespace annulus::models

int main(int argc, char** argv) {
  using namespace annulus::models;
  return main_of<waiting_mpsc>(waiting_models, argc, argv);
}
