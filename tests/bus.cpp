// Endpoints by name: options, the choice, where both sides of an auto: name meet, what stands in
// the way, what is left behind.
#include "bytes.hpp"
#include "endpoints.hpp"
#include "processes.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <fstream>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include <annulus/bus/channel.hpp>
#include <annulus/bus/rendezvous.hpp>

namespace annulus::testing {
namespace {

using namespace std::chrono_literals;
using bus::parse;
using bus::transport;
using processes::gate;
using processes::shared;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

bool is_there(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

// Names and options.

TEST(BusName, has_a_transport_and_a_name) {
  const auto shm = opened(parse("shm:orders"));
  EXPECT_EQ(shm.transport, bus::transport::shm);
  EXPECT_EQ(shm.name, "orders");
  EXPECT_EQ(opened(parse("pipe:/tmp/x?wait=spin")).name, "/tmp/x");
  EXPECT_EQ(opened(parse("pipe:x")).transport, bus::transport::pipe);
  EXPECT_EQ(opened(parse("auto:x")).transport, bus::transport::automatic);
  EXPECT_EQ(to_string(opened(parse("auto:x?rate=1"))), "auto:x");
}

TEST(BusName, without_options_means_the_defaults) {
  const auto e = opened(parse("shm:x"));
  EXPECT_FALSE(e.capacity || e.max_message || e.producers || e.integrity);
  EXPECT_EQ(e.mode, 0600u);
  EXPECT_TRUE(e.creates);
  EXPECT_EQ(e.owner, ownership::own_or_root);
  EXPECT_EQ(e.wait.how, waiting::kind::block);
  EXPECT_EQ(e.wait.spin_for, 20us);
  EXPECT_EQ(e.wait.nap_for, 1ms);
  EXPECT_EQ(e.wait.longest_sleep, 1s);
  EXPECT_FALSE(e.once || e.needs.portable || e.needs.guarded);
  EXPECT_FALSE(e.needs.latency || e.needs.rate);
}

TEST(BusName, every_option_is_heeded) {
  const auto e = opened(parse(
      "auto:x?capacity=64KiB&max_message=1000&producers=7&mode=0660&integrity=crc32c&"
      "create=no&owner=any&wait=nap&spin=5us&nap=2ms&sleep=20ms&once=yes&portable=yes&latency=50us&"
      "rate=20000&guarded=yes"));
  EXPECT_EQ(e.capacity, 65536u);
  EXPECT_EQ(e.max_message, 1000u);
  EXPECT_EQ(e.producers, 7u);
  EXPECT_EQ(e.mode, 0660u);
  EXPECT_EQ(e.integrity, integrity::crc32c);
  EXPECT_FALSE(e.creates);
  EXPECT_EQ(e.owner, ownership::any);
  EXPECT_EQ(e.wait.how, waiting::kind::nap);
  EXPECT_EQ(e.wait.spin_for, 5us);
  EXPECT_EQ(e.wait.nap_for, 2ms);
  EXPECT_EQ(e.wait.longest_sleep, 20ms);
  EXPECT_TRUE(e.once && e.needs.portable && e.needs.guarded);
  EXPECT_EQ(e.needs.latency, 50us);
  EXPECT_EQ(e.needs.rate, 20'000u);
  for (const auto* kind : {"spin", "yield", "block", "nap"}) {
    EXPECT_EQ(to_string(opened(parse(std::string("pipe:x?wait=") + kind)).wait.how), kind);
  }
}

TEST(BusName, every_option_is_held_to_its_limits) {
  for (const auto* good :
       {"shm:x?producers=1", "shm:x?producers=1024", "shm:x?mode=0600", "shm:x?mode=0666",
        "shm:x?mode=600", "auto:x?rate=0", "auto:x?rate=18446744073709551615", "auto:x?latency=0",
        "shm:x?integrity=structure", "shm:x?owner=own", "shm:x?once=no", "shm:x?"}) {
    EXPECT_TRUE(parse(good)) << good;
  }
  for (const auto* bad : {"shm:x?producers=0",      "shm:x?producers=1025",
                          "shm:x?producers=-1",     "shm:x?producers=",
                          "shm:x?producers=4x",     "shm:x?mode=0667",
                          "shm:x?mode=0400",        "shm:x?mode=0200",
                          "shm:x?mode=08",          "shm:x?mode=01600",
                          "shm:x?capacity=",        "shm:x?capacity=-1",
                          "shm:x?capacity=1.5M",    "shm:x?capacity=18446744073709551616",
                          "shm:x?max_message=much", "shm:x?integrity=crc",
                          "shm:x?create=maybe",     "shm:x?create",
                          "shm:x?owner=root",       "shm:x?wait=sleep",
                          "shm:x?spin=-1us",        "shm:x?nap=1x",
                          "shm:x?once=1",           "auto:x?latency=",
                          "auto:x?rate=1e4",        "auto:x?rate=18446744073709551616",
                          "auto:x?portable=true",   "auto:x?guarded="}) {
    const auto refused = refusal_of(parse(bad));
    EXPECT_EQ(refused.kind, fault::bad_argument) << bad;
    EXPECT_THAT(refused.message, AllOf(HasSubstr(bad), HasSubstr(" takes "))) << bad;
  }
}

TEST(BusName, an_error_says_what_was_found_and_what_may_be) {
  const auto message_for = [](const char* text) { return refusal_of(parse(text)).message; };
  for (const auto* bad : {"", "orders", "SHM:orders", "tcp:x", ":x", "shm"}) {
    EXPECT_THAT(message_for(bad), HasSubstr("write shm:NAME, pipe:NAME or auto:NAME")) << bad;
  }
  for (const auto* bad : {"shm:", "pipe:?wait=spin", "auto:"}) {
    EXPECT_THAT(message_for(bad), HasSubstr("lacks a name")) << bad;
  }
  EXPECT_THAT(message_for("shm:x?size=4"),
              AllOf(HasSubstr("no option 'size' for shm:"), HasSubstr("capacity, max_message"),
                    Not(HasSubstr("latency"))));
  EXPECT_THAT(message_for("auto:x?size=4"), HasSubstr("portable, guarded, latency, rate"));
  EXPECT_THAT(message_for("pipe:x?integrity=crc32c"), HasSubstr("no option 'integrity' for pipe:"));
  EXPECT_THAT(message_for("shm:x?latency=1us"), HasSubstr("no option 'latency' for shm:"));
  EXPECT_THAT(message_for("shm:x?producers=0"), HasSubstr("a number from 1 to 1024, not '0'"));
  EXPECT_THAT(message_for("shm:x?wait=spin&wait=nap"), HasSubstr("wait is there twice"));
  EXPECT_THAT(message_for("shm:x?&"), HasSubstr("no option ''"));
}

// What a channel's maker checks: the same limits behind every transport.

TEST(BusName, a_channels_limits_hold_whatever_its_transport) {
  for (const std::string scheme : {"shm", "pipe"}) {
    const auto answer = [&](const std::string& options) {
      const scratch_endpoint at;
      const auto made = open_consumer(at.at(scheme, options));
      return made ? "ok" : made.error().message;
    };
    EXPECT_EQ(answer("capacity=4KiB"), "ok");
    EXPECT_EQ(answer("capacity=8KiB&max_message=4KiB"), "ok");
    for (const auto* bad : {"capacity=2KiB", "capacity=12KiB", "capacity=0", "capacity=512GiB"}) {
      EXPECT_THAT(answer(bad), HasSubstr("is not a power of two between 4096 and")) << bad;
    }
    EXPECT_THAT(answer("capacity=8KiB&max_message=4097"),
                HasSubstr("max_message 4097 is not between 1 and half the capacity, 4096"));
    EXPECT_THAT(answer("max_message=0"), HasSubstr("max_message takes a size"));
  }
}

TEST(BusName, a_name_is_1_to_200_letters_digits_and_a_few_signs) {
  const std::string most(200 - scratch_endpoint().str().size(), 'x');
  for (const std::string scheme : {"shm", "pipe", "auto"}) {
    const scratch_endpoint at;
    const auto longest = at.str() + most;
    {
      const auto e = opened(parse(scheme + ":" + longest));
      EXPECT_TRUE(open_consumer(e)) << scheme;
      EXPECT_TRUE(bus::remove(e)) << scheme;
    }
    for (const auto& bad : {longest + "x", std::string(".x"), std::string("a/b"),
                            std::string("a b"), std::string("\xc3\xa4"), std::string("/")}) {
      const auto refused = refusal_of(open_producer(scheme + ":" + bad));
      EXPECT_EQ(refused.kind, fault::bad_argument) << scheme << ":" << bad;
      EXPECT_THAT(refused.message, HasSubstr("1 to 200 letters")) << scheme << ":" << bad;
    }
  }
  EXPECT_THAT(refusal_of(open_producer("auto:/tmp/x")).message, HasSubstr("a path goes with shm:"));
}

// The choice.

TEST(BusChoice, follows_the_tree_on_both_sides_of_each_limit) {
  const auto chosen = [](const char* options) {
    return bus::choose(opened(parse(std::string("auto:x?") + options)).needs);
  };
  const auto expect = [&](const char* options, transport t, const char* why) {
    const auto got = chosen(options);
    EXPECT_EQ(got.transport, t) << options;
    EXPECT_THAT(got.why, HasSubstr(why)) << options;
    EXPECT_FALSE(got.is_fallback);
  };
  expect("", transport::pipe, "nothing asks for more");
  expect("portable=yes", transport::pipe, "where shared memory does not");
  expect("portable=yes&latency=1us&rate=1000000", transport::pipe, "where shared memory does not");
  expect("latency=99999ns", transport::shm, "less than 0.1 ms");
  expect("latency=100us", transport::pipe, "nothing asks for more");
  expect("latency=99999ns&guarded=yes", transport::shm, "less than 0.1 ms");
  expect("rate=10001", transport::shm, "more than 10,000 messages a second");
  expect("rate=10000", transport::pipe, "nothing asks for more");
  expect("rate=10001&guarded=yes", transport::shm, "more than 10,000 messages a second");
  expect("guarded=yes", transport::pipe, "guard it");
  expect("guarded=yes&rate=10000&latency=100us", transport::pipe, "guard it");
}

TEST(BusChoice, without_room_the_pipe_takes_its_place_and_says_so) {
  bus::needs quick;
  quick.latency = 1us;
  EXPECT_EQ(bus::choose(quick, 4096, files::directory()).transport, transport::shm);
  const auto got = bus::choose(quick, std::uint64_t{1} << 60, files::directory());
  EXPECT_EQ(got.transport, transport::pipe);
  EXPECT_TRUE(got.is_fallback);
  EXPECT_THAT(got.why, AllOf(HasSubstr("less than 0.1 ms is needed, but"), HasSubstr("bytes left"),
                             HasSubstr("the pipe takes its place")));
  EXPECT_FALSE(bus::choose({}, std::uint64_t{1} << 60, files::directory()).is_fallback);
}

// What a process says whose surroundings are `prepare`d so that shared memory is not to be had.
template <class Prepare, class Work>
void in_surroundings(Prepare prepare, Work work) {
  processes::child one([&] {
    prepare();
    work();
    if (::testing::Test::HasFailure()) processes::fail("see above");
  });
  EXPECT_TRUE(one.is_content()) << one.fate();
}

TEST(BusChoice, without_a_place_for_shared_memory_the_pipe_takes_its_place) {
  std::string folder = "/tmp/annulus.test.XXXXXX";
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  in_surroundings(
      [&] { processes::require(chroot(folder.c_str()) == 0 && chdir("/") == 0, "chroot"); },
      [] {
        bus::needs many;
        many.rate = 20'000;
        const auto got = bus::choose(many, 4096, files::directory());
        EXPECT_TRUE(got.is_fallback);
        EXPECT_THAT(got.why, HasSubstr("no file can be made in /tmp (No such file"));
      });
  rmdir(folder.c_str());
}

TEST(BusChoice, who_may_make_no_large_file_meets_the_others_over_the_pipe) {
  const scratch_endpoint at;
  in_surroundings(
      [] {
        const rlimit little{512 << 10, 512 << 10};
        processes::require(setrlimit(RLIMIT_FSIZE, &little) == 0, "setrlimit");
      },
      [&] {
        auto tx = opened(open_producer(at.at("auto", "latency=50us&capacity=1MiB")));
        auto rx = opened(open_consumer(at.at("auto")));
        EXPECT_EQ(tx.transport(), transport::pipe);
        EXPECT_EQ(rx.transport(), transport::pipe);
        EXPECT_THAT(tx.why(), HasSubstr("files of 524288 bytes only"));
        EXPECT_EQ(rx.why(), tx.why());
        EXPECT_EQ(tx.try_push(bytes("hello")), status::ok);
        EXPECT_EQ(text(rx.try_read().bytes()), "hello");
      });
  EXPECT_EQ(opened(bus::decision_of(at.automatic())).transport, transport::pipe);
}

// Meeting.

TEST(BusMeeting, who_comes_later_goes_where_the_first_went_whatever_he_needs) {
  const scratch_endpoint at;
  EXPECT_EQ(refusal_of(bus::decision_of(at.automatic())).kind, fault::not_found);
  auto rx = opened(open_consumer(at.at("auto", "rate=20000")));
  auto tx = opened(open_producer(at.at("auto", "portable=yes")));
  EXPECT_EQ(rx.transport(), transport::shm);
  EXPECT_EQ(tx.transport(), transport::shm);
  EXPECT_THAT(tx.why(), HasSubstr("more than 10,000"));
  EXPECT_EQ(tx.try_push(bytes("met")), status::ok);
  EXPECT_EQ(text(rx.try_read().bytes()), "met");
  EXPECT_EQ(opened(open_consumer(at.at("pipe"))).why(), "the name says so");
}

TEST(BusMeeting, of_many_who_come_at_once_all_go_the_same_way) {
  constexpr int many = 8;
  struct table {
    gate starts, ends;
    std::atomic<int> went[many];
  };
  for (int round = 0; round < 25; ++round) {
    const scratch_endpoint at;
    const shared<table> seen;
    std::vector<processes::child> all;
    for (int i = 0; i < many; ++i) {
      all.emplace_back([&, i] {
        processes::require(seen->starts.await(), "nobody starts");
        const char* const needs = i % 2 == 0 ? "latency=10us&producers=8" : "producers=8";
        auto tx = processes::must(open_producer(at.at("auto", needs)));
        processes::require(tx.push(bytes("here"), within(30s)) == status::ok, "push");
        seen->went[i].store(tx.transport() == transport::shm ? 1 : 2);
        processes::require(seen->ends.await(), "nobody ends");
      });
    }
    seen->starts.open();
    auto rx = opened(
        open_consumer(at.at("auto", round % 2 == 0 ? "producers=8" : "rate=20000&producers=8")));
    for (int i = 0; i < many; ++i) {
      ASSERT_EQ(text(rx.read(within(30s)).bytes()), "here") << "round " << round;
    }
    seen->ends.open();
    for (auto& one : all) EXPECT_TRUE(one.is_content()) << one.fate();
    const int where = rx.transport() == transport::shm ? 1 : 2;
    for (const auto& one : seen->went) EXPECT_EQ(one, where);
  }
}

// A remover that never rests, and two with different needs: attached, they have met.
TEST(BusMeeting, openers_with_different_needs_meet_however_the_name_is_removed_meanwhile) {
  const scratch_endpoint at;
  const auto name = parse(at.at("auto")).value();
  std::atomic<bool> is_over{false};
  std::atomic<int> removals{0};
  std::jthread remover([&] {
    while (!is_over) removals += bus::remove(name) ? 1 : 0;
  });
  int both = 0;
  for (int round = 0; round < 300; ++round) {
    auto producer = std::async(std::launch::async,
                               [&] { return open_producer(at.at("auto", "latency=50us")); });
    auto rx = open_consumer(at.at("auto", "guarded=yes"));
    auto tx = producer.get();
    if (!rx || !tx) continue;  // made and removed again and again: an answer
    ++both;
    EXPECT_EQ(rx->transport(), tx->transport()) << "round " << round;
    EXPECT_EQ(tx->try_push(bytes("met")), status::ok);
    EXPECT_TRUE(rx->try_read()) << "round " << round;
  }
  is_over = true;
  remover.join();
  EXPECT_GT(both, 0);
  EXPECT_GT(removals, 0);
}

TEST(BusMeeting, a_decision_that_leads_somebody_is_not_taken_back_but_by_force) {
  const scratch_endpoint at;
  const auto name = parse(at.at("auto")).value();
  auto led = std::move(bus::resolve(name)).value();
  const auto refused = refusal_of(bus::remove(name));
  EXPECT_EQ(refused.kind, fault::in_use);
  EXPECT_THAT(refused.message, HasSubstr(at.decision_path()));
  EXPECT_TRUE(bus::resolve(name)) << "those who are led do not exclude each other";
  EXPECT_TRUE(bus::remove(name, true));
  EXPECT_FALSE(is_there(at.decision_path()));
  led = std::move(bus::resolve(name)).value();
  led.held = {};
  EXPECT_TRUE(bus::remove(name));
}

TEST(BusMeeting, a_name_that_is_being_removed_leads_nobody) {
  const scratch_endpoint at;
  const auto name = parse(at.at("auto")).value();
  ASSERT_TRUE(bus::resolve(name));
  const auto held = std::move(bus::hold_for_removal(name)).value();
  const auto refused = refusal_of(open_producer(at.at("auto")));
  EXPECT_EQ(refused.kind, fault::in_use);
  EXPECT_THAT(refused.message, HasSubstr("removes it"));
}

TEST(BusMeeting, with_create_no_nothing_is_decided) {
  const scratch_endpoint at;
  const auto refused = refusal_of(open_producer(at.at("auto", "create=no")));
  EXPECT_EQ(refused.kind, fault::not_found);
  EXPECT_THAT(refused.message, HasSubstr("nobody has opened auto:" + at.str()));
  EXPECT_FALSE(is_there(at.decision_path()));
}

TEST(BusMeeting, a_decision_has_the_mode_that_was_asked_for) {
  const scratch_endpoint at;
  const auto rx = opened(open_consumer(at.at("auto", "mode=0640")));
  struct stat info {};
  ASSERT_EQ(stat(at.decision_path().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0640u);
}

void write(const std::string& path, const std::string& text) { std::ofstream(path) << text; }

TEST(BusMeeting, a_record_that_says_something_else_is_refused_in_words) {
  const std::string start = "annulus auto 1\n";
  for (const auto& bad :
       {start, start + "shm", start + "shm\n", start + "tcp\nwhy\n", start + "shm\nwhy",
        start + "shm\n\x1b[2J\n", start + "shm\na\nb\n", std::string("annulus auto 2\nshm\nwhy\n"),
        start + "shm\n" + std::string(4000, 'x') + "\n"}) {
    const scratch_endpoint at;
    write(at.decision_path(), bad);
    const auto refused = refusal_of(open_producer(at.at("auto")));
    EXPECT_EQ(refused.kind, fault::damaged) << bad;
    EXPECT_THAT(refused.message, HasSubstr("does not say shm or pipe; remove it")) << bad;
  }
  const scratch_endpoint at;
  write(at.decision_path(), start + "shm\nbecause\n");
  EXPECT_EQ(opened(open_producer(at.at("auto"))).why(), "because");
}

TEST(BusMeeting, a_file_of_somebodys_own_in_the_records_place_is_refused_in_words) {
  for (const auto* own : {"", "hello\n", "annulus auto"}) {
    const scratch_endpoint at;
    write(at.decision_path(), own);
    const auto refused = refusal_of(open_producer(at.at("auto")));
    EXPECT_EQ(refused.kind, fault::not_a_channel) << own;
    EXPECT_THAT(refused.message, HasSubstr("is no decision")) << own;
    unlink(at.decision_path().c_str());
  }
}

TEST(BusMeeting, what_is_no_file_in_the_records_place_is_refused_in_words) {
  const scratch_endpoint at;
  const auto path = at.decision_path();
  const auto message_now = [&] { return refusal_of(open_producer(at.at("auto"))).message; };
  ASSERT_EQ(mkdir(path.c_str(), 0700), 0);
  EXPECT_THAT(message_now(), HasSubstr("no regular file; remove it"));
  ASSERT_EQ(rmdir(path.c_str()), 0);
  ASSERT_EQ(symlink("/etc/passwd", path.c_str()), 0);
  EXPECT_THAT(message_now(), HasSubstr("symbolic link"));
  ASSERT_EQ(unlink(path.c_str()), 0);
  ASSERT_EQ(symlink("/nowhere", path.c_str()), 0);
  EXPECT_THAT(message_now(), HasSubstr("symbolic link"));
  ASSERT_EQ(unlink(path.c_str()), 0);
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  EXPECT_THAT(message_now(), HasSubstr("no regular file"));
}

TEST(BusMeeting, a_strangers_record_counts_only_where_that_is_meant) {
  const scratch_endpoint at;
  write(at.decision_path(), "annulus auto 1\npipe\nhe said so\n");
  ASSERT_EQ(chown(at.decision_path().c_str(), 65534, 65534), 0);
  const auto refused = refusal_of(open_producer(at.at("auto")));
  EXPECT_EQ(refused.kind, fault::no_permission);
  EXPECT_THAT(refused.message, AllOf(HasSubstr("user 65534"), HasSubstr("owner=any")));
  EXPECT_EQ(opened(open_producer(at.at("auto", "owner=any"))).why(), "he said so");
}

// What is there, and what is asked for.

TEST(BusOpen, a_channel_that_cannot_do_what_is_asked_is_refused) {
  for (const std::string scheme : {"shm", "pipe"}) {
    const scratch_endpoint at;
    auto rx = opened(open_consumer(at.at(scheme, "capacity=8KiB&max_message=1000&producers=2")));
    const auto refused = [&](const char* options) {
      return refusal_of(open_producer(at.at(scheme, options)));
    };
    for (const auto* more : {"capacity=16KiB", "max_message=1001", "producers=3"}) {
      EXPECT_EQ(refused(more).kind, fault::incompatible) << more;
      EXPECT_THAT(refused(more).message, HasSubstr("exists and has")) << more;
      EXPECT_THAT(refused(more).message, HasSubstr("remove it and make it anew")) << more;
    }
    EXPECT_THAT(refused("max_message=1001").message, HasSubstr("max_message 1000, not 1001"));
    for (const auto* less : {"capacity=4KiB", "max_message=10", "producers=1", "create=no",
                             "capacity=8KiB&max_message=1000&producers=2"}) {
      EXPECT_TRUE(open_producer(at.at(scheme, less))) << less;
    }
  }
  const scratch_endpoint at;
  auto rx = opened(open_consumer(at.at("shm", "integrity=crc32c")));
  EXPECT_THAT(refusal_of(open_producer(at.at("shm", "integrity=structure"))).message,
              HasSubstr("the other integrity"));
  EXPECT_TRUE(open_producer(at.at("shm", "integrity=crc32c")));
}

TEST(BusOpen, a_role_that_is_taken_is_refused_with_its_holder) {
  for (const std::string scheme : {"shm", "pipe", "auto"}) {
    const scratch_endpoint at;
    const auto rx = opened(open_consumer(at.at(scheme)));
    const auto refused = refusal_of(open_consumer(at.at(scheme, "once=yes")));
    EXPECT_EQ(refused.kind, fault::in_use) << scheme;
    EXPECT_THAT(refused.message,
                AllOf(HasSubstr(at.at(scheme)), HasSubstr(std::to_string(getpid()))));
  }
}

TEST(BusOpen, with_create_no_nothing_is_made) {
  for (const std::string scheme : {"shm", "pipe"}) {
    const scratch_endpoint at;
    EXPECT_EQ(refusal_of(open_producer(at.at(scheme, "create=no"))).kind, fault::not_found);
    EXPECT_EQ(refusal_of(open_producer(at.at(scheme, "create=no"))).kind, fault::not_found);
  }
}

// Removing.

bus::endpoint named(const std::string& text) { return opened(parse(text)); }

TEST(BusRemove, takes_the_channel_what_was_seen_and_the_decision) {
  for (const std::string scheme : {"shm", "pipe"}) {
    const scratch_endpoint at;
    const auto e = named(at.at("auto", scheme == "shm" ? "rate=20000&once=yes" : "once=yes"));
    { const auto rx = opened(open_consumer(e)); }
    const auto where = named(at.at(scheme));
    EXPECT_TRUE(is_there(bus::path_of(where)));
    EXPECT_TRUE(is_there(bus::seen_path_of(where)));
    EXPECT_TRUE(opened(bus::remove(e)));
    EXPECT_FALSE(is_there(bus::path_of(where)));
    EXPECT_FALSE(is_there(bus::seen_path_of(where)));
    EXPECT_FALSE(is_there(at.decision_path()));
    EXPECT_EQ(refusal_of(bus::remove(e)).kind, fault::not_found);
    EXPECT_EQ(refusal_of(bus::remove(where)).kind, fault::not_found);
  }
}

TEST(BusRemove, what_is_in_use_stays_whole_unless_forced) {
  const scratch_endpoint at;
  const auto e = named(at.at("auto", "rate=20000&once=yes"));
  const auto rx = opened(open_consumer(e));
  EXPECT_EQ(refusal_of(bus::remove(e)).kind, fault::in_use);
  EXPECT_TRUE(is_there(at.decision_path()));
  EXPECT_TRUE(is_there(at.seen_path()));
  EXPECT_TRUE(opened(bus::remove(e, true)));
  EXPECT_FALSE(is_there(at.decision_path()));
}

TEST(BusRemove, remains_without_a_channel_are_removed_too) {
  const scratch_endpoint at;
  const auto e = named(at.at("auto", "rate=20000&once=yes"));
  { const auto rx = opened(open_consumer(e)); }
  EXPECT_TRUE(opened(segment::remove(at.str())));
  EXPECT_FALSE(opened(bus::remove(e)));
  EXPECT_FALSE(is_there(at.decision_path()));
  EXPECT_FALSE(is_there(at.seen_path()));
}

TEST(BusRemove, a_damaged_decision_goes_only_by_force) {
  const scratch_endpoint at;
  write(at.decision_path(), "annulus auto 1\ngarbage");
  EXPECT_EQ(refusal_of(bus::remove(named(at.at("auto")))).kind, fault::damaged);
  EXPECT_FALSE(opened(bus::remove(named(at.at("auto")), true)));
  EXPECT_FALSE(is_there(at.decision_path()));
}

TEST(BusRemove, what_is_no_decision_stays_even_by_force) {
  const scratch_endpoint at;
  write(at.decision_path(), "garbage");
  EXPECT_EQ(refusal_of(bus::remove(named(at.at("auto")), true)).kind, fault::not_a_channel);
  EXPECT_TRUE(is_there(at.decision_path()));
  unlink(at.decision_path().c_str());
}

TEST(BusRemove, a_file_that_only_looks_like_a_seen_list_by_its_name_stays) {
  const scratch_endpoint at;
  const auto seen = bus::seen_path_of(named(at.at("shm")));
  write(seen, "a film that somebody has seen");
  EXPECT_EQ(refusal_of(bus::remove(named(at.at("shm")), true)).kind, fault::not_found);
  EXPECT_TRUE(is_there(seen));
  unlink(seen.c_str());
}

TEST(BusRemove, what_is_something_else_stays) {
  const scratch_endpoint at;
  write(bus::path_of(named(at.at("shm"))), std::string(8192, 'x'));
  EXPECT_EQ(refusal_of(bus::remove(named(at.at("shm")), true)).kind, fault::not_a_channel);
  EXPECT_TRUE(is_there(bus::path_of(named(at.at("shm")))));
}

}  // namespace
}  // namespace annulus::testing
