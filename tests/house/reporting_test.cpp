// Reporting may never fail the work: only app/report writes to the standard error, because it ignores what cannot be
// written there.

#include <filesystem>
#include <fstream>
#include <string>

#include <gtest/gtest.h>

#include "paths.hpp"

namespace pathline {
namespace {

namespace fs = std::filesystem;

TEST(Reporting, OnlyTheReportWritesToStandardError) {
  int read = 0;
  for (const auto& entry : fs::recursive_directory_iterator(source_dir() + "/src")) {
    if (!entry.is_regular_file() || entry.path().stem() == "report") continue;
    std::ifstream file(entry.path());
    int number = 0;
    for (std::string line; std::getline(file, line);) {
      ++number, ++read;
      const std::string code = line.substr(0, line.find("//"));
      for (const char* word : {"print(stderr", "printf(stderr", ", stderr)", "std::cerr", "std::clog", "write(STDERR", "perror("})
        EXPECT_EQ(code.find(word), code.npos) << entry.path().string() << ":" << number << ": use app/report.hpp";
    }
  }
  EXPECT_GT(read, 10000);  // the sources were found
}

}  // namespace
}  // namespace pathline
