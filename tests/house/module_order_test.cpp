// Reads the `#include`s of include/pathline/<module>/ and src/<module>/ and fails on one that goes against the
// order of modules, or that brings a third party past its adapter.

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "paths.hpp"
#include "scratch.hpp"

namespace pathline {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// A third party stops at its adapter: only files whose path (from the root) begins with one of `allowed` may
// have an include that begins with `header`.
struct Adapter {
  std::string header;
  std::vector<std::string> allowed;
};

struct Rules {
  std::vector<std::string> order;                        // low to high: an include goes down, or stays
  std::map<std::string, std::vector<std::string>> only;  // narrower: the modules this one may include
  std::vector<Adapter> adapters;
};

// The order of the design, section 3: edit here when a module is added.
const Rules& rules() {
  static const Rules table{
      .order = {"core", "io", "data", "fit", "field", "trace", "ode", "adjoint", "transform", "flow", "objective",
                "optim", "regression", "dynamics", "checkpoint", "verify", "train", "recipe", "app"},
      .only = {{"io", {"core"}}, {"optim", {"core"}}, {"fit", {"core"}}},
      .adapters = {{"boost/numeric/odeint", {"src/ode/", "include/pathline/ode/"}},
                   {"boost/random", {"src/core/random.", "include/pathline/core/random."}},
                   {"hdf5", {"src/io/hdf5_"}},
                   {"H5", {"src/io/hdf5_"}},
                   {"zlib.h", {"src/io/text_lines.", "src/io/npz_table."}},
                   {"omp.h", {"src/core/parallel."}},
                   {"#pragma omp", {"src/core/parallel."}},
                   {"cairo", {"src/app/"}},
                   {"gif_lib.h", {"src/app/gif."}},
                   {"lemon/", {"src/objective/assignment."}},
                   {"CLI/", {"src/app/command_line.cpp"}},
                   {"hwy/", {"src/core/packet.", "src/core/packet_targets."}},
                   {"toml++/", {"src/core/toml."}},
                   // A program that embeds pathline has Eigen and Boost's headers; it need not have these.
                   {"fmt/", {"src/"}},
                   {"spdlog/", {"src/"}},
                   {"nlohmann/", {"src/"}}},
  };
  return table;
}

bool begins(const std::string& text, const std::string& with) { return text.compare(0, with.size(), with) == 0; }

template <class C, class T> bool contains(const C& list, const T& item) {
  return std::find(std::begin(list), std::end(list), item) != std::end(list);
}

struct Directive {
  int line;
  std::string name;  // what stands between the quotes or brackets of an #include; "#pragma omp"
};

// `#include "name"`, `#  include <name>`; a commented-out one does not count.
std::vector<Directive> directives(const fs::path& file) {
  std::vector<Directive> found;
  std::ifstream in(file);
  std::string text;
  for (int line = 1; std::getline(in, text); ++line) {
    auto at = text.find_first_not_of(" \t");
    if (at == std::string::npos || text[at] != '#') continue;
    at = std::min(text.find_first_not_of(" \t", at + 1), text.size());
    if (text.compare(at, 10, "pragma omp") == 0) found.push_back({line, "#pragma omp"});
    if (text.compare(at, 7, "include") != 0) continue;
    const auto open = text.find_first_of("\"<", at + 7);
    const auto close = open == std::string::npos ? open : text.find_first_of("\">", open + 1);
    if (close != std::string::npos) found.push_back({line, text.substr(open + 1, close - open - 1)});
  }
  return found;
}

struct SourceFile {
  std::string path;    // from the root
  std::string module;  // "" directly under include/pathline: an umbrella, which may include anything
  std::string stem;
  bool header;
};

std::vector<SourceFile> source_files(const fs::path& root) {
  std::vector<SourceFile> files;
  for (const auto* top : {"include/pathline", "src"}) {
    if (!fs::exists(root / top)) continue;
    for (const auto& entry : fs::recursive_directory_iterator(root / top)) {
      const auto& path = entry.path();
      if (!contains(std::vector<std::string>{".hpp", ".h", ".cpp"}, path.extension().string())) continue;
      const auto inside = path.lexically_relative(root / top);
      files.push_back({path.lexically_relative(root).generic_string(),
                       inside.has_parent_path() ? inside.begin()->string() : "", path.stem().string(),
                       path.extension() != ".cpp"});
    }
  }
  std::sort(files.begin(), files.end(), [](const auto& a, const auto& b) { return a.path < b.path; });
  return files;
}

// What an include of module `to` by module `from` breaks; "" if nothing.
std::string order_violation(const std::string& from, const std::string& to) {
  const auto& order = rules().order;
  if (from == to) return "";
  if (std::find(order.begin(), order.end(), to) > std::find(order.begin(), order.end(), from))
    return "'" + from + "' is below '" + to + "'";
  const auto only = rules().only.find(from);
  if (only != rules().only.end() && !contains(only->second, to))
    return "'" + from + "' does not depend on '" + to + "'";
  return "";
}

// What one include breaks; "" if nothing.
std::string include_violation(const SourceFile& file, const std::string& include) {
  if (begins(include, "../")) return "hides its module: write it in full";
  for (const auto& adapter : rules().adapters) {
    const auto here = [&](const std::string& allowed) { return begins(file.path, allowed); };
    if (begins(include, adapter.header) && std::none_of(adapter.allowed.begin(), adapter.allowed.end(), here))
      return "stops at its adapter, " + adapter.allowed.front();
  }
  // "pathline/ode/solve.hpp", and "ode/tape.hpp" for the headers in src.
  const bool is_public = begins(include, "pathline/");
  const auto inside = fs::path(is_public ? include.substr(9) : include);
  if (!inside.has_parent_path() || file.module.empty()) return "";
  const auto module = inside.begin()->string();
  if (contains(rules().order, module)) return order_violation(file.module, module);
  return is_public ? "is of a module that has no place in the order" : "";
}

// "Hdf5Node" for "hdf5_node".
std::string class_name(const std::string& stem) {
  std::string name;
  for (std::size_t i = 0; i < stem.size(); ++i)
    if (stem[i] != '_') name += i == 0 || stem[i - 1] == '_' ? static_cast<char>(std::toupper(stem[i])) : stem[i];
  return name;
}

bool declares_class(const fs::path& header, const std::string& name) {
  std::ifstream in(header);
  for (std::string line; std::getline(in, line);)
    if (begins(line, "class " + name + " ")) return true;
  return false;
}

// Whether one of these headers of a module has the declarations of a source of this stem. x.cpp has x.hpp. One of several
// kinds of a noun is <kind>_<noun>.cpp beside <noun>.hpp. One of several classes of x.hpp is x_<class>.cpp: hdf5_node.cpp
// has Hdf5Node of hdf5.hpp.
bool has_header(std::string stem, const std::map<std::string, fs::path>& headers) {
  for (auto end = stem.rfind('_'); end != std::string::npos && end > 0; end = stem.rfind('_', end - 1))
    if (const auto header = headers.find(stem.substr(0, end)); header != headers.end())
      if (declares_class(header->second, class_name(stem))) return true;
  while (!headers.count(stem)) {
    const auto underscore = stem.find('_');
    if (underscore == std::string::npos) return false;
    stem = stem.substr(underscore + 1);
  }
  return true;
}

// One line a violation, "path:line: what", in the order of the paths. Empty: the tree keeps the rules.
std::vector<std::string> violations(const fs::path& root) {
  const auto files = source_files(root);
  std::map<std::string, std::map<std::string, fs::path>> headers;  // of each module, by their stems
  for (const auto& file : files)
    if (file.header) headers[file.module].emplace(file.stem, root / file.path);

  std::vector<std::string> found;
  for (const auto& file : files) {
    if (!file.module.empty() && !contains(rules().order, file.module)) {
      found.push_back(file.path + ":1: module '" + file.module + "' has no place in the order");
      continue;
    }
    if (!file.header && !has_header(file.stem, headers[file.module]))
      found.push_back(file.path + ":1: no header " + file.stem + ".hpp in module '" + file.module + "'");
    for (const auto& [line, name] : directives(root / file.path)) {
      const auto what = include_violation(file, name);
      if (!what.empty()) found.push_back(file.path + ":" + std::to_string(line) + ": " + name + ": " + what);
    }
  }
  return found;
}

TEST(ModuleOrder, IncludesGoDownAndThirdPartiesStopAtTheirAdapter) {
  const auto found = violations(source_dir());
  std::string list;
  for (const auto& line : found) list += line + "\n";
  EXPECT_THAT(found, IsEmpty()) << list;
}

TEST(ModuleOrder, LooksAtTheRealTree) {
  EXPECT_GT(source_files(source_dir()).size(), 10u);
  EXPECT_FALSE(directives(fs::path(source_dir()) / "include/pathline/core/random.hpp").empty());
}

// The scanner itself, on trees made for it.
class ModuleOrderScan : public Scratch {
 protected:
  void write(const std::string& path, const std::string& text = "") {
    fs::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path) << text;
  }
  std::vector<std::string> scan() const { return violations(root_); }
};

TEST_F(ModuleOrderScan, DownwardIncludesPass) {
  write("include/pathline/core/types.hpp", "#include <Eigen/Core>\n");
  write("include/pathline/ode/solve.hpp",
        "#include \"pathline/core/types.hpp\"\n#include <boost/numeric/odeint.hpp>\n");
  write("src/ode/solve.cpp", "#include \"pathline/ode/solve.hpp\"\n#include \"ode/tape.hpp\"\n#include <fmt/core.h>\n");
  write("src/ode/tape.hpp");
  write("include/pathline/pathline.hpp", "#include \"pathline/ode/solve.hpp\"\n");
  EXPECT_THAT(scan(), IsEmpty());
}

TEST_F(ModuleOrderScan, UpwardIncludeFailsWithFileAndLine) {
  write("include/pathline/ode/solve.hpp", "// text\n\n#include \"pathline/adjoint/backsolve.hpp\"\n");
  EXPECT_THAT(scan(), ElementsAre("include/pathline/ode/solve.hpp:3: pathline/adjoint/backsolve.hpp: 'ode' is below "
                                  "'adjoint'"));
}

TEST_F(ModuleOrderScan, UpwardIncludeFailsInEverySpelling) {
  write("src/core/a.hpp", "  #  include <pathline/train/loop.hpp>\n");
  write("src/core/b.hpp", "#include \"train/loop.hpp\"\n");
  write("src/core/c.hpp", "#include \"../train/loop.hpp\"\n");
  write("src/core/deep/d.hpp", "#include \"pathline/app/app.hpp\"\n");
  EXPECT_THAT(scan(),
              ElementsAre(HasSubstr("a.hpp:1"), HasSubstr("b.hpp:1"), HasSubstr("c.hpp:1"), HasSubstr("d.hpp:1")));
}

TEST_F(ModuleOrderScan, CommentedOutIncludePasses) {
  write("src/core/a.hpp", "// #include \"pathline/train/loop.hpp\"\n#\n");
  EXPECT_THAT(scan(), IsEmpty());
}

TEST_F(ModuleOrderScan, ModuleThatStandsAloneFailsOnALowerOne) {
  write("src/optim/adam.hpp", "#include \"pathline/core/types.hpp\"\n#include \"pathline/flow/flow.hpp\"\n");
  EXPECT_THAT(scan(), ElementsAre(HasSubstr("adam.hpp:2: pathline/flow/flow.hpp: 'optim' does not depend on 'flow'")));
}

TEST_F(ModuleOrderScan, ThirdPartyPastItsAdapterFails) {
  write("include/pathline/core/text.hpp", "#include <fmt/core.h>\n");
  write("src/core/random.hpp", "#include <boost/random.hpp>\n#pragma omp parallel\n");
  write("src/flow/flow.hpp", "#include <hdf5.h>\n#include <cairo/cairo.h>\n#include <boost/numeric/odeint.hpp>\n");
  write("src/train/loop.hpp", "#include <toml++/toml.h>\n#include <CLI/CLI.hpp>\n");
  write("src/core/toml.hpp", "#include <toml++/toml.h>\n");
  EXPECT_THAT(scan(), ElementsAre(HasSubstr("include/pathline/core/text.hpp:1"), HasSubstr("src/core/random.hpp:2"),
                                  HasSubstr("flow.hpp:1"), HasSubstr("flow.hpp:2"), HasSubstr("flow.hpp:3"),
                                  HasSubstr("loop.hpp:1"), HasSubstr("loop.hpp:2")));
}

TEST_F(ModuleOrderScan, ModuleWithoutAPlaceFails) {
  write("src/misc/helpers.hpp");
  write("src/core/a.hpp", "#include \"pathline/misc/helpers.hpp\"\n");
  EXPECT_THAT(scan(), ElementsAre(HasSubstr("src/core/a.hpp:1"), HasSubstr("src/misc/helpers.hpp:1: module 'misc'")));
}

TEST_F(ModuleOrderScan, SourceWithoutAHeaderOfItsStemFails) {
  write("include/pathline/data/toy.hpp");
  write("src/data/toy.cpp");
  write("src/data/ring_toy.cpp");
  write("src/data/ring.cpp");
  EXPECT_THAT(scan(), ElementsAre("src/data/ring.cpp:1: no header ring.hpp in module 'data'"));
}

TEST_F(ModuleOrderScan, SourceOfOneOfTheClassesOfAHeaderPassesIfTheHeaderHasTheClass) {
  write("include/pathline/io/hdf5.hpp", "class Hdf5Node {};\nclass Hdf5Dataset : public Hdf5Node {};\n");
  write("src/io/hdf5_node.cpp");
  write("src/io/hdf5_dataset.cpp");
  write("src/io/hdf5_tree.cpp");
  EXPECT_THAT(scan(), ElementsAre("src/io/hdf5_tree.cpp:1: no header hdf5_tree.hpp in module 'io'"));
}

TEST_F(ModuleOrderScan, OnlySourcesOfTheAdapterIncludeHdf5) {
  write("src/io/hdf5_type.hpp", "#include <hdf5.h>\n");
  write("src/io/table.hpp", "#include <hdf5.h>\n#include \"pathline/io/hdf5.hpp\"\n");
  EXPECT_THAT(scan(), ElementsAre("src/io/table.hpp:1: hdf5.h: stops at its adapter, src/io/hdf5_"));
}

}  // namespace
}  // namespace pathline
