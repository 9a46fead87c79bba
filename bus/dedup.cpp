#include <atomic>
#include <bit>
#include <cerrno>
#include <cstring>
#include <utility>

#include <annulus/bus/dedup.hpp>
#include <annulus/channel/arithmetic.hpp>
#include <annulus/channel/directory.hpp>
#include <annulus/channel/file.hpp>

namespace annulus::bus {

namespace {

constexpr std::uint64_t magic = 0x6b72616d6c6e6e61;       // "annlmark", little endian
constexpr std::uint64_t list_magic = 0x316e6565736e6e61;  // "annseen1", little endian

std::uint64_t check_of(const message_mark& mark) noexcept {
  const std::uint64_t mixed = (mark.stream ^ magic) * golden_ratio + mark.sequence;
  return mixed * golden_ratio ^ mixed >> 29;
}

// Keeps the compiler from moving stores across: a death may fall between any two instructions.
void compiler_fence() noexcept { std::atomic_signal_fence(std::memory_order_seq_cst); }

}  // namespace

mark_head head_of(const message_mark& mark) noexcept {
  const std::uint64_t words[] = {magic, mark.stream, mark.sequence, check_of(mark)};
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

result<seen_list> seen_list::open(const std::string& path) {
  const auto failed = [&](const char* what) {
    return files::cannot_store(std::string(what) + " " + path + ", which says what was seen",
                               errno);
  };
  const auto not_ours = [&](const std::string& what) {
    return failure{fault::not_a_channel, path + " should say what was seen, but it " + what +
                                             "; remove it, and what comes again then is new"};
  };
  // O_EXCL first: in a sticky folder the kernel lets nobody create over a stranger's file.
  descriptor file = files::created(path, 0600);
  const bool is_new = static_cast<bool>(file);
  if (!file && errno == EEXIST) {
    file = files::existing(path, access::read_write);
    if (!file && errno == ELOOP) return not_ours("is a symbolic link");
    if (!file && errno == EISDIR) return not_ours("is a directory");
    if (!file && errno == ENXIO) return not_ours("is no regular file");
  }
  if (!file) return failed("cannot open");
  const auto given_up = [&](const char* what) {
    const int why = errno;
    if (is_new) (void)files::remove(path);
    errno = why;
    return failed(what);
  };
  if (!files::is_regular(file.number())) return not_ours("is no regular file");
  if (auto why = files::not_own(file.number(), path)) return *why;
  const auto found = files::size_of_ours(file.number(), ownership::any, path, "list");
  if (!found) return found.error();
  constexpr auto size = sizeof(page);
  if (*found != 0 && *found != size) {
    return not_ours("has " + std::to_string(*found) + " bytes, not " + std::to_string(size));
  }
  // What the file system cannot hold is told now, and not later by SIGBUS.
  errno = files::set_size(file.number(), sizeof(page), sizeof(page));
  if (errno != 0) return given_up("cannot size");
  auto mapped = pipes::pages::of_file(file.number(), sizeof(page), access::read_write);
  if (!mapped) return given_up("cannot map");
  seen_list out(std::move(mapped));
  if (out.mapped_->magic == 0) out.mapped_->magic = list_magic;  // new
  if (out.mapped_->magic != list_magic) return not_ours("does not start with its magic word");
  return out;
}

bool seen_list::is_one(const std::string& path) noexcept {
  const descriptor file = files::existing(path, access::read_only);
  if (!file || !files::is_regular(file.number()) || files::not_own(file.number(), path)) {
    return false;
  }
  const auto size = files::size_of_ours(file.number(), ownership::any, path, "list");
  std::uint64_t start = 0;
  return size && *size == sizeof(page) &&
         files::read_at(file.number(), &start, sizeof start, 0) == sizeof start &&
         start == list_magic;
}

void seen_list::take_up() noexcept {
  for (std::size_t i = 0; i < most_streams; ++i) delivered_[i] = mapped_->entries[i].sequence;
  ahead_ = {};
}

seen_list::seen_list(pipes::pages mapped) noexcept
    : memory_(std::move(mapped)), mapped_(reinterpret_cast<page*>(memory_.data())) {}
seen_list::seen_list(seen_list&& other) noexcept { *this = std::move(other); }
seen_list& seen_list::operator=(seen_list&& other) noexcept {
  memory_ = std::move(other.memory_);
  std::swap(mapped_, other.mapped_);
  delivered_ = other.delivered_;
  ahead_ = other.ahead_;
  latest_ = other.latest_;
  repeated_ = other.repeated_;
  home_ = std::move(other.home_);
  return *this;
}

// The entry of the stream that was silent longest. One that was delivered and not released goes
// only when all are such.
std::size_t seen_list::oldest() const noexcept {
  const auto is_older = [this](std::size_t a, std::size_t b) {
    if (is_ahead(a) != is_ahead(b)) return is_ahead(b);
    return mapped_->entries[a].turn < mapped_->entries[b].turn;
  };
  std::size_t out = 0;
  for (std::size_t i = 1; i < most_streams; ++i) {
    if (is_older(i, out)) out = i;
  }
  return out;
}

// The stream's entry; a new stream takes that of the oldest.
std::size_t seen_list::entry_of(std::uint64_t stream) noexcept {
  if (mapped_->entries[latest_].stream == stream) return latest_;
  for (std::size_t i = 0; i < most_streams; ++i) {
    if (mapped_->entries[i].stream == stream) return latest_ = i;
  }
  latest_ = oldest();
  ahead_[latest_ / 64] &= ~(std::uint64_t{1} << latest_ % 64);
  entry& taken = mapped_->entries[latest_];
  taken.stream = 0;  // a death from here on leaves an empty entry
  compiler_fence();
  taken.sequence = delivered_[latest_] = 0;
  taken.turn = 0;
  compiler_fence();
  taken.stream = stream;
  return latest_;
}

bool seen_list::is_new(const message_mark& mark) noexcept {
  const std::size_t i = entry_of(mark.stream);
  const bool is_first = mapped_->entries[i].turn == 0 && !is_ahead(i);
  if (!is_first && !is_before(delivered_[i], mark.sequence)) {
    ++repeated_;
    return false;
  }
  delivered_[i] = mark.sequence;
  ahead_[i / 64] |= std::uint64_t{1} << i % 64;
  return true;
}

void seen_list::note_released() noexcept {
  if (!home_.is_here()) return;
  for (std::size_t part = 0; part < ahead_.size(); ++part) {
    for (auto bits = std::exchange(ahead_[part], 0); bits != 0; bits &= bits - 1) {
      const std::size_t i = part * 64 + static_cast<std::size_t>(std::countr_zero(bits));
      mapped_->entries[i].sequence = delivered_[i];
      compiler_fence();  // a turn says that the sequence before it holds
      mapped_->entries[i].turn = ++mapped_->turns;
    }
  }
  compiler_fence();  // before the channel's own release
}

}  // namespace annulus::bus
