// The named pipe beyond the common suite: what is in the way, limits, long messages, hostile bytes.
#include "bytes.hpp"
#include "child.hpp"
#include "pipes.hpp"
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstddef>
#include <fstream>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <annulus/pipe/inspect.hpp>
#include <annulus/pipe/pipe.hpp>
#include <annulus/pipe/wait.hpp>

namespace annulus::testing {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;

constexpr std::size_t a_frame = pipes::most_payload;  // the longest message that is one frame

pipe_options of(std::uint64_t capacity, std::uint32_t producers = 4) {
  pipe_options shape;
  shape.capacity = capacity;
  shape.producers = producers;
  return shape;
}

template <class T>
failure why(result<T> got) {
  if (got) {
    ADD_FAILURE() << "it worked";
    return {fault::system, "it worked"};
  }
  return got.error();
}
template <class T>
fault kind_of(result<T> got) {
  return why(std::move(got)).kind;
}

void write_file(const std::string& path, std::string_view content) {
  const int file = open(path.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
  ASSERT_GE(file, 0);
  ASSERT_EQ(write(file, content.data(), content.size()), static_cast<ssize_t>(content.size()));
  close(file);
}

// What became of the options of a pipe that is made and removed again.
pipe_options good_options(const scratch_pipe_name& name, const pipe_options& asked) {
  const auto got = good(named_pipe::create(name.str(), asked)).options();
  EXPECT_TRUE(named_pipe::remove(name.str()));
  return got;
}

// The next message as text, handed back at once; in brackets, why there is none.
std::string next(pipe_consumer& from) {
  const view seen = from.try_read();
  if (!seen) return "[" + std::string(to_string(seen.status())) + "]";
  auto out = text(seen.bytes());
  from.release();
  return out;
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
  EXPECT_NE(access(name.path().c_str(), F_OK), 0);
  EXPECT_NE(access(name.roles_path().c_str(), F_OK), 0);
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
      EXPECT_EQ(got.kind, fault::not_a_segment) << what;
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
  EXPECT_EQ(kind_of(named_pipe::remove(pipe->name())), fault::not_a_segment);
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

// Waiting.

// What a wait does until `tries` attempts were made and the last was met: t, it tries; s, it
// sleeps.
std::string acts_of(waiting how, int tries) {
  std::string acts;
  pipes::wait_memory own;
  const auto got = pipes::wait_for(
      how, no_deadline, own,
      pipes::waiter{[&] {
                      acts += 't';
                      return --tries > 0 ? status::empty : status::ok;
                    },
                    [] { return true; }, [](status s) { return s; }, [](status s) { return s; },
                    [] { return false; }, [&](std::chrono::nanoseconds) { acts += 's'; }});
  EXPECT_EQ(got, status::ok);
  return acts;
}

// An attempt takes the FIFO's lock, which the other side needs.
TEST(PipeWaiting, tries_once_between_two_sleeps_and_once_before_the_first) {
  const waiting at_once{waiting::kind::block, std::chrono::nanoseconds(0)};
  EXPECT_EQ(acts_of(at_once, 1), "t");
  EXPECT_EQ(acts_of(at_once, 2), "tst");
  EXPECT_EQ(acts_of(at_once, 4), "tststst");
  EXPECT_EQ(acts_of({waiting::kind::nap, {}, std::chrono::nanoseconds(1)}, 3), "ttt");
  EXPECT_EQ(acts_of({waiting::kind::spin}, 3), "ttt");
}

TEST(PipeWaiting, a_napping_consumer_leaves_the_processor_and_reads_what_came) {
  const scratch_pipe_name name;
  const auto pipe = good(named_pipe::create(name.str(), of(1 << 16)));
  auto rx = attached<pipe_consumer>(pipe, {waiting::kind::nap, {}, std::chrono::milliseconds(1)});
  auto tx = attached<pipe_producer>(pipe);
  rusage before{};
  rusage after{};
  getrusage(RUSAGE_THREAD, &before);
  EXPECT_EQ(rx.read(within(std::chrono::milliseconds(5))).status(), status::timed_out);
  getrusage(RUSAGE_THREAD, &after);
  EXPECT_GT(after.ru_nvcsw, before.ru_nvcsw);
  ASSERT_EQ(tx.try_push(bytes("here")), status::ok);
  EXPECT_EQ(text(rx.read(no_deadline).bytes()), "here");
}

// Rights.

constexpr uid_t nobody = 65534;

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

// Cutting and putting together.

TEST(PipeLong, messages_of_every_size_around_the_frames_arrive) {
  for (const std::uint32_t producers : {1u, 4u}) {
    scratch_pipe pipe(of(1 << 17, producers));
    auto tx = attached<pipe_producer>(*pipe);
    auto rx = attached<pipe_consumer>(*pipe);
    for (std::size_t frames = 1; frames <= 8; ++frames) {
      for (std::size_t off = 0; off < 80; ++off) {
        const auto sent = pattern(frames * a_frame + 40 - off, off);
        ASSERT_EQ(tx.try_push(message(sent)), status::ok) << sent.size();
        const view seen = rx.try_read();
        ASSERT_TRUE(seen) << sent.size();
        ASSERT_TRUE(copy(seen.bytes()) == sent) << sent.size();
        rx.release();
      }
    }
    EXPECT_EQ(inspect(*pipe)->depth, 0u);
  }
}

TEST(PipeLong, batches_of_every_size_arrive_whole_wherever_the_fifo_cuts_them) {
  for (const std::uint32_t producers : {1u, 4u}) {
    scratch_pipe pipe(of(1 << 15, producers));
    auto tx = attached<pipe_producer>(*pipe);
    auto rx = attached<pipe_consumer>(*pipe);
    std::uint64_t sent = 0, read = 0;
    const auto check = [&](message m) {
      ASSERT_TRUE(copy(m) == pattern(read * 37 % 1500, read)) << read;
      ++read;
    };
    for (std::uint64_t round = 0; round < 300; ++round) {
      std::vector<octets> content;
      for (std::uint64_t i = 0; i < 60; ++i) {
        content.push_back(pattern((sent + i) * 37 % 1500, sent + i));
      }
      const std::vector<message> many(content.begin(), content.end());
      sent += tx.try_push_batch(many).count;
      rx.drain(check, 1 + round % 50);
    }
    rx.drain(check, 1000);
    EXPECT_EQ(read, sent);
    EXPECT_GT(sent, 5000u);
    EXPECT_EQ(inspect(*pipe)->consumer.counters.corrupt, 0u);
  }
}

TEST(PipeLong, long_messages_of_several_producers_that_mix_arrive_whole_and_in_order) {
  scratch_pipe pipe(of(1 << 16, 3));
  auto rx = attached<pipe_consumer>(*pipe);
  std::vector<std::jthread> all;
  constexpr std::uint64_t each = 60;
  const auto size = [](std::uint64_t from, std::uint64_t n) {
    return 1 + (from * 7 + n * 977) % 30000;
  };
  for (std::uint64_t from = 0; from < 3; ++from) {
    all.emplace_back([&, from, tx = attached<pipe_producer>(*pipe)]() mutable {
      for (std::uint64_t n = 0; n < each; ++n) {
        auto sent = pattern(size(from, n), from * 1000 + n);
        sent[0] = static_cast<std::byte>(from);
        EXPECT_EQ(tx.push(message(sent), no_deadline), status::ok);
      }
    });
  }
  std::array<std::uint64_t, 3> count{};
  for (view seen = rx.read(no_deadline); seen.status() != status::closed;
       seen = rx.read(no_deadline)) {
    ASSERT_TRUE(seen) << to_string(seen.status());
    const auto from = static_cast<std::uint64_t>(seen.bytes()[0]);
    auto expected = pattern(size(from, count.at(from)), from * 1000 + count.at(from));
    expected[0] = static_cast<std::byte>(from);
    ++count.at(from);
    ASSERT_TRUE(copy(seen.bytes()) == expected);
    rx.release();
  }
  for (const auto one : count) EXPECT_EQ(one, each);
}

TEST(PipeLong, a_message_longer_than_the_fifo_streams_through) {
  scratch_pipe pipe(of(1 << 21, 2));
  ASSERT_EQ(fcntl(pipe->file(), F_SETPIPE_SZ, 1 << 16), 1 << 16);
  auto tx = attached<pipe_producer>(*pipe);
  auto rx = attached<pipe_consumer>(*pipe);
  const auto sent = pattern(tx.max_message(), 1);
  std::jthread pushes([&] { EXPECT_EQ(tx.push(message(sent), no_deadline), status::ok); });
  const view seen = rx.read(no_deadline);
  ASSERT_TRUE(seen);
  EXPECT_TRUE(copy(seen.bytes()) == sent);
}

TEST(PipeLong, an_abandoned_message_is_never_read_and_what_follows_is) {
  for (const std::uint32_t producers : {1u, 2u}) {
    scratch_pipe pipe(of(1 << 14, producers));
    auto tx = attached<pipe_producer>(*pipe);
    auto rx = attached<pipe_consumer>(*pipe);
    const auto filler = pattern(a_frame, 1);
    ASSERT_EQ(tx.try_push(message(filler)), status::ok);
    ASSERT_EQ(tx.try_push(message(filler)), status::ok);
    ASSERT_EQ(tx.try_push(message(filler)), status::ok);
    const auto large = pattern(8000, 2);  // one page of two is there
    EXPECT_EQ(tx.try_push(message(large)), status::full);
    EXPECT_EQ(tx.push(message(large), within(milliseconds(2))), status::timed_out);
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(next(rx) == text(filler)) << i;
    EXPECT_EQ(next(rx), "[empty]");
    ASSERT_EQ(tx.try_push(bytes("next")), status::ok);
    EXPECT_EQ(next(rx), "next");
    EXPECT_EQ(next(rx), "[empty]");
    EXPECT_EQ(inspect(*pipe)->consumer.counters.recovered, 0u);
    EXPECT_EQ(inspect(*pipe)->depth, 0u);
  }
}

TEST(PipeLong, wherever_a_message_is_given_up_what_stands_around_it_is_whole) {
  for (const std::uint32_t producers : {1u, 2u}) {
    scratch_pipe pipe(of(1 << 14, producers));
    auto rx = attached<pipe_consumer>(*pipe);
    const auto large = pattern(4500, 2);  // its last frame would fit where its first does not
    for (std::size_t before = 0; before < 80; ++before) {
      auto tx = attached<pipe_producer>(*pipe, {waiting::kind::yield, {}});
      std::uint64_t sent = 0;
      for (std::size_t i = 0; i < before; ++i)
        sent += tx.try_push(bytes("0123456789")) == status::ok;
      const auto filler = pattern(150, 1);
      for (std::size_t i = 0; i < before; ++i) sent += tx.try_push(message(filler)) == status::ok;
      sent += tx.push(message(large), within(std::chrono::microseconds(50))) == status::ok;
      std::uint64_t read = 0;
      batch last;
      while ((last = rx.drain([&](message) { ++read; }, 7)).count > 0) {
      }
      ASSERT_EQ(last.why, status::empty) << before;
      ASSERT_EQ(read, sent) << before;
    }
    EXPECT_EQ(inspect(*pipe)->consumer.counters.corrupt, 0u);
  }
}

TEST(PipeLong, a_try_that_may_not_find_room_for_all_writes_nothing) {
  scratch_pipe pipe(of(1 << 15, 2));
  auto tx = attached<pipe_producer>(*pipe);
  const auto half_a_page = pattern(2100, 1);  // of which a page holds one
  for (int i = 0; i < 6; ++i) ASSERT_EQ(tx.try_push(message(half_a_page)), status::ok);
  const auto before = inspect(*pipe)->depth;
  EXPECT_EQ(tx.try_push(message(pattern(3 * a_frame, 2))), status::full);
  EXPECT_EQ(tx.push(message(pattern(3 * a_frame, 2)), deadline{}), status::timed_out);
  EXPECT_EQ(tx.try_claim(3 * a_frame).status(), status::full);
  EXPECT_EQ(tx.claim(3 * a_frame, within(milliseconds(3))).status(), status::timed_out);
  EXPECT_EQ(inspect(*pipe)->depth, before);
}

// A frame of a producer's, made by hand.
octets frame_of(const named_pipe& of, pipes::frame_header header, message payload) {
  header.payload_bytes = static_cast<std::uint16_t>(payload.size());
  header.bytes = static_cast<std::uint16_t>(pipes::frame_bytes(payload.size()));
  octets out(header.bytes);
  std::ranges::copy(payload, out.begin() + pipes::header_bytes);
  pipes::write_header(out.data(), header, of.geometry().seal);
  return out;
}

void put(const named_pipe& to, const octets& what) {
  ASSERT_EQ(write(to.file(), what.data(), what.size()), static_cast<ssize_t>(what.size()));
}

// The first frame of a long message of the producer that is attached as number 0.
void begin_long(const named_pipe& to, message payload) {
  pipes::frame_header header;
  header.incarnation = 1;
  header.sequence = 7;
  put(to, frame_of(to, header, payload));
}

TEST(PipeLong, a_live_producer_in_the_middle_is_named_and_others_are_read_past_it) {
  scratch_pipe pipe(of(1 << 14, 2));
  auto slow = attached<pipe_producer>(*pipe);
  auto tx = attached<pipe_producer>(*pipe);
  auto rx = attached<pipe_consumer>(*pipe);
  begin_long(*pipe, bytes("half"));
  EXPECT_EQ(next(rx), "[stalled]");
  ASSERT_TRUE(rx.stalled_by());
  EXPECT_EQ(rx.stalled_by()->producer, 0u);
  EXPECT_EQ(rx.stalled_by()->pid, getpid());
  EXPECT_EQ(inspect(*pipe)->stalled_by->producer, 0u);
  EXPECT_EQ(rx.read(within(milliseconds(3))).status(), status::stalled);
  ASSERT_EQ(tx.try_push(bytes("past")), status::ok);
  EXPECT_EQ(next(rx), "past");
  const auto held = inspect(*pipe)->depth;
  EXPECT_GT(held, 0u);  // for a successor
  slow.close();
  EXPECT_EQ(next(rx), "[empty]");
  EXPECT_FALSE(rx.stalled_by());
  EXPECT_EQ(inspect(*pipe)->depth, 0u);
  EXPECT_EQ(inspect(*pipe)->consumer.counters.recovered, 1u);
}

TEST(PipeLong, a_successor_neither_repeats_what_was_released_nor_loses_what_was_not) {
  scratch_pipe pipe(of(1 << 14, 2));
  const auto slow = attached<pipe_producer>(*pipe);
  auto tx = attached<pipe_producer>(*pipe);
  begin_long(*pipe, bytes("half"));
  {
    auto rx = attached<pipe_consumer>(*pipe);
    ASSERT_EQ(tx.try_push(bytes("released")), status::ok);
    EXPECT_EQ(next(rx), "released");
    ASSERT_EQ(tx.try_push(bytes("read")), status::ok);
    EXPECT_EQ(text(rx.try_read().bytes()), "read");
  }
  auto rx = attached<pipe_consumer>(*pipe);
  EXPECT_EQ(next(rx), "read");
  EXPECT_EQ(next(rx), "[stalled]");
  pipes::frame_header rest;
  rest.incarnation = 1;
  rest.sequence = 7;
  rest.offset = 4;
  rest.is_last = 1;
  put(*pipe, frame_of(*pipe, rest, bytes("+half")));
  EXPECT_EQ(next(rx), "half+half");
  EXPECT_EQ(inspect(*pipe)->depth, 0u);
}

// `again`: the first consumer died after it had kept the bytes, and before it took them.
void lose_the_consumer_of_a_full_fifo(bool again) {
  scratch_pipe pipe(of(1 << 12, 2));
  const auto slow = attached<pipe_producer>(*pipe);
  const auto first = pattern(1000, 1);
  begin_long(*pipe, first);
  auto tx = attached<pipe_producer>(*pipe);
  const auto one = pattern(900, 2);
  while (tx.try_push(message(one)) == status::ok) {
  }
  {
    auto rx = attached<pipe_consumer>(*pipe);
    while (next(rx) == text(one)) {
    }
    EXPECT_EQ(inspect(*pipe)->depth, 0u);
    if (again) begin_long(*pipe, first);
    ASSERT_EQ(tx.try_push(message(one)), status::ok);
  }
  auto rx = attached<pipe_consumer>(*pipe);
  pipes::frame_header rest;
  rest.incarnation = 1;
  rest.sequence = 7;
  rest.offset = first.size();
  rest.is_last = 1;
  put(*pipe, frame_of(*pipe, rest, bytes("and the rest")));
  EXPECT_TRUE(next(rx) == text(one));
  EXPECT_TRUE(next(rx) == text(first) + "and the rest");
  EXPECT_EQ(next(rx), "[empty]");
}

TEST(PipeLong, what_had_to_be_taken_out_of_a_full_fifo_is_not_lost_with_its_consumer) {
  lose_the_consumer_of_a_full_fifo(false);
  lose_the_consumer_of_a_full_fifo(true);
}

TEST(PipeLong, the_unfinished_message_of_the_dead_is_dropped_and_counted_once) {
  scratch_pipe pipe(of(1 << 14, 2));
  {
    lingering slow([&] { return attached<pipe_producer>(*pipe); });
    begin_long(*pipe, bytes("half"));
    slow.kill();
  }
  auto tx = attached<pipe_producer>(*pipe);  // takes the number of the dead
  auto rx = attached<pipe_consumer>(*pipe);
  ASSERT_EQ(tx.try_push(bytes("mine")), status::ok);
  EXPECT_EQ(next(rx), "mine");
  EXPECT_EQ(next(rx), "[empty]");
  EXPECT_EQ(inspect(*pipe)->consumer.counters.recovered, 1u);
  tx.close();
  EXPECT_EQ(rx.read(no_deadline).status(), status::closed);
}

// Claims.

TEST(PipeClaims, a_commit_without_room_or_consumer_is_owed_and_goes_out_first) {
  scratch_pipe pipe(of(1 << 12, 2));
  auto tx = attached<pipe_producer>(*pipe);
  auto other = attached<pipe_producer>(*pipe);
  auto claim = tx.try_claim(2000);
  ASSERT_TRUE(claim);
  const auto mine = pattern(2000, 1);
  const auto theirs = pattern(2000, 2);
  std::ranges::copy(mine, claim.bytes().begin());
  ASSERT_EQ(other.try_push(message(theirs)), status::ok);
  ASSERT_EQ(other.try_push(message(theirs)), status::ok);
  claim.commit();
  EXPECT_TRUE(tx.owes());
  EXPECT_EQ(tx.try_push(bytes("behind")), status::full);
  auto rx = attached<pipe_consumer>(*pipe);
  EXPECT_TRUE(next(rx) == text(theirs));
  EXPECT_TRUE(next(rx) == text(theirs));
  ASSERT_EQ(tx.try_push(bytes("behind")), status::ok);
  EXPECT_FALSE(tx.owes());
  EXPECT_TRUE(next(rx) == text(mine));
  EXPECT_EQ(next(rx), "behind");
}

// What lives how long.

TEST(PipeLife, what_is_in_the_pipe_survives_the_consumer_while_a_producer_lives) {
  const scratch_pipe_name name;
  auto tx = attached<pipe_producer>(good(named_pipe::create(name.str(), of(1 << 14))));
  ASSERT_EQ(tx.try_push(bytes("a")), status::ok);
  ASSERT_EQ(tx.try_push(bytes("b")), status::ok);
  lingering reader([&] {
    auto rx = attached<pipe_consumer>(good(named_pipe::open(name.str())));
    EXPECT_EQ(next(rx), "a");
    EXPECT_TRUE(rx.try_read());
    return rx;
  });
  reader.kill();
  EXPECT_EQ(tx.peer(), presence::died);
  auto rx = attached<pipe_consumer>(good(named_pipe::open(name.str())));
  EXPECT_EQ(next(rx), "b");
  EXPECT_EQ(next(rx), "[empty]");
}

TEST(PipeLife, a_pipe_that_everybody_left_dead_is_taken_up_again) {
  const scratch_pipe_name name;
  {
    lingering both([&] {
      const auto pipe = good(named_pipe::create(name.str(), of(1 << 14, 1)));
      auto tx = attached<pipe_producer>(pipe);
      EXPECT_EQ(tx.try_push(bytes("gone with them")), status::ok);
      return std::pair(std::move(tx), attached<pipe_consumer>(pipe));
    });
    both.kill();
  }
  const auto pipe = good(named_pipe::open(name.str()));
  EXPECT_EQ(inspect(pipe)->consumer.state, presence::died);
  auto tx = attached<pipe_producer>(pipe);
  auto rx = attached<pipe_consumer>(pipe);
  EXPECT_EQ(next(rx), "[empty]");
  ASSERT_EQ(tx.try_push(bytes("anew")), status::ok);
  EXPECT_EQ(next(rx), "anew");
}

TEST(PipeLife, a_wait_ends_when_the_peer_dies) {
  scratch_pipe pipe(of(1 << 12));
  {
    lingering producer([&] { return attached<pipe_producer>(*pipe); });
    auto rx = attached<pipe_consumer>(*pipe);
    std::jthread reaper([&] { producer.kill(); });
    EXPECT_EQ(rx.read(no_deadline).status(), status::peer_gone);
  }
  lingering consumer([&] { return attached<pipe_consumer>(*pipe); });
  auto tx = attached<pipe_producer>(*pipe);
  while (tx.try_push(bytes("fill")) == status::ok) {
  }
  std::jthread reaper([&] { consumer.kill(); });
  EXPECT_EQ(tx.push(bytes("more"), no_deadline), status::peer_gone);
}

TEST(PipeLife, no_push_raises_sigpipe) {
  const scratch_pipe_name name;
  child pushing([&] {
    signal(SIGPIPE, SIG_DFL);
    auto pipe = std::optional(good(named_pipe::create(name.str(), of(1 << 12))));
    auto tx = attached<pipe_producer>(*pipe);
    { const auto rx = attached<pipe_consumer>(*pipe); }
    pipe.reset();  // now no other end is open
    return tx.try_push(bytes("x")) == status::ok ? 0 : 1;
  });
  EXPECT_EQ(pushing.exit_status(), 0);
}

TEST(PipeLife, the_audit_trail_says_who_came_who_closed_and_who_was_found_dead) {
  scratch_pipe pipe(of(1 << 12));
  { const auto rx = attached<pipe_consumer>(*pipe); }
  pid_t dead = 0;
  {
    lingering producer([&] { return attached<pipe_producer>(*pipe); });
    dead = producer.pid();
    producer.kill();
  }
  const auto tx = attached<pipe_producer>(*pipe);
  const auto trail = inspect(*pipe)->audit_log;
  ASSERT_EQ(trail.size(), 5u);
  using kind = pipe_event::kind;
  const std::array<kind, 5> acts{kind::attached, kind::closed, kind::attached, kind::found_dead,
                                 kind::attached};
  const std::array<pid_t, 5> pids{getpid(), getpid(), dead, dead, getpid()};
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(trail[i].what, acts[i]) << i;
    EXPECT_EQ(trail[i].pid, pids[i]) << i;
    EXPECT_EQ(trail[i].uid, geteuid()) << i;
    EXPECT_EQ(trail[i].is_consumer, i < 2) << i;
  }
  for (int i = 0; i < 300; ++i) (void)attached<pipe_consumer>(*pipe);
  EXPECT_EQ(inspect(*pipe)->audit_log.size(), 256u);
  EXPECT_EQ(inspect(*pipe)->consumer.incarnation, 301u);
}

TEST(PipeLife, counters_tell_what_happened) {
  scratch_pipe pipe(of(1 << 12));
  auto tx = attached<pipe_producer>(*pipe);
  auto rx = attached<pipe_consumer>(*pipe);
  while (tx.try_push(bytes("12345678")) == status::ok) {
  }
  EXPECT_EQ(tx.push_or_drop(bytes("x")), status::full);
  const auto read = rx.drain([](message) {}, 10000).count;
  const auto seen = *inspect(*pipe);
  EXPECT_EQ(seen.producers[0].counters.messages, read);
  EXPECT_EQ(seen.producers[0].counters.bytes, 8 * read);
  EXPECT_EQ(seen.producers[0].counters.refused, 1u);
  EXPECT_EQ(seen.producers[0].counters.dropped, 1u);
  EXPECT_EQ(seen.consumer.counters.messages, read);
  EXPECT_EQ(seen.consumer.counters.high_water, read * pipes::frame_bytes(8));
}

// Hostile bytes.

TEST(PipeHostile, a_frame_that_goes_on_behind_the_end_is_no_frame) {
  scratch_pipe pipe(of(1 << 14));
  auto tx = attached<pipe_producer>(*pipe);
  auto rx = attached<pipe_consumer>(*pipe);
  pipes::frame_header header;
  header.incarnation = 1;
  header.sequence = 1;
  header.is_last = 1;
  auto frame = frame_of(*pipe, header, pattern(500, 1));
  frame.resize(300);
  put(*pipe, frame);
  EXPECT_EQ(next(rx), "[corrupt]");
  ASSERT_TRUE(rx.last_damage());
  EXPECT_EQ(rx.last_damage()->bytes, 300u);
  ASSERT_EQ(tx.try_push(bytes("next")), status::ok);
  EXPECT_EQ(next(rx), "next");
}

TEST(PipeHostile, a_forged_long_message_ends_at_the_limit) {
  auto shape = of(1 << 16);
  shape.max_message = 5000;
  scratch_pipe pipe(shape);
  const auto tx = attached<pipe_producer>(*pipe);
  auto rx = attached<pipe_consumer>(*pipe);
  pipes::frame_header header;
  header.incarnation = 1;
  header.sequence = 1;
  for (std::uint64_t i = 0; i < 8; ++i) {
    header.offset = i * 1000;
    put(*pipe, frame_of(*pipe, header, pattern(1000, i)));
  }
  EXPECT_EQ(next(rx), "[empty]");
  EXPECT_EQ(inspect(*pipe)->consumer.counters.corrupt, 1u);
  EXPECT_EQ(inspect(*pipe)->depth, 0u);
}

TEST(PipeHostile, a_message_with_a_hole_is_never_read) {
  scratch_pipe pipe(of(1 << 14));
  auto tx = attached<pipe_producer>(*pipe);
  auto rx = attached<pipe_consumer>(*pipe);
  begin_long(*pipe, bytes("beginning"));
  pipes::frame_header end;
  end.incarnation = 1;
  end.sequence = 7;
  end.offset = 5000;
  end.is_last = 1;
  put(*pipe, frame_of(*pipe, end, bytes("end")));
  EXPECT_EQ(next(rx), "[empty]");
  EXPECT_EQ(inspect(*pipe)->consumer.counters.corrupt, 1u);
  EXPECT_EQ(inspect(*pipe)->depth, 0u);
}

TEST(PipeHostile, messages_that_somebody_else_took_are_missed_and_the_rest_is_read) {
  scratch_pipe pipe(of(1 << 14));
  auto tx = attached<pipe_producer>(*pipe);
  auto rx = attached<pipe_consumer>(*pipe);
  ASSERT_EQ(tx.try_push(bytes("stolen in part")), status::ok);
  ASSERT_EQ(tx.try_push(bytes("whole")), status::ok);
  std::array<char, 20> loot{};
  ASSERT_EQ(read(pipe->file(), loot.data(), loot.size()), 20);
  EXPECT_EQ(next(rx), "[corrupt]");
  EXPECT_EQ(next(rx), "whole");
  EXPECT_EQ(next(rx), "[empty]");
}

// Says, in place of a consumer that died, that so much of producer 0's message was kept.
void forge_kept(const named_pipe& of, std::uint64_t count) {
  const auto held = good(pipes::roles::map(of.roles_file(), of.geometry(), false, of.name()));
  auto& words = held.producer(0);
  words.kept_sequence.store<pipes::edge::own>(7, std::memory_order_relaxed);
  words.kept_incarnation.store<pipes::edge::own>(1, std::memory_order_relaxed);
  words.kept_bytes.store<pipes::edge::kept>(count, std::memory_order_release);
}

// What the next consumer reads when the kept bytes are said to be so many, and the rest comes.
std::string after_recall(std::uint64_t count, std::uint64_t hole_at, std::uint64_t capacity) {
  scratch_pipe pipe(of(capacity, 2));
  const auto slow = attached<pipe_producer>(*pipe);
  struct stat info {};
  EXPECT_EQ(fstat(pipe->roles_file(), &info), 0);
  const auto room = info.st_size;  // of producer 0: the first behind the words
  EXPECT_EQ(ftruncate(pipe->roles_file(), room + static_cast<off_t>(count)), 0);
  for (std::uint64_t at = 0; at < std::min<std::uint64_t>(count, 16 * pipes::page_bytes);
       at += pipes::page_bytes) {
    const auto some = std::min<std::uint64_t>(pipes::page_bytes, count - at);
    if (at == hole_at) continue;
    EXPECT_EQ(pwrite(pipe->roles_file(), std::string(some, 'k').data(), some,
                     room + static_cast<off_t>(at)),
              static_cast<ssize_t>(some));
  }
  forge_kept(*pipe, count);
  auto rx = attached<pipe_consumer>(*pipe);
  pipes::frame_header rest;
  rest.incarnation = 1;
  rest.sequence = 7;
  rest.offset = count;
  rest.is_last = 1;
  put(*pipe, frame_of(*pipe, rest, bytes("rest")));
  return next(rx);
}

TEST(PipeHostile, what_is_said_to_be_kept_is_taken_up_only_if_all_of_it_stands_in_the_file) {
  constexpr auto page = std::uint64_t{pipes::page_bytes};
  constexpr auto nowhere = UINT64_MAX;
  EXPECT_EQ(after_recall(4 * page, nowhere, 1 << 20), std::string(4 * page, 'k') + "rest");
  EXPECT_EQ(after_recall(4 * page - 9, nowhere, 1 << 20), std::string(4 * page - 9, 'k') + "rest");
  EXPECT_EQ(after_recall(4 * page, 0, 1 << 20), "[empty]");
  EXPECT_EQ(after_recall(4 * page, 3 * page, 1 << 20), "[empty]");
  // More than this machine has, in a file that costs nothing; and more than a message may have.
  EXPECT_EQ(after_recall(std::uint64_t{1} << 37, nowhere, std::uint64_t{1} << 38), "[empty]");
  EXPECT_EQ(after_recall((1 << 19) + 1, nowhere, 1 << 20), "[empty]");
}

// No more memory from here on than so much beyond what there is.
void allow_only(std::uint64_t more) {
  std::ifstream from("/proc/self/status");
  std::uint64_t kib = 0;
  for (std::string word; from >> word;) {
    if (word == "VmData:") from >> kib;
  }
  const rlimit most{kib * 1024 + more, RLIM_INFINITY};
  if (kib == 0 || setrlimit(RLIMIT_DATA, &most) != 0) std::abort();
}

// Not under sanitizers, whose own memory the limit would take: CMakePresets.json leaves it out.
TEST(PipeHostile, a_long_message_that_finds_no_memory_is_told_as_damage_and_what_follows_is_read) {
  const auto shape = of(std::uint64_t{1} << 28, 2);
  const auto outcome = [&](std::uint64_t memory) {
    scratch_pipe pipe(shape);
    auto tx = attached<pipe_producer>(*pipe);
    child reader([&] {
      auto rx = attached<pipe_consumer>(*pipe);
      allow_only(memory);
      const view first = rx.read(within(std::chrono::seconds(20)));
      const auto answer = first.status();
      if (answer == status::ok && first.bytes().size() != 96u << 20) return 1;
      if (answer != status::ok && !rx.last_damage()) return 2;
      rx.release();
      return text(rx.read(within(std::chrono::seconds(20))).bytes()) == "next"
                 ? 10 + static_cast<int>(answer)
                 : 3;
    });
    const std::vector<std::byte> large(96u << 20);
    EXPECT_EQ(tx.push(message(large), within(std::chrono::seconds(20))), status::ok);
    EXPECT_EQ(tx.push(bytes("next"), within(std::chrono::seconds(20))), status::ok);
    return reader.exit_status() - 10;
  };
  EXPECT_EQ(outcome(std::uint64_t{1} << 30), static_cast<int>(status::ok));
  EXPECT_EQ(outcome(std::uint64_t{1} << 24), static_cast<int>(status::corrupt));
}

TEST(PipeHostile, no_flipped_bit_of_a_header_is_taken_for_it) {
  scratch_pipe pipe(of(1 << 14));
  pipes::frame_header header;
  header.incarnation = 1;
  header.sequence = 1;
  header.is_last = 1;
  const auto whole = frame_of(*pipe, header, bytes("payload"));
  const auto seal = pipe->geometry().seal;
  ASSERT_TRUE(pipes::read_header(whole.data(), seal, 4, header));
  EXPECT_FALSE(pipes::read_header(whole.data(), seal ^ 1, 4, header));
  for (std::size_t bit = 0; bit < 8 * pipes::header_bytes; ++bit) {
    auto flipped = whole;
    flipped[bit / 8] ^= static_cast<std::byte>(1 << bit % 8);
    EXPECT_FALSE(pipes::read_header(flipped.data(), seal, 4, header)) << bit;
  }
}

// Between whole messages anybody may write anything: bytes of his own, or frames with flipped bits.
RC_GTEST_PROP(PipeHostile, every_message_between_foreign_bytes_is_read_and_nothing_else, ()) {
  scratch_pipe pipe(of(1 << 17));
  auto tx = attached<pipe_producer>(*pipe);
  auto rx = attached<pipe_consumer>(*pipe);
  std::vector<octets> expected, seen;
  std::uint64_t damaged = 0;
  const auto steps = *rc::gen::inRange(1, 30);
  for (int i = 0; i < steps; ++i) {
    const auto size = *rc::gen::inRange<std::size_t>(0, 3000);
    const auto what = pattern(size, static_cast<std::uint64_t>(i));
    switch (*rc::gen::inRange(0, 4)) {
      case 0: {
        auto noise =
            *rc::gen::container<std::vector<std::uint8_t>>(rc::gen::arbitrary<std::uint8_t>());
        if (noise.empty()) break;
        put(*pipe, copy(std::as_bytes(std::span(noise))));
        ++damaged;
        break;
      }
      case 1: {
        pipes::frame_header header;
        header.incarnation = 1;
        header.sequence = 1'000'000;
        header.is_last = 1;
        auto frame = frame_of(*pipe, header, what);
        const auto bit = *rc::gen::inRange<std::size_t>(0, 8 * pipes::header_bytes);
        frame[bit / 8] ^= static_cast<std::byte>(1 << bit % 8);
        put(*pipe, frame);
        ++damaged;
        break;
      }
      default: RC_ASSERT(tx.try_push(message(what)) == status::ok); expected.push_back(what);
    }
    if (*rc::gen::inRange(0, 3) != 0) continue;
    for (view one = rx.try_read(); one.status() != status::empty; one = rx.try_read()) {
      if (one) seen.push_back(copy(one.bytes()));
    }
    rx.release();
  }
  for (view one = rx.try_read(); one.status() != status::empty; one = rx.try_read()) {
    if (one) seen.push_back(copy(one.bytes()));
  }
  rx.release();
  RC_ASSERT(seen == expected);
  RC_ASSERT(inspect(*pipe)->depth == 0u);
  RC_ASSERT(rx.last_damage().has_value() == (damaged > 0));
}

// Frames with good checks, in any order and with any numbers: what a peer gone mad can write.
RC_GTEST_PROP(PipeHostile, no_order_of_good_frames_leads_out_of_bounds_or_into_a_loop, ()) {
  auto shape = of(1 << 16, 2);
  shape.max_message = *rc::gen::inRange<std::uint64_t>(1, 9000);
  scratch_pipe pipe(shape);
  auto rx = attached<pipe_consumer>(*pipe);
  const auto steps = *rc::gen::inRange(1, 40);
  for (int i = 0; i < steps; ++i) {
    pipes::frame_header header;
    header.producer = *rc::gen::inRange<std::uint16_t>(0, 3);
    header.incarnation = *rc::gen::inRange<std::uint32_t>(0, 3);
    header.sequence = *rc::gen::inRange<std::uint64_t>(0, 5);
    header.is_last = *rc::gen::inRange<std::uint16_t>(0, 2);
    header.offset = *rc::gen::element<std::uint64_t>(0, 0, 100, 200, 300, ~std::uint64_t{0});
    put(*pipe, frame_of(*pipe, header, pattern(*rc::gen::element<std::size_t>(0, 100), 1)));
    if (*rc::gen::inRange(0, 4) != 0) continue;
    for (int reads = 0; rx.try_read().status() != status::empty; ++reads) RC_ASSERT(reads < 100);
    rx.release();
  }
  for (int reads = 0; rx.try_read().status() != status::empty; ++reads) RC_ASSERT(reads < 100);
  rx.release();
  (void)rx.try_read();
  RC_ASSERT(inspect(*pipe)->depth == 0u);
}

// Cost.

// How many system calls `work` makes with a role, in a process of its own that attached it: the
// kernel stops it at each.
template <class Attach, class Work>
long system_calls(Attach attach, Work work) {
  const pid_t traced = fork();
  if (traced == 0) {
    auto role = attach();
    ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
    raise(SIGSTOP);
    work(role);
    _exit(0);
  }
  int status = 0;
  long stops = 0;
  waitpid(traced, &status, 0);
  ptrace(PTRACE_SETOPTIONS, traced, nullptr, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
  for (;;) {
    ptrace(PTRACE_SYSCALL, traced, nullptr, nullptr);
    if (waitpid(traced, &status, 0) != traced || !WIFSTOPPED(status)) break;
    if (WSTOPSIG(status) == (SIGTRAP | 0x80)) ++stops;
  }
  return stops / 2;  // its entry and its return; the exit has no return
}

TEST(PipeCost, a_batch_of_a_lone_producer_is_one_system_call_and_a_push_is_one) {
  scratch_pipe pipe(of(1 << 20, 1));
  const auto one = pattern(128, 1);
  const std::vector<message> many(1000, message(one));
  const auto calls = [&](auto work) {
    return system_calls([&] { return attached<pipe_producer>(*pipe); }, work);
  };
  const auto nothing = calls([](auto&) {});
  EXPECT_EQ(calls([&](auto& tx) { (void)tx.try_push_batch(many); }) - nothing, 1);
  EXPECT_EQ(calls([&](auto& tx) { (void)tx.push_batch(many, no_deadline); }) - nothing, 1);
  EXPECT_EQ(calls([&](auto& tx) { (void)tx.try_push(message(one)); }) - nothing, 1);
  EXPECT_EQ(calls([&](auto& tx) {
              for (int i = 0; i < 9; ++i) (void)tx.push(message(one), no_deadline);
            }) - nothing,
            9);
}

TEST(PipeCost, a_batch_of_one_of_several_is_one_system_call_for_each_block) {
  scratch_pipe pipe(of(1 << 20, 4));
  const auto one = pattern(128, 1);
  const std::vector<message> many(100, message(one));  // 25 to a block
  const auto calls = [&](auto work) {
    return system_calls([&] { return attached<pipe_producer>(*pipe); }, work);
  };
  const auto nothing = calls([](auto&) {});
  EXPECT_EQ(calls([&](auto& tx) { (void)tx.try_push_batch(many); }) - nothing, 4);
}

TEST(PipeCost, reading_and_releasing_a_batch_is_three_system_calls) {
  scratch_pipe pipe(of(1 << 20, 1));
  auto tx = attached<pipe_producer>(*pipe);
  const auto one = pattern(128, 1);
  const std::vector<message> many(100, message(one));
  ASSERT_EQ(tx.try_push_batch(many).count, 100u);
  const auto calls = [&](auto work) {
    return system_calls([&] { return attached<pipe_consumer>(*pipe); }, work);
  };
  const auto nothing = calls([](auto&) {});
  EXPECT_EQ(calls([&](auto& rx) { (void)rx.drain([](message) {}, 100); }) - nothing, 3);
}

}  // namespace
}  // namespace annulus::testing
