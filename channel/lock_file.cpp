#include <pthread.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <mutex>
#include <string>
#include <utility>

#include <annulus/channel/lock.hpp>
#include <annulus/channel/lock_file.hpp>
#include <annulus/channel/uncancelled.hpp>

namespace annulus {

// All that this process has open.
struct lock_files {
  std::mutex mutex;
  lock_file* first = nullptr;

  void add(lock_file& one) noexcept {
    one.previous_ = nullptr;
    one.next_ = first;
    if (first != nullptr) first->previous_ = &one;
    first = &one;
  }
  void remove(lock_file& one) noexcept {
    if (one.next_ != nullptr) one.next_->previous_ = one.previous_;
    if (one.previous_ != nullptr) {
      one.previous_->next_ = one.next_;
    } else if (first == &one) {
      first = one.next_;
    }
    one.next_ = one.previous_ = nullptr;
  }
  // In a child: what it inherited is its parent's.
  void close_all() noexcept {
    while (first != nullptr) {
      lock_file& one = *first;
      remove(one);
      ::close(std::exchange(one.number_, -1));
      one.page_ = nullptr;
    }
  }
};

namespace {

constinit lock_files open_here;
constexpr std::size_t page_bytes = 4096;  // or as much more as the kernel's pages are

bool watch_forks() noexcept {
  return pthread_atfork([] { open_here.mutex.lock(); }, [] { open_here.mutex.unlock(); },
                        [] {
                          open_here.close_all();
                          open_here.mutex.unlock();
                        }) == 0;
}

// Keeps the open file without its descriptor. Where it cannot, the descriptor must do.
void* keep(int file) noexcept {
  void* const page = mmap(nullptr, page_bytes, PROT_NONE, MAP_SHARED | MAP_NORESERVE, file, 0);
  if (page == MAP_FAILED) return nullptr;
  if (madvise(page, page_bytes, MADV_DONTFORK) == 0) return page;
  munmap(page, page_bytes);
  return nullptr;
}

// A role's file is opened by the rights that the process has now, not by those it was opened with.
failure without_rights(int file, failure why) {
  struct stat info {};
  if (fstat(file, &info) != 0) return why;
  const auto octal = [](unsigned digit) { return std::to_string(digit & 7); };
  why.message += "; each role opens the file anew, and user " + std::to_string(geteuid()) +
                 " may not: it is of user " + std::to_string(info.st_uid) + ", mode 0" +
                 octal(info.st_mode >> 6) + octal(info.st_mode >> 3) + octal(info.st_mode) +
                 "; attach before the process gives up rights, or let that user open it (chown, "
                 "mode=)";
  return why;
}

}  // namespace

result<lock_file> lock_file::reopened(int file, int flags, const std::string& name) {
  [[maybe_unused]] static const bool watched = watch_forks();
  lock_file made;
  {
    const std::lock_guard lock(open_here.mutex);
    auto own = files::reopened(file, flags, name);
    if (!own && own.error().kind == fault::no_permission) return without_rights(file, own.error());
    if (!own) return own.error();
    made.number_ = own->release();
    made.page_ = keep(made.number_);
    made.home_ = home::here();
    open_here.add(made);
  }
  return made;
}

lock_file::lock_file(lock_file&& other) noexcept { take_over(other); }

lock_file& lock_file::operator=(lock_file&& other) noexcept {
  if (this == &other) return *this;
  let_go();
  take_over(other);
  return *this;
}

lock_file::~lock_file() { let_go(); }

void lock_file::take_over(lock_file& other) noexcept {
  const std::lock_guard lock(open_here.mutex);
  if (other.number_ >= 0) {
    open_here.remove(other);
    open_here.add(*this);
  }
  number_ = std::exchange(other.number_, -1);
  page_ = std::exchange(other.page_, nullptr);
  home_ = std::move(other.home_);
}

void lock_file::let_go() noexcept {
  if (number_ < 0) return;
  const std::lock_guard lock(open_here.mutex);
  open_here.remove(*this);
  const int number = std::exchange(number_, -1);
  void* const page = std::exchange(page_, nullptr);
  if (!home_.leave()) return;  // a bare clone's: the number and the page may be others' by now
  if (page != nullptr) munmap(page, page_bytes);
  const uncancelled here;
  ::close(number);
}

bool lock_file::abandon(int file, std::uint32_t role) noexcept {
  struct stat asked {};
  if (fstat(file, &asked) != 0 || !locks::is_held(file, role)) return false;
  const std::lock_guard lock(open_here.mutex);
  for (lock_file* one = open_here.first; one != nullptr; one = one->next_) {
    if (!one->is_here()) continue;  // a bare clone's copy: the lock is its parent's
    struct stat info {};
    if (fstat(one->number_, &info) != 0 || info.st_dev != asked.st_dev ||
        info.st_ino != asked.st_ino) {
      continue;
    }
    // Held, but not against this one: so it is the holder.
    if (locks::is_held(one->number_, role)) continue;
    locks::give_back(one->number_);
    return true;
  }
  return false;
}

}  // namespace annulus
