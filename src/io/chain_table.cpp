// Chains of samplers as GetDist names them: ROOT_1.txt, ROOT_2.txt, ..., with the names of the columns in
// ROOT.paramnames (GetDist's manual, "Sample file format").
#include <filesystem>
#include <fstream>
#include <sstream>

#include <fmt/format.h>

#include "io/tables.hpp"
#include "pathline/core/error.hpp"

namespace pathline {
namespace {

namespace fs = std::filesystem;

bool is_file(const std::string& name) {
  std::error_code error;
  return fs::is_regular_file(name, error);
}

// Returns ROOT for ROOT_1.txt, ROOT.1.txt or ROOT.txt, and "" for another name.
std::string root_of(std::string file) {
  if (!file.ends_with(".txt")) return "";
  file.resize(file.size() - 4);
  const auto digits = file.find_last_not_of("0123456789");
  const bool numbered = digits != std::string::npos && digits + 1 < file.size() && digits > 0 &&
                        (file[digits] == '_' || file[digits] == '.');
  return numbered ? file.substr(0, digits) : file;
}

// Reads the files of a chain one after the other. All have the columns of the first.
class ChainReader final : public TableReader {
 public:
  ChainReader(const std::string& root, std::vector<std::string> files, const TableOptions& options)
      : TableReader(root, options), files_(std::move(files)) {
    open(0);
    columns_ = part_->columns(), dim_ = part_->dim();
    notes_ = part_->notes();
    notes_.push_back(fmt::format("{}: a chain of {} file{}", root, files_.size(), files_.size() > 1 ? "s" : ""));
  }

  Index dropped() const override { return dropped_before_ + part_->dropped(); }

 protected:
  bool reads_selected() const override { return true; }
  bool read_rows(Matrix<double>& out, Index most) override {
    if (!chosen_) choose();
    while (!part_->read(out, most)) {
      if (next_ == files_.size()) return false;
      open(next_);
      if (part_->dim() != file_dim_)
        throw InputError(
            fmt::format("{}: {} columns, expected {} as in {}", files_[next_ - 1], part_->dim(), file_dim_, files_[0]));
      choose();
    }
    return true;
  }

 private:
  // The other columns of a file are not looked at.
  void choose() {
    chosen_ = true;
    if (selected_.empty()) return;
    const auto there = part_->columns();
    std::vector<std::string> wanted;
    for (const Index at : selected_) {
      const auto name = there.empty() ? std::string() : there[static_cast<std::size_t>(at)];
      wanted.push_back(name.empty() ? std::to_string(at + 1) : name);
    }
    part_->select(wanted);
  }

  void open(std::size_t i) {
    if (part_) dropped_before_ += part_->dropped();
    part_ = open_csv(files_[i], options_);
    next_ = i + 1;
    if (i == 0) file_dim_ = part_->dim();
  }

  std::vector<std::string> files_;
  std::unique_ptr<TableReader> part_;
  std::size_t next_ = 0;
  Index file_dim_ = 0, dropped_before_ = 0;
  bool chosen_ = false;  // whether the columns of the first file have been chosen
};

}  // namespace

std::vector<std::string> chain_columns(const std::string& file) {
  const std::string root = root_of(file);
  if (root.empty() || !is_file(root + ".paramnames")) return {};
  std::vector<std::string> names = {"weight", "minuslogpost"};
  std::ifstream in(root + ".paramnames");
  for (std::string line, name; std::getline(in, line);) {
    if (!(std::istringstream(line) >> name)) continue;
    if (name.ends_with('*')) name.pop_back();  // marks a derived parameter
    names.push_back(name);
  }
  return names;
}

std::unique_ptr<TableReader> open_chain(const std::string& root, const TableOptions& options) {
  std::error_code error;
  if (root.empty() || fs::exists(root, error)) return nullptr;
  for (const char* between : {"_", "."}) {
    std::vector<std::string> files;
    for (int i = 1; is_file(fmt::format("{}{}{}.txt", root, between, i)); ++i)
      files.push_back(fmt::format("{}{}{}.txt", root, between, i));
    if (!files.empty()) return std::make_unique<ChainReader>(root, std::move(files), options);
  }
  if (is_file(root + ".txt") && is_file(root + ".paramnames"))
    return std::make_unique<ChainReader>(root, std::vector<std::string>{root + ".txt"}, options);
  return nullptr;
}

}  // namespace pathline
