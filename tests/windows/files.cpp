// Segments as files on Windows: names, directories, rights, removal, and what dies half made.
#include "bytes.hpp"
#include "names.hpp"
#include "peer.hpp"
#include <aclapi.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include <annulus/channel/directory.hpp>
#include <annulus/channel/windows/handle.hpp>
#include <annulus/ring/ring.hpp>

namespace annulus::testing {
namespace {

using ::testing::HasSubstr;

bool is_there(const std::string& path) {
  return GetFileAttributesW(windows::wide(path).c_str()) != INVALID_FILE_ATTRIBUTES;
}

// How many files of this pattern the directory has.
int count_of(const std::string& pattern) {
  WIN32_FIND_DATAW found{};
  const auto all =
      FindFirstFileW(windows::wide(files::directory() + "\\" + pattern).c_str(), &found);
  if (all == INVALID_HANDLE_VALUE) return 0;
  int out = 1;
  while (FindNextFileW(all, &found) != 0) ++out;
  FindClose(all);
  return out;
}

TEST(WindowsSegment, is_a_file_by_its_name_in_the_directory_of_the_user) {
  const scratch_name name;
  const auto made = segment::create(name.str()).value();
  EXPECT_TRUE(is_there(name.path()));
  EXPECT_THAT(files::directory(), ::testing::EndsWith("\\annulus"));
  EXPECT_EQ(segment::create(name.str()).error().kind, fault::already_exists);
  EXPECT_EQ(segment::open(name.str()).value().geometry().key, made.geometry().key);
}

TEST(WindowsSegment, that_was_not_made_leaves_no_file) {
  const scratch_name name;
  const auto before = count_of("annulus.~*");
  const auto made = segment::create(name.str()).value();
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(segment::create(name.str()));
  { const auto never_named = files::unnamed(name.path() + ".other", 0600); }
  EXPECT_EQ(count_of("annulus.~*"), before);
}

TEST(WindowsSegment, stays_until_it_is_removed_and_its_name_is_free_at_once) {
  const scratch_name name;
  { (void)segment::create(name.str()).value(); }
  auto open = segment::open(name.str()).value();
  auto tx = spsc_producer::attach(open).value();
  EXPECT_FALSE(tx.has_lost_name());
  EXPECT_EQ(segment::remove(name.str()).error().kind, fault::in_use);
  EXPECT_TRUE(segment::remove(name.str(), true));
  EXPECT_FALSE(is_there(name.path()));
  EXPECT_TRUE(tx.has_lost_name());
  EXPECT_EQ(segment::open(name.str()).error().kind, fault::not_found);
  const auto again = segment::create(name.str());
  EXPECT_TRUE(again) << again.error().message;
  EXPECT_TRUE(tx.has_lost_name());
}

TEST(WindowsSegment, keeps_its_messages_while_nobody_has_it_open) {
  const scratch_name name;
  {
    const auto made = segment::create(name.str()).value();
    auto tx = spsc_producer::attach(made).value();
    ASSERT_EQ(tx.try_push(bytes("kept")), status::ok);
  }
  auto rx = spsc_consumer::attach(segment::open(name.str()).value()).value();
  EXPECT_EQ(text(rx.try_read().bytes()), "kept");
}

TEST(WindowsSegment, may_have_a_name_that_is_long_or_ends_in_a_dot) {
  for (const auto& name : {std::string(200, 'x'), std::string("ends.")}) {
    (void)segment::remove(name, true);
    const auto made = segment::create(name);
    ASSERT_TRUE(made) << made.error().message;
    EXPECT_TRUE(segment::open(name));
    EXPECT_TRUE(segment::remove(name));
  }
  const auto with_dot = segment::create("ends.");
  const auto without = segment::create("ends");
  EXPECT_TRUE(with_dot && without);
  EXPECT_TRUE(segment::remove("ends.") && segment::remove("ends"));
  EXPECT_EQ(segment::create(std::string(201, 'x')).error().kind, fault::bad_argument);
}

TEST(WindowsSegment, may_have_a_path_and_must_not_be_a_directory_or_another_file) {
  const auto path = files::directory() + "\\a segment.of tests";
  (void)segment::remove(path, true);
  EXPECT_TRUE(segment::create(path));
  EXPECT_TRUE(segment::remove(path));
  EXPECT_EQ(segment::open(files::directory() + "\\").error().kind, fault::not_a_channel);
  const auto other = files::unnamed(path, 0600);
  ASSERT_EQ(files::write_at(other.number(), "other", 5, 0), 5);
  ASSERT_TRUE(files::publish(other.number(), path));
  EXPECT_EQ(segment::open(path).error().kind, fault::not_a_channel);
  EXPECT_EQ(segment::remove(path, true).error().kind, fault::not_a_channel);
  EXPECT_TRUE(files::remove(path));
  EXPECT_EQ(segment::open("relative\\name").error().kind, fault::bad_argument);
  EXPECT_EQ(segment::open("\\\\.\\pipe\\name").error().kind, fault::bad_argument);
}

TEST(WindowsSegment, needs_a_directory_that_is_there) {
  SetEnvironmentVariableW(L"ANNULUS_DIR", L"C:\\no such directory");
  const auto made = segment::create("nowhere");
  SetEnvironmentVariableW(L"ANNULUS_DIR", L"relative");
  const auto relative = segment::create("nowhere");
  SetEnvironmentVariableW(L"ANNULUS_DIR", nullptr);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().kind, fault::bad_argument);
  EXPECT_THAT(made.error().message, HasSubstr("ANNULUS_DIR"));
  EXPECT_EQ(relative.error().kind, fault::bad_argument);
}

TEST(WindowsSegment, of_mode_0600_is_made_for_its_owner_only) {
  // What is asked of the system; wine keeps no such list.
  const auto* const asked = windows::owner_only();
  ASSERT_NE(asked, nullptr);
  EXPECT_FALSE(asked->bInheritHandle);
  PACL list = nullptr;
  BOOL is_there = FALSE, is_default = FALSE;
  ASSERT_TRUE(
      GetSecurityDescriptorDacl(asked->lpSecurityDescriptor, &is_there, &list, &is_default));
  ASSERT_TRUE(is_there);
  ASSERT_NE(list, nullptr);
  EXPECT_EQ(list->AceCount, 1u);
  SECURITY_DESCRIPTOR_CONTROL control = 0;
  DWORD revision = 0;
  ASSERT_TRUE(GetSecurityDescriptorControl(asked->lpSecurityDescriptor, &control, &revision));
  EXPECT_NE(control & SE_DACL_PROTECTED, 0);
}

TEST(WindowsSegment, without_a_name_is_gone_with_its_last_handle) {
  const auto made = segment::anonymous({.capacity = 4096}).value();
  EXPECT_FALSE(made.is_sealed());
  auto tx = spsc_producer::attach(made).value();
  const auto same = segment::from_file(made.file()).value();
  auto rx = spsc_consumer::attach(same).value();
  ASSERT_EQ(tx.try_push(bytes("here")), status::ok);
  EXPECT_EQ(text(rx.try_read().bytes()), "here");
}

TEST(WindowsSegment, that_is_mapped_cannot_be_cut_off) {
  const scratch_name name;
  const auto made = segment::create(name.str()).value();
  const auto tx = spsc_producer::attach(made).value();
  const auto file = files::existing(name.path(), access::read_write);
  EXPECT_NE(files::set_size(file.number(), 4096, 4096), 0);
}

TEST(WindowsSegment, that_is_cut_off_or_damaged_is_refused_by_name) {
  const scratch_name name;
  { (void)segment::create(name.str()).value(); }
  auto file = files::existing(name.path(), access::read_write);
  ASSERT_EQ(files::set_size(file.number(), 8192, 8192), 0);
  const auto cut_off = segment::open(name.str());
  EXPECT_EQ(cut_off.error().kind, fault::damaged);
  EXPECT_THAT(cut_off.error().message, HasSubstr("truncated"));
  EXPECT_EQ(segment::remove(name.str()).error().kind, fault::damaged);
  EXPECT_TRUE(segment::remove(name.str(), true));
}

TEST(WindowsSegment, gives_up_a_role_that_its_thread_has_lost) {
  const auto made = segment::anonymous({.capacity = 4096}).value();
  auto* const lost = new spsc_producer(spsc_producer::attach(made).value());
  EXPECT_TRUE(made.is_held(producer_role(0)));
  EXPECT_TRUE(made.abandon_role(producer_role(0)));
  EXPECT_FALSE(made.abandon_role(producer_role(0)));
  EXPECT_TRUE(spsc_producer::attach(made));
  ::testing::Mock::AllowLeak(lost);
}

}  // namespace
}  // namespace annulus::testing
