// Where the command's channels live, and what becomes of it when their names go away.
#include "command.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include <annulus/channel/directory.hpp>

namespace annulus::testing {
namespace {

using cli::exit_code;
using ::testing::HasSubstr;
using ::testing::Not;

std::string in(const place& at, const std::string& folder) {
  std::filesystem::create_directory(at.path(folder));
  return at.path(folder);
}

TEST(CliDirectory, is_said_to_every_subcommand_in_its_own_words_or_in_the_name) {
  const place at;
  const auto here = in(at, "here");
  for (const auto& name : {at.endpoint(), at.pipe(), at.any()}) {
    ASSERT_EQ(annulus_says(at, {"create", name, "--dir", here}).code, 0);
    EXPECT_EQ(annulus_says(at, {"stat", name}).code, code(exit_code::not_found)) << name;
    EXPECT_EQ(annulus_says(at, {"stat", name + "?dir=" + here}).code, 0) << name;
    EXPECT_THAT(annulus_says(at, {"stat", "--dir", here}).out, HasSubstr(at.ring())) << name;
    EXPECT_THAT(annulus_says(at, {"stat"}).out, Not(HasSubstr(at.ring()))) << name;
    run sends({"send", name, "--dir", here, "--lines"}, {.in = at.write("in", "hello\n")});
    EXPECT_EQ(annulus_says(at, {"recv", name + "?dir=" + here, "--lines", "--timeout", "10s"}).out,
              "hello\n");
    EXPECT_EQ(sends.wait(), 0);
    EXPECT_EQ(annulus_says(at, {"remove", name, "--dir", here}).code, 0) << name;
    EXPECT_TRUE(std::filesystem::is_empty(here)) << name;
  }
  EXPECT_THAT(annulus_says(at, {"stat", "--dir", here}).out, HasSubstr("no pipes in " + here));
  const auto bad = annulus_says(at, {"create", at.pipe(), "--dir", here + "/missing"});
  EXPECT_EQ(bad.code, code(exit_code::usage));
  EXPECT_THAT(bad.err, HasSubstr(here + "/missing"));
}

TEST(CliDirectory, and_file_are_told_when_the_other_side_does_not_come) {
  const place at;
  const auto ring = files::directory() + "/annulus." + at.ring();
  const auto waits_at = [&](const std::vector<std::string>& words, const std::string& path) {
    const auto said = annulus_says(at, words, "hello\n");
    EXPECT_EQ(said.code, code(exit_code::timed_out)) << said.err;
    EXPECT_THAT(said.err, HasSubstr("at " + path)) << words[0];
    EXPECT_THAT(said.err, HasSubstr("same directory: ANNULUS_DIR, --dir or dir=")) << words[0];
  };
  ASSERT_EQ(annulus_says(at, {"create", at.endpoint()}).code, 0);
  waits_at({"recv", at.endpoint(), "--timeout", "1200ms"}, ring);
  waits_at({"send", at.pipe(), "--timeout", "1200ms"}, at.left(".pipe"));
}

}  // namespace
}  // namespace annulus::testing
