// Comma-separated values: RFC 4180 without quotes around numbers; semicolons, tabs and blanks separate too.
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <string_view>

#include <fmt/format.h>

#include "io/tables.hpp"
#include "pathline/core/error.hpp"
#include "pathline/io/replace_file.hpp"

namespace pathline {
namespace {

std::string_view trimmed(std::string_view s) {
  while (!s.empty() && (s.front() == ' ' || s.front() == '\t')) s.remove_prefix(1);
  while (!s.empty() && (s.back() == ' ' || s.back() == '\t' || s.back() == '\r')) s.remove_suffix(1);
  return s;
}

// Whole cells alone: "1.5e3", "+2", "nan", "inf".
bool parse_number(std::string_view cell, double& value) {
  if (cell.size() > 1 && cell.front() == '+' && cell[1] != '-') cell.remove_prefix(1);
  if (cell.empty()) return false;
  const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
  if (end != cell.data() + cell.size()) return false;
  if (error == std::errc::result_out_of_range) value = std::strtod(std::string(cell).c_str(), nullptr);  // inf or about 0
  return error != std::errc::invalid_argument;
}

char separator_of(std::string_view line) {
  for (char c : {',', ';', '\t'})
    if (line.find(c) != std::string_view::npos) return c;
  return ' ';
}

void split(std::string_view line, char separator, std::vector<std::string_view>& cells) {
  cells.clear();
  while (true) {
    if (separator == ' ') line = trimmed(line);
    const auto at = separator == ' ' ? line.find_first_of(" \t") : line.find(separator);
    cells.push_back(trimmed(line.substr(0, at)));
    if (at == std::string_view::npos) return;
    line.remove_prefix(at + 1);
  }
}

std::string unquoted(std::string_view cell) {
  if (cell.size() >= 2 && (cell.front() == '"' || cell.front() == '\'') && cell.back() == cell.front())
    cell = cell.substr(1, cell.size() - 2);
  return std::string(cell);
}

class CsvReader final : public TableReader {
 public:
  explicit CsvReader(const std::string& input) : name_(input == "-" ? "standard input" : input) {
    if (input != "-") {
      file_.open(input, std::ios::binary);
      // A directory opens and does not read.
      if (!file_ || (file_.peek(), file_.bad())) throw_cannot_read(name_);
    }
    in_ = input == "-" ? &std::cin : &file_;
    if (!next_line()) {
      if (in_->bad()) throw_cannot_read(name_);
      throw InputError(name_ + ": no rows");
    }
    if (text_.starts_with("\xEF\xBB\xBF")) text_.erase(0, 3);
    separator_ = separator_of(trimmed(text_));
    split(trimmed(text_), separator_, cells_);
    dim_ = static_cast<Index>(cells_.size());
    double unused;
    for (const auto& cell : cells_)
      if (!parse_number(cell, unused)) header_ = true;
    if (header_)
      for (const auto& cell : cells_) columns_.push_back(unquoted(cell));
    pending_ = !header_;
  }

  bool read(Matrix<double>& out, Index most) override {
    values_.clear();
    Index n = 0;
    for (; n < most && (pending_ || next_line()); ++n) {
      pending_ = false;
      split(trimmed(text_), separator_, cells_);
      if (static_cast<Index>(cells_.size()) != dim_)
        throw InputError(fmt::format("{}: line {}: {} columns, expected {}", name_, line_, cells_.size(), dim_));
      for (std::size_t j = 0; j < cells_.size(); ++j) values_.push_back(number(cells_[j], j));
    }
    if (in_->bad()) throw_cannot_read(name_);
    if (n == 0) return false;
    out = ConstMatrixMap<double>(values_.data(), dim_, n);
    return true;
  }

 private:
  double number(std::string_view cell, std::size_t column) const {
    double value = 0;
    auto place = [&] { return fmt::format("{}: line {}, column {}: ", name_, line_, column + 1); };
    if (!parse_number(cell, value))
      throw InputError(place() + (cell.empty() ? "is empty" : fmt::format("'{}'", unquoted(cell))) + ": expected a number");
    if (!std::isfinite(value)) throw InputError(place() + std::string(cell) + ": must be finite");
    return value;
  }

  // The next line that is neither blank nor a comment.
  bool next_line() {
    while (std::getline(*in_, text_)) {
      ++line_;
      const auto t = trimmed(text_);
      if (!t.empty() && t.front() != '#') return true;
    }
    return false;
  }

  std::string name_, text_;
  std::ifstream file_;
  std::istream* in_ = nullptr;
  std::vector<std::string_view> cells_;
  std::vector<double> values_;
  char separator_ = ',';
  Index line_ = 0;
  bool header_ = false, pending_ = false;  // pending: the first line is a row
};

class CsvWriter final : public TableWriter {
 public:
  CsvWriter(const std::string& output, const std::vector<std::string>& columns)
      : target_(output), out_(target_.path(), std::ios::binary) {
    if (!columns.empty()) out_ << fmt::format("{}\n", fmt::join(columns, ","));
  }
  void append(ConstMatrixRef<double> values) override {
    fmt::memory_buffer text;
    for (Index row = 0; row < values.cols(); ++row)
      for (Index j = 0; j < values.rows(); ++j)
        fmt::format_to(std::back_inserter(text), "{}{}", values(j, row), j + 1 < values.rows() ? ',' : '\n');
    out_.write(text.data(), static_cast<std::streamsize>(text.size()));
    if (!out_) throw_cannot_write(target_.target());
  }
  void commit() override {
    out_.close();
    if (!out_) throw_cannot_write(target_.target());
    target_.commit();
  }

 private:
  ReplaceFile target_;
  std::ofstream out_;
};

}  // namespace

std::unique_ptr<TableReader> open_csv(const std::string& input) { return std::make_unique<CsvReader>(input); }
std::unique_ptr<TableWriter> create_csv(const std::string& output, const std::vector<std::string>& columns, Index) {
  return std::make_unique<CsvWriter>(output, columns);
}

}  // namespace pathline
