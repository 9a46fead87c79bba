#include <annulus/channel/status.hpp>

int main() { return annulus::to_string(annulus::status::ok) == "ok" ? 0 : 1; }
