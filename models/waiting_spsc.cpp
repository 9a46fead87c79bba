// Waiting, one producer.
#include "waiting.hpp"

namespace annulus::models {
namespace {

struct waiting_spsc : waiting_model<waiting_spsc, 1, basic_spsc_producer, basic_spsc_consumer> {};

}  // namespace
}  // namespace annulus::models

int main(int argc, char** argv) {
  using namespace annulus::models;
  return main_of<waiting_spsc>(waiting_models, argc, argv);
}
