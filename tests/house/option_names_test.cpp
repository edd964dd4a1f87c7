// The library's errors name its own options, SourceOptions.columns. Keys of a recipe and options of the command line
// are named by src/recipe and src/app alone: a program that embeds the library has neither.

#include <cctype>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "pathline/recipe/recipe.hpp"
#include "paths.hpp"

namespace pathline {
namespace {

namespace fs = std::filesystem;

// The string literals of C++ text, without those in comments and #include lines.
std::vector<std::string> literals(const std::string& code) {
  std::vector<std::string> found;
  for (std::size_t i = 0; i < code.size(); ++i) {
    if (code.compare(i, 2, "//") == 0 || code.compare(i, 8, "#include") == 0) {
      i = std::min(code.find('\n', i), code.size());
    } else if (code[i] == '\'' && (i == 0 || !std::isalnum(static_cast<unsigned char>(code[i - 1])))) {
      i = code.find('\'', i + (code[i + 1] == '\\' ? 3 : 2));  // '"', and not the separator of 1'000
    } else if (code[i] == '"') {
      std::string text;
      for (++i; code[i] != '"'; ++i) {
        if (code[i] == '\\') ++i;
        text += code[i];
      }
      found.push_back(text);
    }
  }
  return found;
}

bool is_word(const std::string& text, std::size_t at) {
  return at < text.size() && (std::isalnum(static_cast<unsigned char>(text[at])) || text[at] == '_');
}

// The key of a recipe or the option of the command line that a literal names; "" if there is none. A literal that is a
// name as a whole, "train.batch", is that of a random stream.
std::string foreign_name(const std::string& text) {
  for (const auto& key : recipe_keys()) {
    const auto at = text.find(key.key);
    if (at == std::string::npos || text == key.key) continue;
    if ((at == 0 || !is_word(text, at - 1)) && !is_word(text, at + key.key.size())) return key.key;
  }
  for (const auto& table : {"model.", "solver.", "objective.", "trace.", "optimizer."})  // the end is made at run time
    if (text.ends_with(table)) return table;
  for (auto at = text.find("--"); at != std::string::npos; at = text.find("--", at + 1))
    if (is_word(text, at + 2) && (at == 0 || text[at - 1] == ' ' || text[at - 1] == '(')) return text.substr(at);
  return "";
}

TEST(OptionNames, ALiteralOfTheLibraryNamesNoKeyAndNoOption) {
  int read = 0;
  for (const std::string root : {"/src", "/include"}) {
    for (const auto& entry : fs::recursive_directory_iterator(source_dir() + root)) {
      const std::string path = entry.path().string();
      if (!entry.is_regular_file() || path.find("/app/") != path.npos || path.find("/recipe/") != path.npos) continue;
      std::ifstream file(path);
      for (const auto& text : literals({std::istreambuf_iterator<char>(file), {}})) {
        ++read;
        EXPECT_EQ(foreign_name(text), "") << path << ": \"" << text << '"';
      }
    }
  }
  EXPECT_GT(read, 1000);  // the sources were found
}

TEST(OptionNames, TheScanFindsEveryKind) {
  const auto found =
      literals("f(\"solver.rtol = \", '\"', 1'000, \"a\\\"b\"); // \"data.logit\"\n#include \"x\"\n\"--rtol\"");
  EXPECT_EQ(found, (std::vector<std::string>{"solver.rtol = ", "a\"b", "--rtol"}));
  EXPECT_EQ(foreign_name("set data.columns"), "data.columns");
  EXPECT_EQ(foreign_name("objective."), "objective.");
  EXPECT_EQ(foreign_name("leave it out with --columns"), "--columns");
  for (const auto& own : {"SourceOptions.columns", "train.batch", "/model.h5", "a -- b", "metadata.columns"})
    EXPECT_EQ(foreign_name(own), "") << own;
}

}  // namespace
}  // namespace pathline
