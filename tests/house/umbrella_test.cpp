#include "pathline/pathline.hpp"  // first: it has to compile alone

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>
#include <string>

#include <gtest/gtest.h>

#include "pathline/density.hpp"
#include "pathline/version.hpp"
#include "paths.hpp"

namespace pathline {
namespace {

namespace fs = std::filesystem;

std::string contents_of(const fs::path& file) {
  std::ostringstream out;
  out << std::ifstream(file).rdbuf();
  return out.str();
}

// A new header is added to pathline.hpp, in the order of the alphabet.
TEST(Umbrella, IncludesEveryPublicHeaderButTheCommandLines) {
  const fs::path include = fs::path(source_dir()) / "include";
  std::set<std::string> expected;
  for (const auto& entry : fs::recursive_directory_iterator(include / "pathline")) {
    const auto path = entry.path().lexically_relative(include);
    const bool in_module = std::distance(path.begin(), path.end()) == 3;
    if (entry.is_regular_file() && in_module && *std::next(path.begin()) != "app")
      expected.insert(path.generic_string());
  }
  const std::string text = contents_of(include / "pathline" / "pathline.hpp");
  const std::regex line("#include \"([^\"]+)\"");
  std::vector<std::string> found;
  for (auto at = std::sregex_iterator(text.begin(), text.end(), line); at != std::sregex_iterator(); ++at)
    found.push_back((*at)[1]);
  EXPECT_EQ(std::set<std::string>(found.begin(), found.end()), expected);
  EXPECT_TRUE(std::is_sorted(found.begin(), found.end()));
}

TEST(Version, IsTheSameInHeaderAndLibrary) {
  EXPECT_STREQ(version(), PATHLINE_VERSION);
  EXPECT_EQ(std::to_string(PATHLINE_VERSION_MAJOR) + "." + std::to_string(PATHLINE_VERSION_MINOR) + "." +
                std::to_string(PATHLINE_VERSION_PATCH),
            PATHLINE_VERSION);
}

}  // namespace
}  // namespace pathline
