// The one directory of everything with a plain name: which it is, that all of it lives there, that
// it is safe, and that two sides that share it meet.
#include "bytes.hpp"
#include "child.hpp"
#include "endpoints.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>

#include <annulus/channel/directory.hpp>

namespace annulus::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// A folder of our own, gone with all that is in it.
class folder {
 public:
  folder() {
    std::string pattern = ::testing::TempDir() + "annulus-XXXXXX";
    path_ = mkdtemp(pattern.data());
  }
  folder(const folder&) = delete;
  folder& operator=(const folder&) = delete;
  ~folder() { std::filesystem::remove_all(path_); }

  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  [[nodiscard]] std::set<std::string> content() const {
    std::set<std::string> all;
    for (const auto& one : std::filesystem::directory_iterator(path_)) {
      all.insert(one.path().filename().string());
    }
    return all;
  }

 private:
  std::string path_;
};

// The setting, while it lives.
class setting {
 public:
  explicit setting(const char* value) {
    if (const char* const was = getenv(files::directory_variable)) before_ = was;
    set(value);
  }
  setting(const setting&) = delete;
  setting& operator=(const setting&) = delete;
  ~setting() { set(before_.empty() ? nullptr : before_.c_str()); }

 private:
  static void set(const char* value) {
    if (value != nullptr)
      setenv(files::directory_variable, value, 1);
    else
      unsetenv(files::directory_variable);
  }
  std::string before_;
};

// What a channel of every kind leaves, and a message through each.
void use_all_kinds(const std::string& name, const std::string& option) {
  for (const std::string scheme : {"shm:", "pipe:", "auto:"}) {
    auto tx = opened(open_producer(scheme + name + (scheme == "auto:" ? "A?" : "?") + option));
    auto rx =
        opened(open_consumer(scheme + name + (scheme == "auto:" ? "A?" : "?once=yes&") + option));
    ASSERT_EQ(tx.try_push(bytes("hello")), status::ok);
    EXPECT_EQ(text(rx.read(within(5s)).bytes()), "hello");
  }
}
const std::set<std::string> files_of_all_kinds{
    "annulus.x",           "annulus.x.shm.seen", "annulus.x.pipe",  "annulus.x.pipe.roles",
    "annulus.x.pipe.seen", "annulus.xA.auto",    "annulus.xA.pipe", "annulus.xA.pipe.roles"};

void remove_all_kinds(const std::string& option) {
  for (const std::string name : {"shm:x", "pipe:x", "auto:xA"}) {
    EXPECT_TRUE(opened(bus::remove(bus::parse(name + "?" + option).value())));
  }
}

// What a process in a mount namespace of its own is told, where `arrange` has done its work, and
// what it leaves in the directory.
template <class Arrange>
std::string told_where(Arrange arrange, const std::string& name) {
  int channel[2];
  EXPECT_EQ(pipe(channel), 0);
  child one([&] {
    if (unshare(CLONE_NEWNS) != 0 || mount("", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
      return 2;
    }
    if (!arrange()) return 3;
    const auto rx = open_consumer(name);
    auto what = rx ? std::string("opened") : rx.error().message;
    const auto where = bus::directory_of(bus::parse(name).value());
    for (const auto& left : std::filesystem::directory_iterator(where)) {
      what += "\nleft: " + left.path().filename().string();
    }
    return write(channel[1], what.data(), what.size()) == std::ssize(what) ? 0 : 4;
  });
  close(channel[1]);
  EXPECT_EQ(one.exit_status(), 0);
  char text[4096];
  const auto got = read(channel[0], text, sizeof text);
  close(channel[0]);
  return {text, static_cast<std::size_t>(std::max<ssize_t>(got, 0))};
}

TEST(Directory, of_the_environment_holds_for_all_that_a_channel_leaves_and_for_its_removal) {
  const folder here;
  const setting all(here.path().c_str());
  use_all_kinds("x", "");
  EXPECT_EQ(here.content(), files_of_all_kinds);
  remove_all_kinds("");
  EXPECT_THAT(here.content(), IsEmpty());
}

TEST(Directory, of_a_name_holds_for_all_that_this_channel_leaves_and_for_its_removal) {
  const folder here, elsewhere;
  const setting all(elsewhere.path().c_str());
  const auto option = "dir=" + here.path();
  use_all_kinds("x", option);
  EXPECT_EQ(here.content(), files_of_all_kinds);
  remove_all_kinds(option);
  EXPECT_THAT(here.content(), IsEmpty());
  EXPECT_THAT(elsewhere.content(), IsEmpty());
}

TEST(Directory, of_a_name_is_an_absolute_path_and_a_name_that_is_a_path_has_none) {
  EXPECT_EQ(bus::parse("shm:x?dir=/run/y")->directory, "/run/y");
  for (const auto* name : {"shm:x?dir=run", "pipe:x?dir=", "auto:x?dir=/"}) {
    EXPECT_THAT(refusal_of(bus::parse(name)).message, HasSubstr("an absolute path")) << name;
  }
  EXPECT_THAT(refusal_of(bus::parse("shm:/run/x?dir=/run")).message, HasSubstr("leave one"));
}

TEST(Directory, is_dev_shm_for_everybody_and_tmp_where_nobody_can_write_there) {
  if (!may_mount()) return;
  const setting none(nullptr);
  setenv("XDG_RUNTIME_DIR", "/run/user/1", 1);
  EXPECT_EQ(files::directory(), "/dev/shm");
  {
    const setting empty("");
    EXPECT_EQ(files::directory(), "/dev/shm");
  }
  child one([] {
    if (unshare(CLONE_NEWNS) != 0 || mount("", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
      return 2;
    }
    if (mount("none", "/dev/shm", "tmpfs", MS_RDONLY, nullptr) != 0) return 3;
    return files::directory() == "/tmp" ? 0 : 1;
  });
  EXPECT_EQ(one.exit_status(), 0);
}

TEST(Directory, that_does_not_do_is_refused_with_its_name_and_the_settings) {
  const folder here;
  const auto missing = here.path() + "/missing";
  const auto file = here.path() + "/file";
  std::ofstream(file) << "x";
  const auto why = [](const std::string& path) {
    const setting all(path.c_str());
    for (const auto* name : {"shm:x", "pipe:x", "auto:x", "shm:x?once=yes"}) {
      const auto failed = refusal_of(open_consumer(std::string(name)));
      EXPECT_NE(failed.kind, fault::not_found) << name;  // it is not the channel that is missing
      EXPECT_THAT(failed.message, HasSubstr("'" + path + "'")) << name;
      EXPECT_THAT(failed.message, HasSubstr("ANNULUS_DIR")) << name;
      EXPECT_THAT(failed.message, HasSubstr("dir=")) << name;
    }
    return refusal_of(segment::open("x")).message;
  };
  EXPECT_THAT(why(missing), HasSubstr("No such file"));
  EXPECT_THAT(why(file), HasSubstr("is no directory"));
  EXPECT_THAT(why("relative"), HasSubstr("absolute"));
}

TEST(Directory, that_takes_no_file_is_told_with_the_settings) {
  if (!may_mount()) return;
  const folder here;
  for (const auto* name : {"shm:x?dir=", "pipe:x?dir=", "auto:x?dir=", "shm:x?once=yes&dir="}) {
    const auto told = told_where(
        [&] { return mount("none", here.path().c_str(), "tmpfs", MS_RDONLY, nullptr) == 0; },
        name + here.path());
    EXPECT_THAT(told, HasSubstr("Read-only")) << name;
    EXPECT_THAT(told, HasSubstr("ANNULUS_DIR")) << name;
  }
}

TEST(Directory, where_strangers_can_replace_files_is_refused_unless_its_sticky_bit_forbids_it) {
  const folder here;
  const auto is_fit = [&](mode_t mode) {
    EXPECT_EQ(chmod(here.path().c_str(), mode), 0);
    return static_cast<bool>(files::check_directory(here.path(), ownership::own_or_root));
  };
  EXPECT_TRUE(is_fit(0700));
  EXPECT_TRUE(is_fit(02770));
  EXPECT_FALSE(is_fit(0777));
  EXPECT_TRUE(is_fit(01777));
  ASSERT_EQ(chown(here.path().c_str(), 12345, 0), 0);
  EXPECT_FALSE(is_fit(0755));
  EXPECT_TRUE(is_fit(01777));
  EXPECT_EQ(chmod(here.path().c_str(), 0755), 0);
  const auto failed = refusal_of(open_producer("shm:x?dir=" + here.path()));
  EXPECT_EQ(failed.kind, fault::no_permission);
  EXPECT_THAT(failed.message, HasSubstr("belongs to user 12345"));
  EXPECT_TRUE(files::check_directory(here.path(), ownership::any));
}

TEST(Directory, has_rings_under_names_that_are_no_other_files_there) {
  const folder here;
  const setting all(here.path().c_str());
  for (const std::string end : {".pipe", ".pipe.roles", ".auto", ".shm.seen"}) {
    EXPECT_EQ(refusal_of(segment::create("x" + end)).kind, fault::bad_argument) << end;
    EXPECT_TRUE(segment::create("x" + end + "s")) << end;
    EXPECT_TRUE(named_pipe::create("x" + end)) << end;
  }
}

TEST(Directory, that_is_on_a_disk_gives_auto_a_pipe_and_one_in_memory_the_ring) {
  const folder here;
  struct statfs mounted {};
  ASSERT_EQ(statfs(here.path().c_str(), &mounted), 0);
  constexpr long tmpfs = 0x01021994;
  bus::needs quick;
  quick.latency = 50us;
  const auto on_disk = bus::choose(quick, 4096, here.path());
  EXPECT_EQ(on_disk.is_fallback, mounted.f_type != tmpfs) << on_disk.why;
  EXPECT_EQ(bus::choose(quick, 4096, "/dev/shm").transport, bus::transport::shm);
}

// A process in a container of its own: what is mounted over is hidden from it.
template <class Work>
child in_container(const char* hidden, Work work) {
  return child([=] {
    if (unshare(CLONE_NEWNS) != 0 || mount("", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
      return 2;
    }
    if (mount("none", hidden, "tmpfs", 0, "mode=1777") != 0) return 3;
    return work();
  });
}

TEST(Directory, lets_nothing_be_made_without_proc_and_the_error_says_so) {
  if (!may_mount()) return;
  const folder here;
  for (const auto* name : {"shm:x?dir=", "pipe:x?dir=", "auto:x?dir="}) {
    const auto told =
        told_where([] { return umount2("/proc", MNT_DETACH) == 0; }, name + here.path());
    EXPECT_THAT(told, HasSubstr("/proc is missing")) << name;
  }
  EXPECT_THAT(here.content(), IsEmpty());
}

// Of one page, and full.
TEST(Directory, that_is_full_says_where_to_go_and_keeps_nothing) {
  if (!may_mount()) return;
  const folder here;
  const auto fill = [&] {
    if (mount("none", here.path().c_str(), "tmpfs", 0, "size=4096") != 0) return false;
    std::ofstream(here.path() + "/full") << std::string(4096, 'x');
    return true;
  };
  for (const std::string name : {"shm:x?dir=", "pipe:x?dir=", "auto:x?dir=", "shm:x?once=yes&dir=",
                                 "pipe:x?once=yes&dir="}) {
    const auto told = told_where(fill, name + here.path());
    EXPECT_THAT(told, HasSubstr("No space left")) << name;
    EXPECT_THAT(told, EndsWith("\nleft: full")) << name;
    EXPECT_THAT(told, Not(HasSubstr("left: annulus"))) << name;
    EXPECT_THAT(told, HasSubstr("free some")) << name;
    if (name.starts_with("shm:x?dir")) continue;  // it may ask for less, too
    EXPECT_THAT(told, HasSubstr("dir=")) << name;
  }
}

// Whether a message comes from here to a consumer in the container.
bool do_meet(const char* hidden, const std::string& sent_by, const std::string& read_by) {
  auto other = in_container(hidden, [=] {
    auto rx = open_consumer(read_by);
    if (!rx) return 4;
    return text(rx->read(within(300ms)).bytes()) == "hello" ? 0 : 1;
  });
  auto tx = opened(open_producer(sent_by));
  EXPECT_EQ(tx.push(bytes("hello"), within(5s)), status::ok);
  const int status = other.exit_status();
  EXPECT_LE(status, 1);
  return status == 0;
}

TEST(Directory, that_two_containers_share_is_where_auto_leads_them_both_whatever_they_need) {
  if (!may_mount()) return;
  const scratch_endpoint at;
  const auto do_they_meet = [&](const char* hidden) {
    const bool met = do_meet(hidden, at.at("auto", "latency=50us"), at.at("auto"));
    EXPECT_TRUE(opened(bus::remove(at.automatic(), true)));
    return met;
  };
  // /dev/shm is shared: the default.
  EXPECT_TRUE(do_they_meet("/tmp"));
  EXPECT_FALSE(do_they_meet("/dev/shm"));
  // A folder of /tmp is, and both say so.
  const folder shared;
  const setting all(shared.path().c_str());
  EXPECT_TRUE(do_they_meet("/dev/shm"));
}

}  // namespace
}  // namespace annulus::testing
