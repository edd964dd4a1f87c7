#include "train/run_directory.hpp"

#include <csignal>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include <fmt/format.h>

#include "pathline/core/error.hpp"

namespace pathline {

namespace fs = std::filesystem;

namespace {

// Whether the file is a temporary file ".last.h5.PID-N.part" of ReplaceFile whose process has ended.
bool is_dead_part(const std::string& name, const std::string& of) {
  const std::string begin = "." + of + ".";
  if (!name.starts_with(begin)) return false;
  const std::string rest = name.substr(begin.size());
  int pid = 0, attempt = 0, end = 0;
  const int read = std::sscanf(rest.c_str(), "%d-%d.part%n", &pid, &attempt, &end);
  return read == 2 && end == std::ssize(rest) && pid > 0 && ::kill(pid, 0) != 0 && errno == ESRCH;
}

}  // namespace

void RunDirectory::lock() {
  std::error_code error;
  fs::create_directories(path_, error);
  if (error || !fs::is_directory(path_, error)) {
    errno = error ? error.value() : ENOTDIR;
    throw_cannot_write(path_);
  }
  lock_ = std::make_unique<LockFile>(path_ + "/.lock", path_);
}

void RunDirectory::check_new(bool replace) const {
  std::error_code error;
  if (fs::exists(path_, error) && !fs::is_directory(path_, error)) {
    errno = ENOTDIR;
    throw_cannot_write(path_);
  }
  if (replace) return;
  for (const auto& file : {last(), previous(), model(), ensemble(), mixture()})
    if (fs::exists(file, error))
      throw InputError(
          file +
          ": this directory already contains a run; continue it with TrainerOptions.resume, choose another "
          "TrainerOptions.directory, or replace it with TrainerOptions.replace");
}

void RunDirectory::create_new(bool replace) const {
  std::error_code error;
  if (replace) {
    remove_members();
    for (const auto& file : {last(), previous(), model(), ensemble(), mixture()}) fs::remove(file, error);
  }
  check_new(false);  // what is left cannot be removed
  remove_dead_parts();
  restart_metrics({});
}

std::string RunDirectory::member(Index k) const { return fmt::format("{}/member-{}", path_, k + 1); }

void RunDirectory::remove_members() const {
  std::error_code error;
  if (!fs::exists(ensemble(), error)) return;
  for (Index k = 0; fs::is_directory(member(k), error); ++k) {
    const RunDirectory run(member(k));
    run.remove_dead_parts();
    for (const auto& file : {run.last(), run.previous(), run.model(), run.metrics(), run.path_ + "/.lock"})
      fs::remove(file, error);
    fs::remove(run.path_, error);
  }
}

void RunDirectory::remove_dead_parts() const {
  std::error_code error;
  std::vector<fs::path> dead;
  for (const auto& entry : fs::directory_iterator(path_, error))
    for (const auto& file : {last(), model(), metrics(), ensemble(), mixture()})
      if (is_dead_part(entry.path().filename().string(), fs::path(file).filename().string()))
        dead.push_back(entry.path());
  for (const auto& path : dead) fs::remove(path, error);
}

void RunDirectory::check_existing() const {
  if (!fs::exists(last()) && !fs::exists(previous()))
    throw InputError(last() + ": not found; expected the directory of an earlier run");
}

std::string RunDirectory::resumable(std::string& note) const {
  check_existing();
  const auto whole = [](const std::string& file) {
    (void)read_card(file);
    (void)read_training_state(file);
  };
  try {
    whole(last());
    return last();
  } catch (const InputError& error) {
    try {
      whole(previous());
    } catch (const InputError&) {
      throw error;
    }
    note = std::string(error.what()) + "; continuing from " + previous();
    return previous();
  }
}

std::vector<std::string> RunDirectory::metrics_lines() const {
  std::ifstream in(metrics());
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

void RunDirectory::restart_metrics(const std::vector<std::string>& lines) const {
  std::string text;
  for (const auto& line : lines) text += line + '\n';
  write_text_file(metrics(), text);
}

void RunDirectory::append_metrics(const std::string& line) const {
  std::ofstream out(metrics(), std::ios::app);
  out << line << '\n';
  out.close();
  if (!out) throw_cannot_write(metrics());
}

}  // namespace pathline
