// The steps by which a name comes and goes, against the rules of Windows, which wine does not
// enforce: a file that is to be deleted is not renamed, and keeps its name until it is gone.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <set>
#include <string>

#include <annulus/channel/windows/naming.hpp>

namespace annulus::testing {
namespace {

struct rules {
  std::set<std::string> taken;  // names of other files
  std::string name;
  bool is_deleted = false;
  bool is_mapped = false;  // then it cannot be deleted
};

struct file_by_rules {
  rules& of;

  bool set_deleted(bool is_deleted) {
    if (is_deleted && of.is_mapped) return refused(EACCES);
    of.is_deleted = is_deleted;
    return true;
  }
  bool rename(const std::string& to) {
    if (of.is_deleted) return refused(EACCES);
    if (of.taken.contains(to)) return refused(EEXIST);
    of.name = to;
    return true;
  }

 private:
  static bool refused(int why) {
    errno = why;
    return false;
  }
};

TEST(WindowsNaming, gives_a_name_to_a_file_that_would_go_and_keeps_it) {
  rules file{{}, "passing", true};
  EXPECT_TRUE(windows::give_name(file_by_rules{file}, "name"));
  EXPECT_EQ(file.name, "name");
  EXPECT_FALSE(file.is_deleted);
}

TEST(WindowsNaming, lets_a_file_go_whose_name_is_taken_and_says_that_it_is) {
  rules file{{"name"}, "passing", true};
  EXPECT_FALSE(windows::give_name(file_by_rules{file}, "name"));
  EXPECT_EQ(errno, EEXIST);
  EXPECT_EQ(file.name, "passing");
  EXPECT_TRUE(file.is_deleted);
}

TEST(WindowsNaming, frees_a_name_at_once_and_the_file_goes_later) {
  rules file{{}, "name"};
  EXPECT_TRUE(windows::take_name(file_by_rules{file}, "passing"));
  EXPECT_EQ(file.name, "passing");
  EXPECT_TRUE(file.is_deleted);
}

TEST(WindowsNaming, frees_the_name_of_a_file_that_is_mapped_too) {
  rules file{{}, "name", false, true};
  EXPECT_TRUE(windows::take_name(file_by_rules{file}, "passing"));
  EXPECT_EQ(file.name, "passing");
}

TEST(WindowsNaming, deletes_no_file_whose_name_it_could_not_free) {
  rules file{{"passing"}, "name"};
  EXPECT_FALSE(windows::take_name(file_by_rules{file}, "passing"));
  EXPECT_EQ(errno, EEXIST);
  EXPECT_FALSE(file.is_deleted);
}

}  // namespace
}  // namespace annulus::testing
