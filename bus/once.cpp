#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <utility>

#include <annulus/bus/once.hpp>

namespace annulus::bus {
namespace {

constexpr std::uint64_t magic = 0x6b72616d6c6e6e61;  // "annlmark", little endian

std::uint64_t check_of(const message_mark& mark) noexcept {
  constexpr std::uint64_t odd = 0x9e3779b97f4a7c15;  // 2^64 / golden ratio (Knuth)
  const std::uint64_t mixed = (mark.stream ^ magic) * odd + mark.number;
  return mixed * odd ^ mixed >> 29;
}

// Keeps the compiler from moving stores across: a death may fall between any two instructions.
void compiler_fence() noexcept { std::atomic_signal_fence(std::memory_order_seq_cst); }

constexpr bool is_after(std::uint64_t a, std::uint64_t b) noexcept {
  return static_cast<std::int64_t>(a - b) > 0;
}

}  // namespace

mark_head head_of(const message_mark& mark) noexcept {
  const std::uint64_t words[] = {magic, mark.stream, mark.number, check_of(mark)};
  mark_head out;
  std::memcpy(out.data(), words, sizeof words);
  return out;
}

std::optional<message_mark> mark_in(message one) noexcept {
  std::uint64_t words[4];
  if (one.size() < sizeof words) return std::nullopt;
  std::memcpy(words, one.data(), sizeof words);
  const message_mark mark{words[1], words[2]};
  if (words[0] != magic || words[3] != check_of(mark)) return std::nullopt;
  return mark;
}

struct seen_list::page {
  std::uint64_t magic;
  std::uint64_t turns;
  entry entries[most_streams];
};

std::string seen_list::path_of(const std::string& of) {
  auto name = of;
  std::ranges::replace(name, '/', '_');
  return "/tmp/annulus." + name + ".seen";
}

result<seen_list> seen_list::open(const std::string& of) {
  const auto path = path_of(of);
  const auto failed = [&](const char* what) {
    return failure{errno == EACCES ? fault::no_permission : fault::system,
                   std::string(what) + " " + path + ": " + std::strerror(errno)};
  };
  // O_EXCL first: in a sticky folder the kernel lets nobody create over a stranger's file.
  int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (file < 0 && errno == EEXIST) {
    file = ::open(path.c_str(), O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  }
  if (file < 0) return failed("cannot open what was seen in");
  struct stat info {};
  std::optional<failure> why;
  if (fstat(file, &info) != 0 || !S_ISREG(info.st_mode)) {
    why = failure{fault::not_a_segment, path + " is no regular file; remove it"};
  } else if (info.st_uid != geteuid()) {
    why = failure{fault::no_permission, path + " belongs to user " + std::to_string(info.st_uid) +
                                            ", we are user " + std::to_string(geteuid()) +
                                            "; it must be removed by him"};
  } else if (info.st_size < static_cast<off_t>(sizeof(page)) &&
             ftruncate(file, sizeof(page)) != 0) {
    why = failed("cannot size");
  }
  void* mapped = MAP_FAILED;
  if (!why) {
    mapped = mmap(nullptr, sizeof(page), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (mapped == MAP_FAILED) why = failed("cannot map");
  }
  close(file);
  if (why) return *why;
  auto* const held = static_cast<page*>(mapped);
  if (held->magic != bus::magic) {
    std::memset(held, 0, sizeof(page));  // new, or nothing that we could go by
    held->magic = bus::magic;
  }
  return seen_list(held);
}

seen_list::seen_list(page* mapped) noexcept : mapped_(mapped) {
  for (std::size_t i = 0; i < most_streams; ++i) delivered_[i] = mapped->entries[i].number;
}
seen_list::seen_list(seen_list&& other) noexcept
    : mapped_(std::exchange(other.mapped_, nullptr)),
      delivered_(other.delivered_),
      is_ahead_(other.is_ahead_),
      repeated_(other.repeated_) {}
seen_list& seen_list::operator=(seen_list&& other) noexcept {
  std::swap(mapped_, other.mapped_);
  delivered_ = other.delivered_;
  is_ahead_ = other.is_ahead_;
  repeated_ = other.repeated_;
  return *this;
}
seen_list::~seen_list() {
  if (mapped_ != nullptr) munmap(mapped_, sizeof(page));
}

// The stream's place; a new stream takes that of the one that was silent longest.
std::size_t seen_list::slot_of(std::uint64_t stream) noexcept {
  std::size_t oldest = 0;
  for (std::size_t i = 0; i < most_streams; ++i) {
    if (mapped_->entries[i].stream == stream) return i;
    const bool is_older = mapped_->entries[i].turn < mapped_->entries[oldest].turn;
    if (is_older && !is_ahead_[i]) oldest = i;
  }
  entry& taken = mapped_->entries[oldest];
  taken.stream = 0;  // a death from here on leaves an empty place
  compiler_fence();
  taken.number = delivered_[oldest] = 0;
  taken.turn = 0;
  compiler_fence();
  taken.stream = stream;
  return oldest;
}

bool seen_list::is_new(const message_mark& mark) noexcept {
  const std::size_t i = slot_of(mark.stream);
  const bool is_first = mapped_->entries[i].turn == 0 && !is_ahead_[i];
  if (!is_first && !is_after(mark.number, delivered_[i])) {
    ++repeated_;
    return false;
  }
  delivered_[i] = mark.number;
  is_ahead_[i] = true;
  return true;
}

void seen_list::note_released() noexcept {
  for (std::size_t i = 0; i < most_streams; ++i) {
    if (!std::exchange(is_ahead_[i], false)) continue;
    mapped_->entries[i].number = delivered_[i];
    mapped_->entries[i].turn = ++mapped_->turns;
  }
  compiler_fence();  // before the channel's own release
}

}  // namespace annulus::bus
