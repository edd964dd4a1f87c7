// The programs of the README are those of examples/readme_*.cpp, which are built and run.

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include <gtest/gtest.h>

#include "paths.hpp"

namespace pathline {
namespace {

std::string read(const std::filesystem::path& path) {
  std::ifstream in(path);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

TEST(Readme, ItsProgramsAreThoseThatAreRun) {
  const std::string readme = read(source_dir() + "/README.md");
  int programs = 0;
  for (auto at = readme.find("```cpp\n"); at != readme.npos; at = readme.find("```cpp\n", at + 1)) ++programs;
  int found = 0;
  for (const auto& entry : std::filesystem::directory_iterator(source_dir() + "/examples")) {
    if (!entry.path().filename().string().starts_with("readme_")) continue;
    EXPECT_NE(readme.find("```cpp\n" + read(entry.path()) + "```"), readme.npos) << entry.path();
    ++found;
  }
  EXPECT_EQ(found, programs);
}

}  // namespace
}  // namespace pathline
