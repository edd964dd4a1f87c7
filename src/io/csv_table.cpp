// Comma-separated values: RFC 4180 without line breaks in cells; semicolons, tabs and blanks separate too.
#include <algorithm>
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
  if (error == std::errc::result_out_of_range)
    value = std::strtod(std::string(cell).c_str(), nullptr);  // inf or about 0
  return error != std::errc::invalid_argument;
}

bool separates(char c, char separator) { return c == separator || (separator == ' ' && c == '\t'); }

// Past the quotes that begin the text; npos if they do not close.
std::size_t end_of_quotes(std::string_view text) {
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] != '"') continue;
    if (i + 1 == text.size() || text[i + 1] != '"') return i + 1;
    ++i;  // a doubled one is a quote of the text
  }
  return std::string_view::npos;
}

// Of the separators that stand outside quotes.
char separator_of(std::string_view line) {
  char found = ' ';
  bool begins = true;  // a cell
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (begins && line[i] == '"') i = std::min(end_of_quotes(line.substr(i)), line.size() - i) + i - 1;
    else if (line[i] == ',') return ',';
    else if (line[i] == ';' || (line[i] == '\t' && found != ';')) found = line[i];
    begins = line[i] == ' ' || line[i] == ';' || line[i] == '\t';
  }
  return found;
}

// As it stands in the line, without its quotes; a quote of the text is still doubled.
struct Cell {
  std::string_view text;
  bool quoted = false;
};

// False if quotes do not close.
bool split(std::string_view line, char separator, std::vector<Cell>& cells) {
  cells.clear();
  while (true) {
    while (!line.empty() && (line.front() == ' ' || (line.front() == '\t' && separator != '\t'))) line.remove_prefix(1);
    std::size_t end = 0;
    if (line.starts_with('"') && (end = end_of_quotes(line)) == std::string_view::npos) return false;
    const std::size_t closed = end;
    while (end < line.size() && !separates(line[end], separator)) ++end;
    const auto text = trimmed(line.substr(0, end));
    const bool quoted = closed > 0 && closed == text.size();
    cells.push_back({quoted ? text.substr(1, text.size() - 2) : text, quoted});
    if (end == line.size()) return true;
    line.remove_prefix(end + 1);
  }
}

std::string name_of(const Cell& cell) {
  auto text = cell.text;
  if (!cell.quoted && text.size() >= 2 && text.front() == '\'' && text.back() == '\'')
    text = text.substr(1, text.size() - 2);
  std::string name(text);
  for (std::size_t at = 0; cell.quoted && (at = name.find("\"\"", at)) != std::string::npos; ++at) name.erase(at, 1);
  return name;
}

std::string quoted_if_needed(const std::string& name) {
  double unused;
  if (name.find_first_of(",;\t \"'#") == std::string::npos && !parse_number(name, unused)) return name;
  std::string text = "\"";
  for (const char c : name) text.append(c == '"' ? 2 : 1, c);
  return text + '"';
}

class CsvReader final : public TableReader {
 public:
  explicit CsvReader(const std::string& input) : TableReader(input == "-" ? "standard input" : input) {
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
    first_line_ = line_;
    separator_ = separator_of(trimmed(text_));
    split_line();
    width_ = cells_.size(), dim_ = static_cast<Index>(width_);
    pending_ = !read_header();
  }

  bool read(Matrix<double>& out, Index most) override {
    values_.clear();
    Index n = 0;
    for (; n < most && (pending_ || next_line()); ++n) {
      pending_ = false;
      split_line();
      if (cells_.size() != width_)
        throw InputError(fmt::format("{}: line {}: {} columns, expected {}", name_, line_, cells_.size(), width_));
      if (doubtful_ && cells_[0].quoted)
        fail(first_line_, "numbers in quotes: a header or a row? Expected names, or numbers without quotes");
      doubtful_ = false;
      for (std::size_t j = 0; j < static_cast<std::size_t>(dim_); ++j) {
        const std::size_t at = selected_.empty() ? j : static_cast<std::size_t>(selected_[j]);
        values_.push_back(number(cells_[at], at));
      }
    }
    if (in_->bad()) throw_cannot_read(name_);
    if (n == 0) return false;
    out = ConstMatrixMap<double>(values_.data(), dim_, n);
    return true;
  }

 private:
  [[noreturn]] void fail(Index line, const std::string& what) const {
    throw InputError(fmt::format("{}: line {}: {}", name_, line, what));
  }

  [[noreturn]] void fail_cell(std::size_t column, const std::string& what) const {
    throw InputError(fmt::format("{}: line {}, column {}: {}", name_, line_, column + 1, what));
  }

  void split_line() {
    if (!split(trimmed(text_), separator_, cells_))
      fail(line_, "quotes that do not close; expected it on the same line");
  }

  // A header has names alone: one number without quotes makes the line a row. A name may be empty, or a number in
  // quotes.
  bool read_header() {
    double unused;
    doubtful_ = true;
    bool named = false;
    for (const auto& cell : cells_) {
      const bool number = parse_number(cell.text, unused);
      if (number && !cell.quoted) return doubtful_ = false;
      doubtful_ = doubtful_ && number;
      named = named || !cell.text.empty();
    }
    if (!named) return doubtful_ = false;
    for (const auto& cell : cells_) columns_.push_back(name_of(cell));
    check_columns(fmt::format("{}: line {}", name_, line_), columns_);
    return true;
  }

  double number(const Cell& cell, std::size_t column) const {
    double value = 0;
    if (!parse_number(cell.text, value))
      fail_cell(column, (cell.text.empty() ? "is empty" : fmt::format("'{}'", name_of(cell))) + ": expected a number" +
                            (line_ == first_line_ ? " (or a header of names alone)" : ""));
    if (!std::isfinite(value)) fail_cell(column, std::string(cell.text) + ": must be finite");
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

  std::string text_;
  std::ifstream file_;
  std::istream* in_ = nullptr;
  std::vector<Cell> cells_;
  std::vector<double> values_;
  std::size_t width_ = 0;  // columns of the file
  char separator_ = ',';
  Index line_ = 0, first_line_ = 0;
  bool pending_ = false;   // the first line is a row
  bool doubtful_ = false;  // a header of numbers in quotes, before the first row
};

class CsvWriter final : public TableWriter {
 public:
  CsvWriter(const std::string& output, const std::vector<std::string>& columns)
      : target_(output), out_(target_.path(), std::ios::binary) {
    for (std::size_t j = 0; j < columns.size(); ++j) out_ << (j ? "," : "") << quoted_if_needed(columns[j]);
    if (!columns.empty()) out_ << '\n';
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
