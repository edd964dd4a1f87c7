// A directory of a test's own, and NumPy with h5py in it.
#pragma once

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include <gtest/gtest.h>

namespace pathline {

// A fresh directory with a space in its name, removed after the test. Tests of two builds may run at once: its name has the
// process.
class Scratch : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto* info = ::testing::UnitTest::GetInstance()->current_test_info();
    root_ = std::filesystem::path(::testing::TempDir()) /
            ("pathline " + std::to_string(::getpid()) + info->test_suite_name() + info->name());
    std::filesystem::remove_all(root_);
    std::filesystem::create_directories(root_);
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  std::string file(const std::string& name) const { return (root_ / name).string(); }

  std::string put(const std::string& name, const std::string& text) const {
    std::ofstream(file(name), std::ios::binary) << text;
    return file(name);
  }

  std::string get(const std::string& name) const {
    std::ifstream in(file(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  std::ptrdiff_t files() const {
    return std::distance(std::filesystem::directory_iterator(root_), std::filesystem::directory_iterator());
  }

  // Runs Python in the directory, with np and h5py; what it printed, or the exit status.
  std::string python(const std::string& script) const {
    put("script.py", "import numpy as np, h5py\n" + script);
    const std::string shell = "cd '" + root_.string() + "' && /usr/bin/python3 script.py > printed.txt 2>&1";
    const int status = std::system(shell.c_str());
    std::string text = get("printed.txt");
    std::filesystem::remove(file("script.py"));
    std::filesystem::remove(file("printed.txt"));
    return status == 0 ? text : "failed: " + text;
  }

  std::filesystem::path root_;
};

}  // namespace pathline
