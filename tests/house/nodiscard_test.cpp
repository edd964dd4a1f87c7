// A function of the public headers that is called for its value alone is [[nodiscard]].
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>

#include "paths.hpp"

namespace pathline {
namespace {

namespace fs = std::filesystem;

// These do something beside, and the value is often not wanted: the norm before clipping, the card of a file that is
// read into a flow, a draw that is skipped, the exit code, the course of the losses.
const std::set<std::string> kDoMore{"clip_norm", "read_parameters_into", "normal",   "uniform", "uniform_index",
                                    "run_app",   "train_recipe",         "minimize", "fit"};

// The name of the function that a line at the outermost level declares without [[nodiscard]]; "" if it declares none.
std::string plain_function(const std::string& line) {
  static const std::regex declaration(
      R"(^(template <[^>]*> )?(inline |constexpr )*([A-Za-z_][\w:]*)[\w:<>, ]*[&*]? [&*]?([a-z_][a-z_0-9]*)\(.*)");
  static const std::set<std::string> other{"extern", "struct", "class",    "enum",  "using",
                                           "void",   "return", "template", "friend"};
  std::smatch parts;
  if (!std::regex_match(line, parts, declaration) || other.count(parts[3]) || kDoMore.count(parts[4])) return "";
  return parts[4];
}

TEST(NoDiscard, ScanFindsAFunctionThatGivesAValue) {
  EXPECT_EQ(plain_function("double area(const Circle& circle);"), "area");
  EXPECT_EQ(plain_function("template <class S> std::vector<Matrix<S>> parts(int n) {"), "parts");
  EXPECT_EQ(plain_function("const std::string& name_of(int n);"), "name_of");
  EXPECT_EQ(plain_function("[[nodiscard]] double area(const Circle& circle);"), "");
  EXPECT_EQ(plain_function("void draw(const Circle& circle);"), "");
  EXPECT_EQ(plain_function("extern template double area<float>(const Circle& circle);"), "");
  EXPECT_EQ(plain_function("  double area() const;"), "");
  EXPECT_EQ(plain_function("double clip_norm(VectorRef<double> gradient, double max_norm);"), "");
}

TEST(NoDiscard, EveryPublicFunctionOfAValueHasIt) {
  std::vector<std::string> found;
  std::size_t with = 0;
  for (const auto& entry : fs::recursive_directory_iterator(fs::path(source_dir()) / "include")) {
    if (!entry.is_regular_file()) continue;
    std::ifstream in(entry.path());
    bool before = false;  // [[nodiscard]] on the line above
    for (std::string line; std::getline(in, line);) {
      const bool here = line.find("[[nodiscard]]") != std::string::npos;
      with += here;
      if (const auto name = plain_function(line); !name.empty() && !here && !before)
        found.push_back(entry.path().filename().string() + ": " + name);
      before = here && line.find('(') == std::string::npos;
    }
  }
  EXPECT_THAT(found, testing::IsEmpty());
  EXPECT_GT(with, 50u);
}

}  // namespace
}  // namespace pathline
