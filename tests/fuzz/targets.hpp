// What a fuzzer feeds with bytes. Each target reads them as one kind of input; an InputError is the right answer to
// nonsense, anything else that is thrown, a crash or a loop is a find.
#pragma once

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "fuzz/hdf5_edit.hpp"
#include "pathline/checkpoint/model.hpp"
#include "pathline/checkpoint/training_state.hpp"
#include "pathline/core/error.hpp"
#include "pathline/io/table.hpp"
#include "pathline/recipe/recipe.hpp"
#include "recipe/option_file.hpp"

namespace pathline::fuzz {

// A directory of this process's own.
inline const std::filesystem::path& directory() {
  static const auto& path = *new std::filesystem::path([] {  // never destroyed: it is used at the exit
    const char* memory = "/dev/shm";
    const auto base =
        std::filesystem::exists(memory) ? std::filesystem::path(memory) : std::filesystem::temp_directory_path();
    auto made = base / ("pathline-fuzz-" + std::to_string(::getpid()));
    std::filesystem::create_directories(made);
    std::atexit([] { std::filesystem::remove_all(directory()); });
    return made;
  }());
  return path;
}

inline std::string put(const std::string& name, std::string_view bytes) {
  const std::string path = (directory() / name).string();
  std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  return path;
}

template <class F> void expect_input_error(F f) {
  try {
    f();
  } catch (const InputError& error) {
    if (std::string_view(error.what()).find('\n') == std::string_view::npos) return;
    std::fprintf(stderr, "an error of several lines: %s\n", error.what());
    std::abort();
  }
}

inline void read_any_table(const std::string& path) {
  expect_input_error([&] { (void)read_table(path); });
  expect_input_error([&] { (void)read_table(path, {}, {.header = TableOptions::Header::yes, .drop_missing = true}); });
}

inline void csv(std::string_view bytes) { read_any_table(put("t.csv", bytes)); }
inline void npy(std::string_view bytes) { read_any_table(put("t.npy", bytes)); }
inline void npz(std::string_view bytes) { read_any_table(put("t.npz", bytes)); }

// The names before the first form feed, the rows behind it.
inline void chains(std::string_view bytes) {
  const auto cut = std::min(bytes.find('\f'), bytes.size());
  put("c.paramnames", bytes.substr(0, cut));
  put("c_1.txt", bytes.substr(std::min(cut + 1, bytes.size())));
  read_any_table((directory() / "c").string());
}

inline void toml(std::string_view bytes) {
  expect_input_error([&] { (void)parse_recipe(std::string(bytes), "recipe"); });
  expect_input_error([&] { (void)read_option_file(put("options.toml", bytes)); });
}

// The bytes are changes of a good file, because the HDF5 library itself does not survive damaged ones
// (tests/faults/mutation_test.cpp damages those, in a child process).
inline void model(std::string_view bytes) {
  static const std::string good = good_model();
  const std::string path = edited(good, bytes, (directory() / "m.h5").string());
  expect_input_error([&] { (void)read_model<double>(path); });
  expect_input_error([&] { (void)read_card(path); });
}

inline void checkpoint(std::string_view bytes) {
  static const std::string good = good_checkpoint();
  const std::string path = edited(good, bytes, (directory() / "last.h5").string());
  expect_input_error([&] { (void)read_training_state(path); });
  expect_input_error([&] { (void)parse_recipe(read_card(path).recipe, path); });
}

inline void ffjord(std::string_view bytes) {
  static const std::string good = good_ffjord();
  const std::string path = edited(good, bytes, (directory() / "f.h5").string());
  expect_input_error([&] { (void)read_model<float>(path); });
}

inline void hdf5_table(std::string_view bytes) {
  static const std::string good = good_table();
  const std::string path = edited(good, bytes, (directory() / "t.h5").string());
  for (const char* name : {"", ":x", ":g", ":g/a", ":cube"}) read_any_table(path + name);
}

inline const std::map<std::string, std::function<void(std::string_view)>>& targets() {
  static const std::map<std::string, std::function<void(std::string_view)>> all = {{"csv", csv},
                                                                                   {"npy", npy},
                                                                                   {"npz", npz},
                                                                                   {"chains", chains},
                                                                                   {"toml", toml},
                                                                                   {"model", model},
                                                                                   {"checkpoint", checkpoint},
                                                                                   {"ffjord", ffjord},
                                                                                   {"hdf5_table", hdf5_table}};
  return all;
}

}  // namespace pathline::fuzz
