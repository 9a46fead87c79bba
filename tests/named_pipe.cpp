// The named pipe as files: limits, names, what is in the way, and rights.
#include "bytes.hpp"
#include "child.hpp"
#include "forbidding.hpp"
#include "pipes.hpp"
#include "refusals.hpp"
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include <annulus/channel/directory.hpp>
#include <annulus/channel/file.hpp>
#include <annulus/channel/lock.hpp>
#include <annulus/pipe/files.hpp>
#include <annulus/pipe/inspect.hpp>
#include <annulus/pipe/pipe.hpp>

namespace annulus::testing {
namespace {

using ::testing::HasSubstr;

// Rights.

constexpr uid_t nobody = 65534;

// What became of the options of a pipe that is made and removed again.
pipe_options good_options(const scratch_pipe_name& name, const pipe_options& asked) {
  const auto got = good(named_pipe::create(name.str(), asked)).options();
  EXPECT_TRUE(named_pipe::remove(name.str()));
  return got;
}

// Limits.

TEST(PipeLimits, capacity_is_a_power_of_two_from_4_kib_to_256_gib) {
  const scratch_pipe_name name;
  for (const std::uint64_t bad : {std::uint64_t{0}, std::uint64_t{2048}, std::uint64_t{4097},
                                  std::uint64_t{6144}, std::uint64_t{1} << 39}) {
    EXPECT_EQ(kind_of(named_pipe::create(name.str(), of(bad))), fault::bad_argument) << bad;
  }
  for (const std::uint64_t good : {std::uint64_t{4096}, std::uint64_t{1} << 38}) {
    EXPECT_EQ(good_options(name, of(good)).capacity, good);
  }
}

TEST(PipeLimits, max_message_is_1_to_half_the_capacity_and_0_means_the_most) {
  const scratch_pipe_name name;
  auto shape = of(8192);
  EXPECT_EQ(good_options(name, shape).max_message, 4096u);
  for (const std::uint64_t good : {1u, 4096u}) {
    shape.max_message = good;
    EXPECT_EQ(good_options(name, shape).max_message, good);
  }
  shape.max_message = 4097;
  EXPECT_THAT(why(named_pipe::create(name.str(), shape)).message, HasSubstr("4096"));
}

TEST(PipeLimits, producers_are_1_to_1024_and_all_of_them_attach) {
  const scratch_pipe_name name;
  for (const std::uint32_t bad : {0u, 1025u, ~0u}) {
    EXPECT_EQ(kind_of(named_pipe::create(name.str(), of(4096, bad))), fault::bad_argument) << bad;
  }
  const scratch_pipe pipe(of(4096, 300));
  std::vector<pipe_producer> all;
  for (std::uint32_t i = 0; i < 300; ++i) {
    all.push_back(attached<pipe_producer>(*pipe));
    EXPECT_EQ(all.back().number(), i);
  }
  EXPECT_EQ(kind_of(pipe_producer::attach(*pipe)), fault::in_use);
  all[200].close();
  EXPECT_EQ(attached<pipe_producer>(*pipe).number(), 200u);
}

TEST(PipeLimits, mode_lets_the_owner_read_and_write_and_nobody_execute) {
  const scratch_pipe_name name;
  for (const unsigned bad : {0u, 0400u, 0700u, 01600u, 0607u}) {
    auto shape = of(4096);
    shape.mode = bad;
    EXPECT_EQ(kind_of(named_pipe::create(name.str(), shape)), fault::bad_argument) << bad;
  }
}

TEST(PipeLimits, a_role_that_is_held_is_refused_with_the_pid_of_its_holder) {
  const scratch_pipe pipe(of(4096, 1));
  const auto tx = attached<pipe_producer>(*pipe);
  const auto rx = attached<pipe_consumer>(*pipe);
  const auto me = "process " + std::to_string(getpid());
  EXPECT_THAT(why(pipe_producer::attach(*pipe)).message, HasSubstr(me));
  EXPECT_THAT(why(pipe_consumer::attach(*pipe)).message, HasSubstr(me));
  EXPECT_EQ(kind_of(pipe_consumer::attach(*pipe)), fault::in_use);
}

// Names, and what is in the way.

// Where the calls are forbidden, every FIFO would look empty for ever.
TEST(PipeNames, a_sandbox_in_which_no_pipe_can_be_looked_into_lets_no_consumer_attach) {
  for (const long call : {SYS_tee, SYS_splice}) {
    for (const int error : {EPERM, ENOSYS}) {
      const scratch_pipe pipe(of(4096));
      child inside([&] {
        if (!forbid(call, error)) return 1;
        const auto rx = pipe_consumer::attach(*pipe);
        if (rx) return 2;
        return rx.error().message.find("tee") == std::string::npos ? 3 : 0;
      });
      EXPECT_EQ(inside.exit_status(), 0) << call << " gives " << error;
      EXPECT_TRUE(pipe_consumer::attach(*pipe));
    }
  }
}

// Two containers share the directory, and each has a process 1.
TEST(PipeNames, where_files_need_names_two_of_one_process_number_make_theirs_without_meeting) {
  const scratch_pipe_name name;
  child alone([&] {
    if (!forbid_unnamed_files()) return 1;
    const auto path = files::directory() + "/annulus." + name.str();
    const auto one = pipes::make_file(path, 0600);
    const auto other = pipes::make_file(path, 0600);
    if (!one.file || one.passing.empty()) return 2;
    if (!other.file) return 3;
    if (files::is_same(one.file.number(), other.file.number())) return 4;
    pipes::discard(one);
    pipes::discard(other);
    return named_pipe::create(name.str()) ? 0 : 5;
  });
  EXPECT_EQ(alone.exit_status(), 0);
}

TEST(PipeNames, are_1_to_200_letters_digits_dots_underscores_and_hyphens) {
  for (const std::string bad : {"", ".hidden", "a/b", "a b", "/", "\xc3\xa4"}) {
    EXPECT_EQ(kind_of(named_pipe::open(bad)), fault::bad_argument) << bad;
  }
  EXPECT_EQ(kind_of(named_pipe::open(std::string(201, 'x'))), fault::bad_argument);
  EXPECT_EQ(kind_of(named_pipe::open(std::string(200, 'x'))), fault::not_found);
}

TEST(PipeNames, a_pipe_is_made_found_and_removed_by_its_name) {
  const scratch_pipe_name name;
  EXPECT_EQ(kind_of(named_pipe::open(name.str())), fault::not_found);
  EXPECT_EQ(kind_of(named_pipe::remove(name.str())), fault::not_found);
  const auto made = good(named_pipe::create(name.str(), of(8192)));
  EXPECT_EQ(made.path(), name.path());
  EXPECT_EQ(kind_of(named_pipe::create(name.str())), fault::already_exists);
  EXPECT_EQ(good(named_pipe::open(name.str())).options().capacity, 8192u);
  EXPECT_EQ(good(named_pipe::open_or_create(name.str())).options().capacity, 8192u);
  EXPECT_TRUE(named_pipe::remove(name.str()));
  EXPECT_NE(::access(name.path().c_str(), F_OK), 0);
  EXPECT_NE(::access(name.roles_path().c_str(), F_OK), 0);
}

TEST(PipeNames, a_path_is_a_name_and_both_files_get_the_mode_asked_for) {
  const scratch_pipe_name name;
  auto shape = of(4096);
  shape.mode = 0660;
  const mode_t before = umask(077);
  const auto made = good(named_pipe::create(name.path(), shape));
  umask(before);
  struct stat info {};
  ASSERT_EQ(stat(name.path().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode, static_cast<mode_t>(S_IFIFO | 0660));
  ASSERT_EQ(stat(name.roles_path().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode, static_cast<mode_t>(S_IFREG | 0660));
}

TEST(PipeNames, a_pipe_in_use_is_removed_only_by_force) {
  scratch_pipe pipe(of(4096));
  auto tx = attached<pipe_producer>(*pipe);
  EXPECT_THAT(why(named_pipe::remove(pipe->name())).message, HasSubstr("producer 0"));
  auto rx = attached<pipe_consumer>(*pipe);
  EXPECT_TRUE(named_pipe::remove(pipe->name(), true));
  ASSERT_EQ(tx.try_push(bytes("still")), status::ok);
  EXPECT_EQ(next(rx), "still");
}

TEST(PipeNames, whatever_is_in_the_way_is_told_and_left_alone) {
  const scratch_pipe_name name;
  const auto expect_both = [&](const char* what) {
    for (auto& got :
         {why(named_pipe::open_or_create(name.str())), why(named_pipe::create(name.str()))}) {
      EXPECT_EQ(got.kind, fault::not_a_channel) << what;
      EXPECT_THAT(got.message, HasSubstr(what));
    }
    struct stat info {};
    EXPECT_EQ(lstat(name.path().c_str(), &info), 0) << what;
    EXPECT_NE(lstat(name.roles_path().c_str(), &info), 0) << what;
  };
  write_file(name.path(), "precious");
  expect_both("a plain file");
  unlink(name.path().c_str());
  ASSERT_EQ(mkdir(name.path().c_str(), 0700), 0);
  expect_both("a directory");
  rmdir(name.path().c_str());
  ASSERT_EQ(symlink("/dev/null", name.path().c_str()), 0);
  expect_both("a symbolic link");
  unlink(name.path().c_str());
  ASSERT_EQ(mkfifo(name.path().c_str(), 0600), 0);
  expect_both("no roles file beside it");
  unlink(name.path().c_str());
  ASSERT_EQ(mknod(name.path().c_str(), S_IFSOCK | 0600, 0), 0);
  expect_both("a socket");
}

TEST(PipeNames, a_pipe_that_comes_and_goes_is_there_or_not_and_never_in_the_way) {
  const scratch_pipe_name name;
  const std::jthread others([&](const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      (void)named_pipe::create(name.str());
      (void)named_pipe::remove(name.str(), true);
    }
  });
  for (int i = 0; i < 20'000; ++i) {
    const auto found = named_pipe::open(name.str());
    if (found) continue;
    ASSERT_EQ(found.error().kind, fault::not_found) << found.error().message;
  }
}

TEST(PipeNames, what_took_the_fifos_place_is_told) {
  scratch_pipe pipe(of(4096));
  unlink(pipe.name().path().c_str());
  write_file(pipe.name().path(), "");
  EXPECT_THAT(why(named_pipe::open(pipe->name())).message, HasSubstr("a plain file"));
  EXPECT_EQ(kind_of(named_pipe::remove(pipe->name())), fault::not_a_channel);
}

TEST(PipeNames, a_roles_file_that_is_none_is_told) {
  const scratch_pipe_name name;
  const auto message_of = [&] { return why(named_pipe::open(name.str())).message; };
  write_file(name.roles_path(), "short");
  EXPECT_THAT(message_of(), HasSubstr("only 5 bytes"));
  write_file(name.roles_path(), std::string(8192, 'x'));
  EXPECT_THAT(message_of(), HasSubstr("magic"));
  unlink(name.roles_path().c_str());
  ASSERT_EQ(symlink("/dev/null", name.roles_path().c_str()), 0);
  EXPECT_THAT(message_of(), HasSubstr("a symbolic link"));
  unlink(name.roles_path().c_str());
  ASSERT_EQ(mkdir(name.roles_path().c_str(), 0700), 0);
  EXPECT_THAT(message_of(), HasSubstr("a directory"));
  rmdir(name.roles_path().c_str());
}

TEST(PipeNames, a_roles_file_that_is_truncated_or_changed_is_told) {
  scratch_pipe pipe(of(4096));
  const auto path = pipe.name().roles_path();
  struct stat info {};
  ASSERT_EQ(stat(path.c_str(), &info), 0);
  ASSERT_EQ(truncate(path.c_str(), info.st_size - 1), 0);
  EXPECT_THAT(why(named_pipe::open(pipe->name())).message, HasSubstr("truncated"));
  EXPECT_EQ(kind_of(named_pipe::remove(pipe->name())), fault::damaged);
  ASSERT_EQ(truncate(path.c_str(), info.st_size), 0);
  EXPECT_TRUE(named_pipe::open(pipe->name()));
  const int file = open(path.c_str(), O_RDWR | O_CLOEXEC);
  const auto poke = [&](off_t at, std::uint32_t value) {
    ASSERT_EQ(pwrite(file, &value, sizeof value, at), 4);
  };
  for (off_t at = 12; at < 72; at += 4) {  // all behind magic and version
    std::uint32_t was = 0;
    ASSERT_EQ(pread(file, &was, sizeof was, at), 4);
    poke(at, ~was);
    EXPECT_EQ(kind_of(named_pipe::open(pipe->name())), fault::damaged) << at;
    poke(at, was);
  }
  poke(8, 99);
  EXPECT_EQ(kind_of(named_pipe::open(pipe->name())), fault::incompatible);
  close(file);
  ASSERT_EQ(truncate(path.c_str(), 100), 0);
  EXPECT_TRUE(named_pipe::remove(pipe->name(), true) ||
              kind_of(named_pipe::open(pipe->name())) == fault::incompatible);
}

TEST(PipeNames, a_pipe_left_half_made_is_mended_by_the_next_to_open_it) {
  scratch_pipe pipe(of(4096));
  unlink(pipe.name().path().c_str());  // as if its maker had died before the FIFO
  EXPECT_EQ(kind_of(named_pipe::create(pipe->name())), fault::already_exists);
  const auto mended = good(named_pipe::open(pipe->name()));
  auto tx = attached<pipe_producer>(mended);
  auto rx = attached<pipe_consumer>(mended);
  ASSERT_EQ(tx.try_push(bytes("whole")), status::ok);
  EXPECT_EQ(next(rx), "whole");
}

TEST(PipeNames, a_lock_that_is_held_holds_up_a_removal_but_not_one_by_force) {
  scratch_pipe pipe(of(4096));
  const auto path = pipe.name().path();
  const int held = open((path + ".roles").c_str(), O_RDWR | O_CLOEXEC);
  ASSERT_TRUE(locks::take(held, locks::maker));
  const auto refused = named_pipe::remove(pipe->name());
  EXPECT_EQ(kind_of(refused), fault::in_use);
  EXPECT_THAT(refused.error().message, ::testing::HasSubstr("by force"));
  EXPECT_EQ(::access(path.c_str(), F_OK), 0);
  EXPECT_TRUE(named_pipe::remove(pipe->name(), true));
  EXPECT_NE(::access(path.c_str(), F_OK), 0);
  EXPECT_NE(::access((path + ".roles").c_str(), F_OK), 0);
  close(held);
}

// Who may open the roles file can do so, and take the FIFO away: a stranger in his own pipe, say,
// which `annulus stat` lists.
TEST(PipeNames, one_half_made_whose_maker_sleeps_is_refused_in_time) {
  scratch_pipe pipe(of(4096));
  const auto path = pipe.name().path();
  const descriptor held(open((path + ".roles").c_str(), O_RDWR | O_CLOEXEC));
  ASSERT_TRUE(locks::take(held.number(), locks::maker));
  ASSERT_EQ(unlink(path.c_str()), 0);
  const auto began = std::chrono::steady_clock::now();
  EXPECT_EQ(kind_of(named_pipe::open(pipe->name())), fault::in_use);
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(30));
}

TEST(PipeNames, many_that_come_at_once_meet_on_one_pipe) {
  const scratch_pipe_name name;
  std::vector<std::jthread> all;
  std::array<ino_t, 8> seen{};
  for (auto& one : seen) {
    all.emplace_back([&] {
      const auto got = good(named_pipe::open_or_create(name.str(), of(4096)));
      struct stat info {};
      EXPECT_EQ(fstat(got.file(), &info), 0);
      one = info.st_ino;
    });
  }
  all.clear();
  for (const auto one : seen) EXPECT_EQ(one, seen[0]);
}

TEST(PipeRights, what_belongs_to_another_is_opened_only_when_asked_for) {
  scratch_pipe pipe(of(4096));
  if (geteuid() != 0) return;  // only root makes files of others
  ASSERT_EQ(chown(pipe.name().path().c_str(), nobody, nobody), 0);
  EXPECT_THAT(why(named_pipe::open(pipe->name())).message, HasSubstr("belongs to user 65534"));
  ASSERT_EQ(chown(pipe.name().path().c_str(), 0, 0), 0);
  ASSERT_EQ(chown(pipe.name().roles_path().c_str(), nobody, nobody), 0);
  EXPECT_EQ(kind_of(named_pipe::open(pipe->name())), fault::no_permission);
  EXPECT_TRUE(named_pipe::open(pipe->name(), ownership::any));
}

TEST(PipeRights, a_pipe_of_another_mode_than_it_was_made_with_is_not_opened) {
  scratch_pipe pipe(of(4096));
  ASSERT_EQ(chmod(pipe.name().path().c_str(), 0622), 0);
  EXPECT_THAT(why(named_pipe::open(pipe->name())).message, HasSubstr("0622"));
  ASSERT_EQ(chmod(pipe.name().path().c_str(), 0600), 0);
  ASSERT_EQ(chmod(pipe.name().roles_path().c_str(), 0666), 0);
  EXPECT_EQ(kind_of(named_pipe::open(pipe->name())), fault::no_permission);
}

TEST(PipeRights, a_user_without_rights_is_refused) {
  if (geteuid() != 0) return;  // only root becomes another
  scratch_pipe pipe(of(4096));
  child other([&] {
    if (setuid(nobody) != 0) return 1;
    const auto got = named_pipe::open(pipe->name());
    return !got && got.error().kind == fault::no_permission ? 0 : 2;
  });
  EXPECT_EQ(other.exit_status(), 0);
}

TEST(PipeRights, without_the_right_to_so_large_a_fifo_less_is_taken_and_told) {
  if (geteuid() != 0) return;  // only root becomes another
  const scratch_pipe_name name;
  child other([&] {
    if (setuid(nobody) != 0) return 1;
    auto pipe = named_pipe::create(name.str(), of(std::uint64_t{1} << 23));
    if (!pipe) return 2;
    const auto seen = inspect(*pipe).value();
    if (seen.kernel_bytes >= seen.options.capacity || seen.most_at_once >= 1 << 22) return 3;
    auto tx = pipe_producer::attach(*pipe).value();
    auto rx = pipe_consumer::attach(*pipe).value();
    if (tx.most_at_once() != seen.most_at_once || tx.max_message() != 1 << 22) return 4;
    const auto largest = pattern(tx.max_message(), 1);
    if (tx.try_push(message(largest)) != status::never_fits) return 5;
    if (tx.try_claim(largest.size()).status() != status::never_fits) return 6;
    if (tx.try_push(message(largest).first(tx.most_at_once())) != status::ok) return 7;
    if (rx.try_read().bytes().size() != tx.most_at_once()) return 8;
    rx.release();
    std::jthread pushes([&] { (void)tx.push(message(largest), no_deadline); });
    const auto read = rx.read(no_deadline);
    return read && copy(read.bytes()) == largest ? 0 : 9;
  });
  EXPECT_EQ(other.exit_status(), 0);
}

}  // namespace
}  // namespace annulus::testing
