#include "bench/targets.hpp"

#include <fmt/format.h>

#include <array>

#include <annulus/bus/quantity.hpp>

namespace annulus::bench {
namespace {

using bus::show_bytes;
using bus::show_ns;

std::string a_second(double value) { return bus::show_count(value) + "/s"; }
std::string percent(double share) { return fmt::format("{:.2f} %", 100 * share); }

constexpr const char* rate = "/throughput/0/messages_per_second/median";
constexpr const char* p50 = "/open_loop_ns/p50";
constexpr const char* p95 = "/open_loop_ns/p95";
constexpr const char* p99 = "/open_loop_ns/p99";
constexpr const char* cpu = "/cpu/busier_of_eight_cores";

const std::array all{
    target{"throughput", ">= 50,000/s", "1,832/s", {.at_least = 50e3}, rate, a_second},
    target{"latency p50", "0.05 ms", "0.54 ms", {.at_most = 50e3}, p50, show_ns},
    target{"latency p95", "0.1 ms", "1.2 ms", {.at_most = 100e3}, p95, show_ns},
    target{"latency p99", "0.5 ms", "2.8 ms", {.at_most = 500e3}, p99, show_ns},
    target{"CPU per process", "< 3 % of 8 cores", "8 %", {.below = 0.03}, cpu, percent},
    target{"memory", "< 10 MB", "5 MB", {.below = 10e6}, "/memory_bytes", show_bytes},
};

}  // namespace

std::span<const target> targets() { return all; }

}  // namespace annulus::bench
