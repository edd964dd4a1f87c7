#include "train/run_directory.hpp"

#include <filesystem>
#include <fstream>

#include "pathline/core/error.hpp"

namespace pathline {

namespace fs = std::filesystem;

void RunDirectory::create_new() const {
  std::error_code error;
  for (const auto& file : {last(), model(), metrics()})
    if (fs::exists(file, error))
      throw InputError(file + ": a run is there already; continue it with --resume " + path_ +
                       ", or give another -o (or --force to replace it)");
  fs::create_directories(path_, error);
  if (error || !fs::is_directory(path_)) throw_cannot_write(path_);
  restart_metrics({});
}

void RunDirectory::check_existing() const {
  if (!fs::exists(last())) throw InputError(last() + ": is not there; expected the directory of an earlier run");
}

void RunDirectory::restart_metrics(const std::vector<std::string>& lines) const {
  ReplaceFile file(metrics());
  {
    std::ofstream out(file.path());
    for (const auto& line : lines) out << line << '\n';
    out.flush();
    if (!out) throw_cannot_write(metrics());
  }
  file.commit();
}

void RunDirectory::append_metrics(const std::string& line) const {
  std::ofstream out(metrics(), std::ios::app);
  out << line << '\n';
  out.flush();
  if (!out) throw_cannot_write(metrics());
}

}  // namespace pathline
