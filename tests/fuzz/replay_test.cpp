// What the fuzzers found once, and seeds for them: tests/fuzz/corpus/<target>/.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>

#include <gtest/gtest.h>

#include "fuzz/targets.hpp"
#include "paths.hpp"

namespace pathline {
namespace {

namespace fs = std::filesystem;

std::string content(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

TEST(Fuzz, EveryInputOfTheCorpusIsReadOrRefused) {
  int inputs = 0;
  for (const auto& [name, target] : fuzz::targets()) {
    const fs::path corpus = fs::path(source_dir()) / "tests/fuzz/corpus" / name;
    ASSERT_TRUE(fs::is_directory(corpus)) << corpus;
    for (const auto& entry : fs::directory_iterator(corpus)) {
      SCOPED_TRACE(entry.path().string());
      EXPECT_NO_THROW(target(content(entry.path())));
      ++inputs;
    }
  }
  EXPECT_GE(inputs, 18);
}

// A fuzzer for machines without libFuzzer: random changes of the corpus.
TEST(Fuzz, RandomChangesOfTheCorpusAreReadOrRefusedSlow) {
  for (const auto& [name, target] : fuzz::targets()) {
    std::vector<std::string> seeds;
    for (const auto& entry : fs::directory_iterator(fs::path(source_dir()) / "tests/fuzz/corpus" / name))
      seeds.push_back(content(entry.path()));
    std::sort(seeds.begin(), seeds.end());  // a directory has its files in any order
    std::mt19937_64 engine(1);
    for (int i = 0; i < 300; ++i) {
      std::string bytes = seeds[engine() % seeds.size()] + std::string(1, '\0');
      for (auto changes = 1 + engine() % 6; changes > 0; --changes) {
        const auto at = engine() % bytes.size();
        if (engine() % 4 == 0) bytes.insert(at, 1, static_cast<char>(engine()));
        else bytes[at] = static_cast<char>(engine());
      }
      ASSERT_NO_THROW(target(bytes)) << name << " " << testing::PrintToString(bytes);
    }
  }
}

}  // namespace
}  // namespace pathline
