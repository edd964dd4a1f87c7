// docs/mathematics.md names the file and the test of each equation: both must exist.

#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <string>

#include <gtest/gtest.h>

#include "paths.hpp"

namespace pathline {
namespace {

namespace fs = std::filesystem;

std::string text_of(const fs::path& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

TEST(Mathematics, EveryFileAndTestThatItNamesExists) {
  const fs::path root = source_dir();
  std::ifstream in(root / "docs/mathematics.md");
  ASSERT_TRUE(in);
  const std::regex path("`((?:src|include|tests|models|datasets|examples)/[^` ]+)`"),
      test("`([A-Z][A-Za-z0-9]*)\\.([A-Z][A-Za-z0-9]*)`");
  int files = 0, tests = 0, number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    std::string named;  // the text of the test files of the line
    for (std::sregex_iterator i(line.begin(), line.end(), path), end; i != end; ++i, ++files) {
      const auto file = root / (*i)[1].str();
      EXPECT_TRUE(fs::is_regular_file(file)) << "line " << number << ": " << (*i)[1];
      if ((*i)[1].str().starts_with("tests/")) named += text_of(file);
    }
    for (std::sregex_iterator i(line.begin(), line.end(), test), end; i != end; ++i, ++tests) {
      const std::regex definition("TEST(_F|_P)?\\(" + (*i)[1].str() + ",\\s+" + (*i)[2].str() + "\\)");
      EXPECT_TRUE(std::regex_search(named, definition)) << "line " << number << ": " << (*i)[0];
    }
  }
  EXPECT_GT(files, 40);
  EXPECT_GT(tests, 20);
}

}  // namespace
}  // namespace pathline
