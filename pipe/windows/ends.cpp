#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <cwchar>
#include <vector>

#include <annulus/channel/lock.hpp>
#include <annulus/channel/settled.hpp>
#include <annulus/channel/windows/handle.hpp>
#include <annulus/pipe/windows/ends.hpp>

namespace annulus::pipes {

// Who holds the ends, and by which handles of his. Handles have 32 bits that count.
struct ends::slot {
  std::uint32_t process, reading, writing, unused;
};

namespace {

constexpr char magic[8] = {'a', 'n', 'n', 'd', 'o', 'o', 'r', '1'};
constexpr std::uint32_t slot_count = 1024;
constexpr std::uint64_t slots_offset = 64;
constexpr std::uint64_t slot_bytes = 16;
constexpr std::uint64_t shelf_offset = 5 * 4096;  // behind the slots
static_assert(slots_offset + slot_count * slot_bytes <= shelf_offset);

struct door_header {
  char magic[8];
  std::uint64_t key[2];  // of the pipe's name
};

// The most that is asked of the kernel, and the least that a pipe can be.
constexpr std::uint64_t most_capacity = std::uint64_t{1} << 26, least_capacity = 4096;

bool read_header(int file, door_header& header) noexcept {
  return files::read_at(file, &header, sizeof header, 0) == sizeof header &&
         std::memcmp(header.magic, magic, sizeof magic) == 0;
}

std::wstring name_of(const door_header& header) {
  wchar_t text[64];
  std::swprintf(text, std::size(text), L"annulus.%016llx%016llx",
                static_cast<unsigned long long>(header.key[0]),
                static_cast<unsigned long long>(header.key[1]));
  return text;
}

std::uint32_t number_of(HANDLE handle) noexcept {
  return static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(handle));
}

HANDLE handle_of(std::uint32_t number) noexcept {
  return reinterpret_cast<HANDLE>(static_cast<std::intptr_t>(static_cast<std::int32_t>(number)));
}

// Whether a handle is an end of the pipe of this name. Its owner may have closed it, and made
// another thing of the same number.
bool is_end(HANDLE handle, const std::wstring& name) noexcept {
  if (handle == nullptr || GetFileType(handle) != FILE_TYPE_PIPE) return false;
  alignas(FILE_NAME_INFO) std::array<std::byte, sizeof(FILE_NAME_INFO) + 512> space{};
  auto* const info = reinterpret_cast<FILE_NAME_INFO*>(space.data());
  if (GetFileInformationByHandleEx(handle, FileNameInfo, info, static_cast<DWORD>(space.size())) ==
      0) {
    return false;
  }
  const std::wstring_view found(info->FileName, info->FileNameLength / sizeof(wchar_t));
  return found.size() == name.size() + 1 && found.ends_with(name);
}

void close(HANDLE& handle) noexcept {
  if (handle != nullptr && handle != INVALID_HANDLE_VALUE) CloseHandle(handle);
  handle = nullptr;
}

HANDLE copy_of(HANDLE process, std::uint32_t number) noexcept {
  HANDLE made = nullptr;
  DuplicateHandle(process, handle_of(number), GetCurrentProcess(), &made, 0, FALSE,
                  DUPLICATE_SAME_ACCESS);
  return made;
}

failure held_by_others(const std::string& name) {
  return {fault::in_use, "the FIFO of " + files::quoted(name) +
                             " is held by processes that share it with nobody, as those of another "
                             "user, for " +
                             std::to_string(files::patience.count()) +
                             " s now; end them, or choose another name"};
}

}  // namespace

bool write_door(int file) noexcept {
  door_header header{};
  std::memcpy(header.magic, magic, sizeof magic);
  for (auto& word : header.key) word = files::random_word();
  if (const int why = files::set_size(file, shelf_offset, shelf_offset); why != 0) {
    errno = why;
    return false;
  }
  return files::write_at(file, &header, sizeof header, 0) == sizeof header;
}

bool is_door(int file) noexcept {
  door_header header{};
  return read_header(file, header);
}

result<std::shared_ptr<ends>> ends::join(int file, std::uint64_t capacity,
                                         const std::string& name) {
  auto made = std::make_shared<ends>();
  auto own = files::reopened(file, access::read_write, name);
  if (!own) return own.error();
  made->door_ = std::move(*own);
  door_header header{};
  if (!read_header(file, header)) {
    return files::system_error("cannot read the file of the FIFO of " + files::quoted(name), EIO);
  }
  made->name_ = name_of(header);
  const auto until = within(files::patience);
  do {
    // By a handle of its own: to give a lock back gives back all that were taken by one.
    auto gate = files::reopened(file, access::read_write, name);
    if (!gate) return gate.error();
    if (!locks::take(gate->number(), locks::maker, until)) break;
    if (made->adopt() || made->make(capacity)) {
      if (made->enter()) return made;
      return files::system_error("cannot hold the FIFO of " + files::quoted(name), errno);
    }
    // Its last holder is about to go, or shares with nobody.
    locks::give_back(gate->number());
    Sleep(1);
  } while (std::chrono::steady_clock::now() < until);
  return held_by_others(name);
}

std::shared_ptr<ends> ends::of(int fifo) noexcept {
  return std::static_pointer_cast<ends>(windows::kept_with(fifo));
}

ends::~ends() { let_go(); }

void ends::let_go() noexcept {
  if (door_ && slot_ > 0) {
    const slot none{};
    (void)files::write_at(door_.number(), &none, sizeof none,
                          slots_offset + (slot_ - 1) * slot_bytes);
    locks::give_back(door_.number());
    slot_ = 0;
  }
  close(reading_);
  close(writing_);
  close(written_);
  close(taken_);
}

bool ends::adopt() noexcept {
  static_assert(sizeof(slot) == slot_bytes);
  std::vector<slot> all(slot_count);
  const auto got =
      files::read_at(door_.number(), all.data(), all.size() * sizeof(slot), slots_offset);
  if (got < 0) return false;
  all.resize(static_cast<std::size_t>(got) / sizeof(slot));
  for (std::uint32_t i = 0; i < all.size(); ++i) {
    if (all[i].process == 0 || !locks::is_held(door_.number(), i)) continue;
    if (take_over(all[i])) return true;
  }
  return false;
}

bool ends::take_over(const slot& from) noexcept {
  HANDLE process = OpenProcess(PROCESS_DUP_HANDLE, FALSE, from.process);
  if (process == nullptr) return false;
  reading_ = copy_of(process, from.reading);
  writing_ = copy_of(process, from.writing);
  close(process);
  if (is_end(reading_, name_) && is_end(writing_, name_) && learn()) return true;
  close(reading_);
  close(writing_);
  return false;
}

bool ends::make(std::uint64_t capacity) noexcept {
  const auto path = L"\\\\.\\pipe\\" + name_;
  auto* const whose = windows::owner_only();
  if (whose == nullptr) return false;
  for (auto wanted = std::min(capacity, most_capacity); wanted >= least_capacity; wanted /= 2) {
    reading_ = CreateNamedPipeW(path.c_str(), pipe_access, pipe_mode, 1, 0,
                                static_cast<DWORD>(wanted), 0, whose);
    if (reading_ != INVALID_HANDLE_VALUE) break;
    reading_ = nullptr;
    const auto why = GetLastError();
    if (why == ERROR_PIPE_BUSY || why == ERROR_ACCESS_DENIED) return false;  // there is one
  }
  if (reading_ == nullptr) return false;
  writing_ = CreateFileW(path.c_str(), GENERIC_WRITE | FILE_READ_ATTRIBUTES, 0, nullptr,
                         OPEN_EXISTING, SECURITY_SQOS_PRESENT | SECURITY_ANONYMOUS, nullptr);
  DWORD mode = PIPE_READMODE_BYTE | PIPE_NOWAIT;
  if (writing_ != INVALID_HANDLE_VALUE &&
      SetNamedPipeHandleState(writing_, &mode, nullptr, nullptr) != 0 && grow() && learn()) {
    shelf_.clear();
    return true;
  }
  close(reading_);
  close(writing_);
  return false;
}

// Takes a slot. Requires: the maker's lock is held.
bool ends::enter() noexcept {
  for (std::uint32_t i = 0; i < slot_count; ++i) {
    if (!locks::take(door_.number(), i)) continue;
    slot_ = i + 1;
    const slot own{GetCurrentProcessId(), number_of(reading_), number_of(writing_), 0};
    return files::write_at(door_.number(), &own, sizeof own, slots_offset + i * slot_bytes) ==
           sizeof own;
  }
  errno = EMFILE;
  return false;
}

// The shelf is as large as the pipe.
bool ends::grow() noexcept {
  DWORD bytes = 0;
  if (GetNamedPipeInfo(reading_, nullptr, nullptr, &bytes, nullptr) == 0) return false;
  const auto all = shelf_offset + pipes::shelf::head_bytes + bytes;
  LARGE_INTEGER size{};
  if (GetFileSizeEx(windows::handle_of(door_.number()), &size) == 0) return false;
  if (static_cast<std::uint64_t>(size.QuadPart) >= all) return true;
  return files::set_size(door_.number(), all, all) == 0;
}

std::uint64_t ends::depth() const noexcept {
  DWORD bytes = 0;
  PeekNamedPipe(reading_, nullptr, 0, nullptr, &bytes, nullptr);
  return shelf_.used() + bytes;
}

std::uint64_t ends::room() const noexcept {
  const auto used = depth();
  return used < capacity_ ? capacity_ - used : 0;
}

// What goes with the pipe: how much it takes, its shelf, and its events.
bool ends::learn() noexcept {
  DWORD flags = 0, bytes = 0, other = 0;
  if (GetNamedPipeInfo(reading_, &flags, nullptr, &bytes, nullptr) == 0 ||
      (flags & PIPE_SERVER_END) == 0 ||
      GetNamedPipeInfo(writing_, &other, nullptr, nullptr, nullptr) == 0 ||
      (other & PIPE_SERVER_END) != 0) {
    return false;
  }
  capacity_ = bytes;
  mapped_ = pages::of_file(door_.number(), shelf_offset + pipes::shelf::head_bytes + bytes,
                           access::read_write);
  if (!mapped_ || bytes < least_capacity) return false;
  shelf_ = pipes::shelf(mapped_.data() + shelf_offset, bytes);
  const auto event = [&](const wchar_t* what) {
    return CreateEventW(windows::owner_only(), FALSE, FALSE, (L"Global\\" + name_ + what).c_str());
  };
  if (written_ == nullptr) written_ = event(L".written");
  if (taken_ == nullptr) taken_ = event(L".taken");
  return written_ != nullptr && taken_ != nullptr;
}

}  // namespace annulus::pipes
