#include <mutex>
#include <string>
#include <utility>

#include <annulus/channel/fork.hpp>
#include <annulus/channel/lock.hpp>
#include <annulus/channel/lock_file.hpp>

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
      const descriptor closed(std::exchange(one.number_, -1));
      one.page_ = nullptr;
    }
  }
};

namespace {

lock_files open_here;

bool watch_forks() noexcept {
  return forks::watch([] { open_here.mutex.lock(); }, [] { open_here.mutex.unlock(); },
                      [] {
                        open_here.close_all();
                        open_here.mutex.unlock();
                      });
}

}  // namespace

result<lock_file> lock_file::reopened(int file, access how, const std::string& name) {
  [[maybe_unused]] static const bool watched = watch_forks();
  lock_file made;
  {
    const std::lock_guard lock(open_here.mutex);
    auto own = files::reopened(file, how, name);
    if (!own) {
      // It is opened by the rights that the process has now, not by those it was opened with.
      auto why = own.error();
      if (why.kind == fault::no_permission) why.message += files::whose(file);
      return why;
    }
    made.number_ = own->release();
    made.page_ = forks::keep(made.number_);
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
  forks::let_go(page);
  const descriptor closed(number);
}

bool lock_file::abandon(int file, std::uint32_t role) noexcept {
  if (!locks::is_held(file, role)) return false;
  const std::lock_guard lock(open_here.mutex);
  for (lock_file* one = open_here.first; one != nullptr; one = one->next_) {
    if (!one->is_here()) continue;  // a bare clone's copy: the lock is its parent's
    if (!files::is_same(one->number_, file)) continue;
    // Held, but not against this one: so it is the holder.
    if (locks::is_held(one->number_, role)) continue;
    locks::give_back(one->number_);
    return true;
  }
  return false;
}

}  // namespace annulus
