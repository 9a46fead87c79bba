// Making, finding and removing segments: every limit on both sides, and all that can be in the way.
#include "bytes.hpp"
#include "child.hpp"
#include "guarded.hpp"
#include "names.hpp"
#include "refusals.hpp"
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <string>
#include <vector>

#include <annulus/ring/inspect.hpp>
#include <annulus/ring/ring.hpp>
#include <annulus/ring/segment.hpp>

namespace annulus::testing {
namespace {

using ::testing::HasSubstr;

ring_options small(topology kind = topology::spsc) {
  ring_options shape;
  shape.topology = kind;
  shape.capacity = 4096;
  return shape;
}

octets file_content(const std::string& path, std::size_t most) {
  octets out(most);
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  const auto got = read(file, out.data(), out.size());
  close(file);
  out.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
  return out;
}

// Limits.

TEST(Limits, capacity_is_a_power_of_two_from_4_kib_to_256_gib) {
  const auto plan = [](std::uint64_t capacity) {
    ring_options shape = small();
    shape.capacity = capacity;
    return segment::bytes_for(shape);
  };
  for (std::uint64_t good = 4096; good <= max_capacity; good *= 2) EXPECT_TRUE(plan(good)) << good;
  for (const std::uint64_t bad : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{2048},
                                  std::uint64_t{4095}, std::uint64_t{4104}, std::uint64_t{6144},
                                  max_capacity + 8, max_capacity * 2, ~std::uint64_t{0}}) {
    EXPECT_EQ(kind_of(plan(bad)), fault::bad_argument) << bad;
  }
}

TEST(Limits, max_message_is_1_to_half_the_capacity_and_0_means_the_most) {
  ring_options shape = small();
  shape.max_message = 0;
  EXPECT_EQ(segment::anonymous(shape)->geometry().max_message, 2048u);
  for (const std::uint64_t good : {1u, 7u, 8u, 2047u, 2048u}) {
    shape.max_message = good;
    EXPECT_EQ(segment::anonymous(shape)->geometry().max_message, good);
  }
  shape.max_message = 2049;
  EXPECT_EQ(kind_of(segment::anonymous(shape)), fault::bad_argument);
  EXPECT_THAT(why(segment::anonymous(shape)).message, HasSubstr("2048"));
}

TEST(Limits, producers_are_1_to_1024_and_all_of_them_attach) {
  ring_options shape = small(topology::mpsc);
  for (const std::uint32_t bad : {0u, 1025u, ~0u}) {
    shape.producers = bad;
    EXPECT_EQ(kind_of(segment::anonymous(shape)), fault::bad_argument) << bad;
  }
  shape.producers = 1;
  EXPECT_TRUE(segment::anonymous(shape));
  shape.producers = 1024;
  const guarded_memory memory(static_cast<std::size_t>(*segment::bytes_for(shape)));
  const auto ring = segment::format(memory.bytes(), shape).value();
  std::vector<mpsc_producer> all;
  for (std::uint32_t i = 0; i < 1024; ++i) {
    all.push_back(mpsc_producer::attach(ring).value());
    EXPECT_EQ(all.back().number(), i);
  }
  EXPECT_EQ(kind_of(mpsc_producer::attach(ring)), fault::in_use);
  all[1000].close();
  EXPECT_EQ(mpsc_producer::attach(ring)->number(), 1000u);
}

TEST(Limits, first_pos_is_a_multiple_of_8) {
  ring_options shape = small();
  for (const std::uint64_t bad : {1u, 4u, 7u, 9u}) {
    shape.first_pos = bad;
    EXPECT_EQ(kind_of(segment::anonymous(shape)), fault::bad_argument) << bad;
  }
  shape.first_pos = ~std::uint64_t{7};
  EXPECT_TRUE(segment::anonymous(shape));
}

TEST(Limits, a_segment_of_64_gib_carries_messages_at_both_of_its_ends) {
  ring_options shape = small();
  shape.capacity = std::uint64_t{64} << 30;
  shape.max_message = 1 << 20;
  shape.reserve = false;
  shape.first_pos = shape.capacity - (1 << 19);  // the first message runs over the end
  const scratch_name name;
  auto ring = segment::create(name.str(), shape);
  ASSERT_TRUE(ring) << ring.error().message;
  auto tx = spsc_producer::attach(segment::open(name.str()).value()).value();
  auto rx = spsc_consumer::attach(segment::open(name.str()).value()).value();
  const auto large = pattern(1 << 20, 1);
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(tx.try_push(message(large)), status::ok);
    const view seen = rx.try_read();
    ASSERT_TRUE(seen);
    EXPECT_TRUE(std::ranges::equal(seen.bytes(), large));
    rx.release();
  }
}

TEST(Limits, a_name_is_1_to_200_letters_digits_dots_dashes_or_a_path) {
  for (const std::string& bad :
       {std::string(), std::string("a/b"), std::string(".hidden"), std::string("a b"),
        std::string("/"), std::string("a\nb"), std::string(201, 'a'), std::string("../up")}) {
    EXPECT_EQ(kind_of(segment::create(bad, small())), fault::bad_argument) << bad;
    EXPECT_EQ(kind_of(segment::open(bad)), fault::bad_argument) << bad;
    EXPECT_EQ(kind_of(segment::remove(bad)), fault::bad_argument) << bad;
  }
  const scratch_name name;
  std::string longest = name.str();
  longest.resize(200, '-');
  ASSERT_TRUE(segment::create(longest, small()));
  EXPECT_TRUE(segment::remove(longest));
  ASSERT_TRUE(segment::create(name.path(), small()));
  EXPECT_TRUE(segment::open(name.str()));
}

// Life.

TEST(Segment, it_is_created_once_found_and_removed) {
  const scratch_name name;
  EXPECT_EQ(kind_of(segment::open(name.str())), fault::not_found);
  EXPECT_THAT(why(segment::open(name.str())).message, HasSubstr("create it first"));
  ASSERT_TRUE(segment::create(name.str(), small()));
  EXPECT_EQ(kind_of(segment::create(name.str(), small())), fault::already_exists);
  EXPECT_EQ(segment::open(name.str())->geometry().capacity, 4096u);
  EXPECT_TRUE(segment::remove(name.str()));
  EXPECT_EQ(kind_of(segment::remove(name.str())), fault::not_found);
  EXPECT_EQ(kind_of(segment::open(name.str())), fault::not_found);
}

TEST(Segment, open_or_create_gives_the_later_what_the_first_made) {
  const scratch_name name;
  ASSERT_TRUE(segment::open_or_create(name.str(), small(topology::mpsc)));
  auto found = segment::open_or_create(name.str(), small(topology::spsc));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->geometry().topology, topology::mpsc);
  EXPECT_EQ(kind_of(spsc_producer::attach(*found)), fault::incompatible);
  EXPECT_THAT(why(spsc_consumer::attach(*found)).message, HasSubstr("mpsc"));
}

TEST(Segment, its_permissions_are_those_asked_for_whatever_the_umask) {
  const scratch_name name;
  const mode_t before = umask(0077);
  ring_options shape = small();
  shape.mode = 0664;
  ASSERT_TRUE(segment::create(name.str(), shape));
  umask(before);
  struct stat info {};
  ASSERT_EQ(stat(name.path().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0664u);
}

TEST(Segment, in_use_it_is_removed_only_by_force_and_the_attached_stay) {
  const scratch_name name;
  const auto ring = segment::create(name.str(), small()).value();
  auto tx = spsc_producer::attach(ring).value();
  auto rx = spsc_consumer::attach(ring).value();
  EXPECT_EQ(kind_of(segment::remove(name.str())), fault::in_use);
  EXPECT_THAT(why(segment::remove(name.str())).message, HasSubstr("the consumer"));
  EXPECT_TRUE(segment::remove(name.str(), true));
  ASSERT_EQ(tx.try_push(bytes("still here")), status::ok);
  EXPECT_EQ(text(rx.try_read().bytes()), "still here");
}

// The limit of the process on the size of its files, on both sides of what the ring takes.
int made_under_a_limit_of(std::uint64_t bytes, const std::string& name, const ring_options& shape) {
  return child([&] {
           const rlimit most{bytes, bytes};
           if (setrlimit(RLIMIT_FSIZE, &most) != 0) return 9;
           const auto made = segment::create(name, shape);
           if (made) return 0;
           return made.error().message.find("ulimit -f") != std::string::npos ? 1 : 8;
         })
      .exit_status();
}

TEST(Segment, a_limit_on_the_size_of_files_is_told_and_raises_no_signal) {
  for (const bool reserve : {true, false}) {
    const scratch_name name;
    auto shape = small();
    shape.reserve = reserve;
    const auto bytes = *segment::bytes_for(shape);
    EXPECT_EQ(made_under_a_limit_of(bytes - 1, name.str(), shape), 1);
    EXPECT_FALSE(segment::open(name.str()));
    EXPECT_EQ(made_under_a_limit_of(bytes, name.str(), shape), 0);
  }
}

TEST(Segment, a_second_consumer_and_a_second_producer_are_refused_by_the_first_ones_pid) {
  const scratch_name name;
  const auto ring = segment::create(name.str(), small()).value();
  lingering first([&] {
    return std::pair(spsc_producer::attach(ring).value(), spsc_consumer::attach(ring).value());
  });
  const auto pid = std::to_string(first.pid());
  const auto no_tx = why(spsc_producer::attach(ring));
  EXPECT_EQ(no_tx.kind, fault::in_use);
  EXPECT_THAT(no_tx.message, HasSubstr(pid));
  const auto no_rx = why(spsc_consumer::attach(ring));
  EXPECT_EQ(no_rx.kind, fault::in_use);
  EXPECT_THAT(no_rx.message, HasSubstr(pid));
  first.kill();
  EXPECT_TRUE(spsc_producer::attach(ring));
  EXPECT_TRUE(spsc_consumer::attach(ring));
}

TEST(Segment, a_17th_of_16_producers_is_refused_until_one_leaves) {
  const auto ring = segment::anonymous(small(topology::mpsc)).value();
  std::vector<mpsc_producer> all;
  for (int i = 0; i < 16; ++i) all.push_back(mpsc_producer::attach(ring).value());
  EXPECT_THAT(why(mpsc_producer::attach(ring)).message, HasSubstr("all 16"));
  all[3].close();
  EXPECT_EQ(mpsc_producer::attach(ring)->number(), 3u);
}

TEST(Segment, after_all_died_it_works_on) {
  for (const auto kind : {topology::spsc, topology::mpsc}) {
    const scratch_name name;
    ASSERT_TRUE(segment::create(name.str(), small(kind)));
    const auto live = [&]<class Producer, class Consumer>(Producer*, Consumer*) {
      lingering dead([&] {
        const auto ring = segment::open(name.str()).value();
        auto tx = Producer::attach(ring).value();
        auto rx = Consumer::attach(ring).value();
        for (const char* one : {"a", "b", "c"}) (void)tx.try_push(bytes(one));
        (void)rx.try_read();
        rx.release();
        (void)rx.try_read();  // read, and not released: redelivered
        return std::pair(std::move(tx), std::move(rx));
      });
      EXPECT_EQ(kind_of(segment::remove(name.str())), fault::in_use);
      dead.kill();
      const auto ring = segment::open(name.str()).value();
      EXPECT_EQ(inspect(ring)->consumer.state, presence::died);
      auto rx = Consumer::attach(ring).value();
      EXPECT_EQ(rx.peer(), presence::died);
      EXPECT_EQ(text(rx.try_read().bytes()), "b");
      EXPECT_EQ(text(rx.try_read().bytes()), "c");
      EXPECT_EQ(rx.read(no_deadline).status(), status::peer_gone);
      auto tx = Producer::attach(ring).value();
      EXPECT_EQ(tx.try_push(bytes("d")), status::ok);
      EXPECT_EQ(text(rx.try_read().bytes()), "d");
    };
    if (kind == topology::spsc) {
      live(static_cast<spsc_producer*>(nullptr), static_cast<spsc_consumer*>(nullptr));
    } else {
      live(static_cast<mpsc_producer*>(nullptr), static_cast<mpsc_consumer*>(nullptr));
    }
    EXPECT_TRUE(segment::remove(name.str()));
  }
}

TEST(Segment, an_anonymous_one_is_sealed_and_passed_by_its_descriptor) {
  const auto ring = segment::anonymous(small()).value();
  EXPECT_NE(ftruncate(ring.file(), 0), 0);
  EXPECT_NE(ftruncate(ring.file(), 1 << 20), 0);
  auto same = segment::from_file(ring.file());
  ASSERT_TRUE(same);
  EXPECT_NE(same->file(), ring.file());
  EXPECT_TRUE(same->is_sealed());
  const scratch_name name;
  EXPECT_FALSE(segment::create(name.str(), small())->is_sealed());
  auto tx = spsc_producer::attach(ring).value();
  auto rx = spsc_consumer::attach(*same).value();
  ASSERT_EQ(tx.try_push(bytes("through")), status::ok);
  EXPECT_EQ(text(rx.try_read().bytes()), "through");
  EXPECT_EQ(kind_of(segment::from_file(-1)), fault::system);
}

TEST(Segment, memory_that_is_not_to_be_had_is_said_at_once) {
  struct statvfs space {};
  ASSERT_EQ(statvfs(files::directory().c_str(), &space), 0);
  ring_options shape = small();
  while (shape.capacity < max_capacity && shape.capacity < space.f_bavail * space.f_frsize) {
    shape.capacity *= 2;
  }
  shape.capacity = std::min(shape.capacity * 2, max_capacity);
  const scratch_name name;
  const auto refused = why(segment::create(name.str(), shape));
  EXPECT_EQ(refused.kind, fault::no_space);
  EXPECT_THAT(refused.message, HasSubstr("reserve"));
  EXPECT_EQ(kind_of(segment::open(name.str())), fault::not_found);  // nothing half-made stays
  shape.reserve = false;
  EXPECT_TRUE(segment::create(name.str(), shape));
}

TEST(Segment, huge_pages_asked_for_or_not_the_ring_works) {
  ring_options shape = small();
  shape.capacity = 1 << 22;
  shape.huge_pages = true;
  const auto ring = segment::anonymous(shape).value();
  EXPECT_EQ(ring.geometry().data_offset % huge_page_bytes, 0u);
  const auto held = attachment::make(ring, access::read_write).value();
  const auto data = reinterpret_cast<std::uintptr_t>(&held.memory().data.header(0));
  EXPECT_EQ(data % huge_page_bytes, 0u);
  auto tx = spsc_producer::attach(ring).value();
  auto rx = spsc_consumer::attach(ring).value();
  ASSERT_EQ(tx.try_push(bytes("huge")), status::ok);
  EXPECT_EQ(text(rx.try_read().bytes()), "huge");
}

// Plain memory.

TEST(PlainMemory, it_is_aligned_and_large_enough_or_refused) {
  const auto need = static_cast<std::size_t>(*segment::bytes_for(small()));
  const guarded_memory memory(need + 4096);
  const auto all = memory.bytes();
  EXPECT_TRUE(segment::format(all.first(need), small()));
  EXPECT_TRUE(segment::format(all.subspan(128, need), small()));
  for (const std::size_t shift : {1u, 8u, 64u}) {
    EXPECT_EQ(kind_of(segment::format(all.subspan(shift, need), small())), fault::bad_argument);
    EXPECT_EQ(kind_of(segment::over(all.subspan(shift, need))), fault::bad_argument);
  }
  const auto small_one = why(segment::format(all.first(need - 1), small()));
  EXPECT_EQ(small_one.kind, fault::bad_argument);
  EXPECT_THAT(small_one.message, HasSubstr(std::to_string(need)));
  EXPECT_EQ(kind_of(segment::over(all.first(100))), fault::bad_argument);
  EXPECT_EQ(kind_of(segment::over({})), fault::bad_argument);
}

TEST(PlainMemory, the_ring_that_lies_there_is_taken_up) {
  const guarded_memory memory(static_cast<std::size_t>(*segment::bytes_for(small())));
  EXPECT_EQ(kind_of(segment::over(memory.bytes())), fault::not_a_channel);
  {
    auto tx = spsc_producer::attach(*segment::format(memory.bytes(), small())).value();
    ASSERT_EQ(tx.try_push(bytes("kept")), status::ok);
  }
  auto rx = spsc_consumer::attach(*segment::over(memory.bytes())).value();
  EXPECT_EQ(text(rx.try_read().bytes()), "kept");
  EXPECT_EQ(kind_of(spsc_consumer::attach(*segment::over(memory.bytes()))), fault::in_use);
  EXPECT_EQ(kind_of(segment::over(memory.bytes().first(8192))), fault::damaged);
}

// What can be in the way.

TEST(InTheWay, a_symbolic_link_is_not_followed) {
  const scratch_name real;
  const scratch_name link;
  ASSERT_TRUE(segment::create(real.str(), small()));
  ASSERT_EQ(symlink(real.path().c_str(), link.path().c_str()), 0);
  EXPECT_EQ(kind_of(segment::open(link.str())), fault::not_a_channel);
  EXPECT_EQ(kind_of(segment::remove(link.str())), fault::not_a_channel);
  EXPECT_EQ(kind_of(segment::create(link.str(), small())), fault::already_exists);
}

TEST(InTheWay, a_directory_is_no_segment) {
  const scratch_name name;
  ASSERT_EQ(mkdir(name.path().c_str(), 0700), 0);
  EXPECT_EQ(kind_of(segment::open(name.str())), fault::not_a_channel);
  EXPECT_EQ(kind_of(segment::open(name.str(), access::read_only)), fault::not_a_channel);
  EXPECT_EQ(kind_of(segment::create(name.str(), small())), fault::already_exists);
  EXPECT_EQ(kind_of(segment::remove(name.str(), true)), fault::not_a_channel);
  ASSERT_EQ(rmdir(name.path().c_str()), 0);
}

TEST(InTheWay, a_socket_is_no_segment) {
  const scratch_name name;
  ASSERT_EQ(mknod(name.path().c_str(), S_IFSOCK | 0600, 0), 0);
  EXPECT_EQ(kind_of(segment::open(name.str())), fault::not_a_channel);
  EXPECT_EQ(kind_of(segment::remove(name.str(), true)), fault::not_a_channel);
}

TEST(InTheWay, a_named_pipe_is_no_segment_and_holds_nobody_up) {
  const scratch_name name;
  ASSERT_EQ(mkfifo(name.path().c_str(), 0600), 0);
  EXPECT_EQ(kind_of(segment::open(name.str())), fault::not_a_channel);
  EXPECT_EQ(kind_of(segment::open(name.str(), access::read_only)), fault::not_a_channel);
}

TEST(InTheWay, a_foreign_file_is_no_segment_and_is_never_removed) {
  const scratch_name name;
  write_file(name.path(), std::string_view());
  EXPECT_EQ(kind_of(segment::open(name.str())), fault::not_a_channel);
  const auto foreign = pattern(8192, 1);
  write_file(name.path(), foreign);
  EXPECT_EQ(kind_of(segment::open(name.str())), fault::not_a_channel);
  EXPECT_EQ(kind_of(segment::remove(name.str(), true)), fault::not_a_channel);
  EXPECT_EQ(file_content(name.path(), 8192), foreign);
}

TEST(InTheWay, a_segment_cut_short_anywhere_is_refused) {
  const scratch_name name;
  ASSERT_TRUE(segment::create(name.str(), small()));
  const auto size = static_cast<off_t>(*segment::bytes_for(small()));
  for (const off_t left : {size - 1, size / 2, off_t{4096}, off_t{112}}) {
    ASSERT_EQ(truncate(name.path().c_str(), left), 0);
    const auto refused = why(segment::open(name.str()));
    EXPECT_EQ(refused.kind, fault::damaged) << left;
    EXPECT_THAT(refused.message, HasSubstr("truncated")) << left;
  }
  ASSERT_EQ(truncate(name.path().c_str(), 111), 0);
  EXPECT_EQ(kind_of(segment::open(name.str())), fault::not_a_channel);
}

TEST(InTheWay, another_version_and_a_bad_checksum_are_told_apart) {
  const scratch_name name;
  ASSERT_TRUE(segment::create(name.str(), small()));
  auto whole = file_content(name.path(), 1 << 20);
  geometry shape;
  std::memcpy(&shape, whole.data(), sizeof shape);
  shape.version = 99;
  finish_geometry(shape);
  std::memcpy(whole.data(), &shape, sizeof shape);
  write_file(name.path(), whole);
  const auto version = why(segment::open(name.str()));
  EXPECT_EQ(version.kind, fault::incompatible);
  EXPECT_THAT(version.message, HasSubstr("99"));
  EXPECT_EQ(kind_of(segment::remove(name.str())), fault::incompatible);
  EXPECT_TRUE(segment::remove(name.str(), true));

  shape.version = plan_geometry({.capacity = 4096}).value().version;
  finish_geometry(shape);
  ++shape.checksum;
  std::memcpy(whole.data(), &shape, sizeof shape);
  write_file(name.path(), whole);
  EXPECT_EQ(kind_of(segment::open(name.str())), fault::damaged);
  const auto refused = why(segment::remove(name.str()));
  EXPECT_EQ(refused.kind, fault::damaged);
  EXPECT_THAT(refused.message, HasSubstr("force"));
  EXPECT_TRUE(segment::remove(name.str(), true));
}

TEST(InTheWay, a_lone_producers_ring_with_two_of_them_is_damaged) {
  const scratch_name name;
  auto shape = segment::create(name.str(), small()).value().geometry();
  ASSERT_EQ(shape.topology, topology::spsc);
  shape.producers = 2;
  finish_geometry(shape);
  EXPECT_FALSE(check_geometry(shape, shape.segment_bytes, name.str()));
  shape.producers = 1;
  finish_geometry(shape);
  EXPECT_TRUE(check_geometry(shape, shape.segment_bytes, name.str()));
}

// What lies where is a promise: whoever changes it changes the version.
TEST(Layout, is_the_one_of_its_version) {
  ring_options shape{.capacity = 4096, .max_message = 100};
  const auto small = plan_geometry(shape).value();
  EXPECT_EQ(small.control_offset, 4096u);
  EXPECT_EQ(small.producers_offset, 8192u);
  EXPECT_EQ(small.data_offset, 12288u);
  EXPECT_EQ(small.segment_bytes, 12288u + 4096 + 4096);
  EXPECT_EQ(small.transient, 0u);
  shape.transient = true;
  EXPECT_EQ(plan_geometry(shape).value().transient, 1u);
}

// Rights. Root passes every check of the system, so where the tests are root's, another user asks.

template <class Work>
int as_another_user(Work work) {
  return child([&] {
           if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0)) return 99;
           return static_cast<int>(work());
         })
      .exit_status();
}

TEST(Rights, a_segment_that_we_may_not_open_says_so) {
  const scratch_name name;
  ring_options shape = small();
  shape.mode = geteuid() == 0 ? 0600 : 0;
  ASSERT_TRUE(segment::create(name.str(), shape));
  EXPECT_EQ(as_another_user([&] { return kind_of(segment::open(name.str())); }),
            static_cast<int>(fault::no_permission));
}

TEST(Rights, a_segment_that_may_only_be_read_is_inspected_and_not_attached) {
  const scratch_name name;
  ring_options shape = small();
  shape.mode = geteuid() == 0 ? 0644 : 0444;
  ASSERT_TRUE(segment::create(name.str(), shape));
  EXPECT_EQ(as_another_user([&] { return kind_of(segment::open(name.str())); }),
            static_cast<int>(fault::no_permission));
  EXPECT_EQ(as_another_user([&] {
              auto seen = segment::open(name.str(), access::read_only);
              if (!seen || !inspect(*seen)) return 1;
              return spsc_producer::attach(*seen) ? 2 : 0;
            }),
            0);
}

// Root alone can give a file away; for others, the file of a third does.
TEST(Rights, a_segment_of_a_third_user_is_opened_only_when_that_is_meant) {
  const scratch_name name;
  ring_options shape = small();
  shape.mode = 0666;
  ASSERT_TRUE(segment::create(name.str(), shape));
  if (chown(name.path().c_str(), 12345, 12345) != 0) {
    ASSERT_NE(geteuid(), 0u);
    ASSERT_TRUE(segment::open(name.str()));  // still ours
    return;
  }
  const auto refused = why(segment::open(name.str()));
  EXPECT_EQ(refused.kind, fault::no_permission);
  EXPECT_THAT(refused.message, HasSubstr("12345"));
  EXPECT_TRUE(segment::open(name.str(), access::read_write, ownership::any));
  EXPECT_EQ(kind_of(segment::remove(name.str(), true)), fault::no_permission);
}

TEST(Rights, roots_segment_is_trusted_by_everyone) {
  const scratch_name name;
  ring_options shape = small();
  shape.mode = 0666;
  ASSERT_TRUE(segment::create(name.str(), shape));
  EXPECT_EQ(as_another_user([&] { return segment::open(name.str()) ? 0 : 1; }), 0);
}

}  // namespace
}  // namespace annulus::testing
