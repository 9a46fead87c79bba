#include <cstddef>
#include <cstring>
#include <span>

#include <annulus/channel/arithmetic.hpp>
#include <annulus/ring/atomics.hpp>
#include <annulus/ring/crc32c.hpp>
#include <annulus/ring/geometry.hpp>

namespace annulus {
namespace {

constexpr char magic[8] = {'a', 'n', 'n', 'u', 'l', 'u', 's', '\0'};
constexpr std::uint32_t version = 2;

failure bad(std::string message) { return {fault::bad_argument, std::move(message)}; }

// Where everything lies follows from the choices.
void lay_out(geometry& shape) noexcept {
  shape.control_offset = page_bytes;
  shape.producers_offset = page_bytes + round_up(sizeof(control_words<std_atomics>), page_bytes);
  const std::uint64_t table = shape.producers * sizeof(producer_words<std_atomics>);
  const std::uint64_t data_unit = shape.huge_pages != 0 ? huge_page_bytes : page_bytes;
  shape.data_offset = round_up(shape.producers_offset + table, data_unit);
  const std::uint64_t extension = record_bytes(shape.max_message, shape.trailer_bytes());
  shape.segment_bytes = round_up(shape.data_offset + shape.capacity + extension, data_unit);
}

std::uint32_t checksum_of(const geometry& shape) noexcept {
  const auto all = std::as_bytes(std::span(&shape, 1));
  return crc32c(0, all.first(offsetof(geometry, checksum)));
}

// The limits, the same for a plan and for what was found. Empty if it is within them.
std::string broken_limit(const geometry& shape) {
  const auto number = [](std::uint64_t n) { return std::to_string(n); };
  if (shape.topology != topology::spsc && shape.topology != topology::mpsc) {
    return "topology " + number(static_cast<std::uint32_t>(shape.topology)) +
           " is neither spsc (1) nor mpsc (2)";
  }
  if (shape.integrity != integrity::structure && shape.integrity != integrity::crc32c) {
    return "integrity " + number(static_cast<std::uint32_t>(shape.integrity)) +
           " is neither structure (0) nor crc32c (1)";
  }
  const std::uint32_t most = shape.topology == topology::spsc ? 1 : max_producers;
  if (auto why = annulus::broken_limit(shape.capacity, shape.max_message, shape.producers, most);
      !why.empty()) {
    return why;
  }
  if (shape.first_pos % record_align != 0) {
    return "first_pos " + number(shape.first_pos) + " is not a multiple of 8";
  }
  return {};
}

}  // namespace

result<geometry> plan_geometry(const ring_options& options) {
  geometry shape;
  std::memcpy(shape.magic, magic, sizeof magic);
  shape.version = version;
  shape.topology = options.topology;
  shape.capacity = options.capacity;
  shape.max_message = options.max_message != 0 ? options.max_message : options.capacity / 2;
  shape.first_pos = options.first_pos;
  shape.producers = options.topology == topology::spsc ? 1 : options.producers;
  shape.integrity = options.integrity;
  shape.transient = options.transient ? 1 : 0;
  shape.huge_pages = options.huge_pages ? 1 : 0;
  if (auto why = broken_limit(shape); !why.empty()) return bad(std::move(why));
  lay_out(shape);
  return shape;
}

void finish_geometry(geometry& shape) noexcept { shape.checksum = checksum_of(shape); }

result<geometry> check_geometry(const geometry& copy, std::uint64_t segment_bytes,
                                const std::string& name) {
  geometry laid_out = copy;
  auto broken = broken_limit(copy);
  if (broken.empty()) lay_out(laid_out);
  if (std::memcmp(&laid_out, &copy, sizeof copy) != 0) {
    broken = "its offsets do not follow from its capacity";
  }
  const geometry_check check{"'" + name + "'", segment_kind,      magic,
                             version,          checksum_of(copy), std::move(broken),
                             segment_bytes,    copy.segment_bytes};
  if (auto why = check.failed_by(copy)) return *why;
  return copy;
}

}  // namespace annulus
