// Tables of text: comma-separated values and their variants.
#include <algorithm>
#include <cctype>
#include <cmath>
#include <fstream>
#include <limits>
#include <optional>

#include <fmt/format.h>

#include "core/lower_case.hpp"
#include "core/printable.hpp"
#include "core/utf8.hpp"
#include "io/csv_line.hpp"
#include "io/foreign_format.hpp"
#include "io/tables.hpp"
#include "io/text_lines.hpp"
#include "io/text_stream.hpp"
#include "pathline/core/error.hpp"
#include "pathline/io/replace_file.hpp"

namespace pathline {
namespace {

bool begins_with_word(std::string_view line, std::string_view word) {  // upper and lower case are equal
  return line.size() >= word.size() && std::equal(word.begin(), word.end(), line.begin(), [](char a, char b) {
           return a == std::tolower(static_cast<unsigned char>(b));
         });
}

// Finds each '#' behind a blank and outside quotes, which may begin a remark.
class Hashes {
 public:
  explicit Hashes(std::string_view line) : line_(line) {}

  // The position of the next one; npos if there is none.
  std::size_t next() {
    while (next_ < line_.size()) {
      const auto i = next_++;
      if (line_[i] == '"') quoted_ = !quoted_;
      if (i > 0 && !quoted_ && line_[i] == '#' && (line_[i - 1] == ' ' || line_[i - 1] == '\t')) return i;
    }
    return std::string_view::npos;
  }

 private:
  std::string_view line_;
  std::size_t next_ = 0;
  bool quoted_ = false;
};

// The cells of a line that blanks separate. They are found once for all '#' of the line, as there may be many.
struct BlankCells {
  std::vector<Cell> cells;
  std::size_t before = 0;    // how many begin before the last '#' that was asked for
  bool only_values = false;  // none is a word
};

// The beginning of a long text, for a message.
std::string shortened(const std::string& text) {
  constexpr std::size_t kMost = 40;  // bytes
  if (text.size() <= kMost) return text;
  std::size_t end = kMost;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;  // inside a character of UTF-8
  return text.substr(0, end) + "...";
}

// What looks like a part of a number and is none; empty if there is nothing.
std::string_view foreign_sign(std::string_view cell) {
  constexpr std::pair<std::string_view, std::string_view> kSigns[] = {
      {"\xE2\x88\x92", "the minus sign U+2212 in place of '-'"},
      {"\xE2\x80\x93", "a dash (U+2013) in place of '-'"},
      {"\xC2\xA0", "a no-break space (U+00A0)"},
      {"\xE2\x80\xAF", "a narrow no-break space (U+202F)"},
      {"\xC3\x97", "the sign U+00D7 in place of an exponent"}};
  for (const auto& [sign, name] : kSigns)
    if (cell.find(sign) != cell.npos && cell.find_first_of("0123456789") != cell.npos) return name;
  return {};
}

bool is_truth_value(std::string_view cell) {
  const std::string text = lower_case(std::string(cell));
  return text == "true" || text == "false" || text == "yes" || text == "no";
}

class CsvReader final : public TableReader {
 public:
  CsvReader(const std::string& input, const TableOptions& options)
      : TableReader(is_standard_input(input) ? "standard input" : input, options), lines_(input, name_) {
    read_preamble();
    width_ = cells_.size();
    if (is_one_name()) set_separator(','), split_line(), width_ = 1;
    has_trailing_separator_ = drops_last_cell();
    if (has_trailing_separator_) --width_, cells_.pop_back();
    pending_ = !read_header();
    if (pending_ && columns_.empty()) take_names_from_outside(input);
    if (!columns_.empty() && columns_[0].empty() && width_ > 1) {
      has_index_ = true;
      columns_.erase(columns_.begin());
      notes_.push_back(name_ + ": the first column has no name and is left out, as the index of a pandas frame");
    }
    name_the_nameless();
    dim_ = static_cast<Index>(width_) - (has_index_ ? 1 : 0);
    if (pending_ && options.header == TableOptions::Header::automatic) note_header_of_numbers();
  }

 protected:
  bool reads_selected() const override { return true; }
  std::string place(Index row) const override {
    return fmt::format("line {}", places_[static_cast<std::size_t>(row - first_of_part_)]);
  }

  bool read_rows(Matrix<double>& out, Index most) override {
    values_.clear();
    first_of_part_ += static_cast<Index>(places_.size()), places_.clear();
    Index n = 0;
    for (; n < most && (pending_ || next_line()); ++n) {
      pending_ = false;
      split_line();
      if (cells_.size() == width_ + 1 && cells_.back().text.empty() && separator_ != ' ') cells_.pop_back();
      if (cells_.size() != width_)
        throw InputError(fmt::format("{}: line {}: {} column{}, expected {}{}", name_, line_, cells_.size(),
                                     cells_.size() == 1 ? "" : "s", width_, advice_on_header()));
      if (doubtful_ && cells_[0].quoted)
        fail(first_line_, "quoted numbers may be a header or a row; use names, or numbers without quotes");
      doubtful_ = only_words_so_far_ = false;
      if (has_index_) check_index();
      for (std::size_t j = 0; j < static_cast<std::size_t>(dim_); ++j) {
        const std::size_t at = (selected_.empty() ? j : static_cast<std::size_t>(selected_[j])) + (has_index_ ? 1 : 0);
        values_.push_back(number(cells_[at], at));
      }
      places_.push_back(line_);
    }
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

  // Reads up to the first line that is neither blank nor a comment, and splits it into cells.
  void read_preamble() {
    while (true) {
      if (!next_line(&remark_)) throw InputError(name_ + ": no rows");
      const auto line = trimmed(text_);
      if (line.size() == 5 && begins_with_word(line, "sep="))
        set_separator(line[4]), separator_given_ = true;  // as Excel writes it
      else if (line.front() == '@')
        read_arff(line);
      else
        break;
    }
    first_line_ = line_;
    if (const auto format = foreign_format(trimmed(text_)); !format.empty())
      throw InputError(fmt::format("{}: line {}: is {}", name_, line_, format));
    find_separator_of(trimmed(text_));
    split_line();
    only_words_so_far_ = true;
  }

  // The end of a message on the number of cells: what may be wrong with the header, before any row has been read.
  std::string advice_on_header() const {
    if (!only_words_so_far_) return "";
    if (width_ >= 2 && cells_.size() == width_ + 1 && is_number_or_missing(cells_.back()))
      return "; the header lacks a name: R's write.table names no column of row names; use row.names = FALSE";
    const bool may_be_one = separator_ == ' ' && !columns_.empty() && cells_.size() < width_;
    return fmt::format("; lines before the header must begin with #{}",
                       may_be_one ? ", and names that contain blanks must be in quotes" : "");
  }

  void set_separator(char separator) {
    separator_ = separator;
    decimal_comma_ = separator_ == ';' || separator_ == '\t';  // a comma that separates nothing is decimal
  }
  void find_separator_of(std::string_view line) {
    if (!separator_given_) set_separator(find_separator(line.substr(0, Hashes(line).next())));
  }

  bool is_blank_or_comment(std::string_view line) {
    if (line.empty() || line.front() == '%') return true;
    if (line.front() != '#') return false;
    if (width_ == 0) find_separator_of(line);
    return !is_row_of_hash(line);
  }

  bool is_number_or_missing(const Cell& cell) const {
    double unused;
    return is_missing(cell.text) || parse_number(cell.text, unused, decimal_comma_);
  }

  // Whether a line that begins with '#' is no comment but a row, whose first value is missing, as Excel's #N/A is. It
  // then has as many cells as the other rows, and one of them at least is no word of a sentence. What Excel itself
  // writes needs no such cell between commas; and it is a value in a row of another length, too, so that the length is
  // an error.
  bool is_row_of_hash(std::string_view line) const {
    std::vector<Cell> cells;
    if (!split_cells(without_remark(line), separator_, cells) || !is_missing(cells[0].text)) return false;
    const auto is_value = [this](const Cell& cell) { return is_number_or_missing(cell); };
    const auto others = cells.begin() + 1;
    const bool excel = is_error_of_excel(cells[0].text);
    if (cells.size() == width_ || (cells.size() == width_ + 1 && cells.back().text.empty()))
      return (excel && separator_ != ' ') || width_ == 1 || std::any_of(others, cells.end(), is_value);
    return excel && std::all_of(others, cells.end(), is_value);
  }

  // Removes a comment that begins with '#' after a blank, outside quotes: "1 kg # by hand". A missing value like #N/A
  // is none.
  std::string_view without_remark(std::string_view line) const {
    Hashes hashes(line);
    std::optional<BlankCells> blank_cells;
    for (std::size_t at; (at = hashes.next()) != std::string_view::npos;)
      if (!is_value_at(line, at, blank_cells)) return trimmed(line.substr(0, at));
    return line;
  }

  // Whether the '#' at this place begins a missing value: it is then a cell of its own.
  bool is_value_at(std::string_view line, std::size_t at, std::optional<BlankCells>& blank_cells) const {
    auto before = line.substr(0, at), rest = line.substr(at);
    const auto end = std::min(rest.find_first_of(std::string(" \t") + separator_), rest.size());
    if (!is_missing(rest.substr(0, end))) return false;
    if (separator_ == ' ') {
      if (!blank_cells) blank_cells = split_at_blanks(line);
      return has_place_among(*blank_cells, line.data() + at);
    }
    rest.remove_prefix(end);
    const auto is_blank = [this](char c) { return c == ' ' || (c == '\t' && separator_ != '\t'); };
    while (!before.empty() && is_blank(before.back())) before.remove_suffix(1);
    while (!rest.empty() && is_blank(rest.front())) rest.remove_prefix(1);
    return before.ends_with(separator_) && (rest.empty() || rest.front() == separator_ || rest.front() == '#');
  }

  BlankCells split_at_blanks(std::string_view line) const {
    BlankCells found;
    found.only_values = split_cells(line, ' ', found.cells) &&  // if quotes do not close, the cells before them
                        (width_ > 0 || std::all_of(found.cells.begin(), found.cells.end(),
                                                   [this](const Cell& cell) { return is_number_or_missing(cell); }));
    return found;
  }

  // Whether a missing value may begin at the '#': its row has fewer cells before it than columns, and on the first
  // line, which decides about the columns, no cell is a word.
  bool has_place_among(BlankCells& found, const char* hash) const {
    if (width_ == 0) return found.only_values;
    const auto& cells = found.cells;
    while (found.before < cells.size() && cells[found.before].text.data() < hash) ++found.before;
    if (found.before == 0 || found.before >= width_) return false;
    const auto last = cells[found.before - 1].text;
    return last.data() + last.size() <= hash;  // in the quotes of the last cell, it begins none
  }

  // The header of Weka has one line for each name.
  void read_arff(std::string_view line) {
    if (!begins_with_word(line, "@attribute")) return;
    std::vector<Cell> cells;
    if (split_cells(trimmed(line.substr(10)), ' ', cells) && !cells.empty()) arff_.push_back(name_of(cells[0]));
  }

  // Whether the words of the first line are one name, as "lifetime [ns]" above a column of numbers.
  bool is_one_name() {
    if (separator_ != ' ' || separator_given_ || cells_.size() < 2) return false;
    double unused;
    const auto is_number = [&](const Cell& cell) { return parse_number(cell.text, unused); };
    if (std::any_of(cells_.begin(), cells_.end(), is_number)) return false;
    const auto* second = peek();
    std::vector<Cell> cells;
    return second && split_cells(without_remark(trimmed(*second)), ' ', cells) && cells.size() == 1 &&
           is_number(cells[0]);
  }

  // If the first two lines are like "1,2,", each row ends with a separator.
  bool drops_last_cell() {
    if (separator_ == ' ' || width_ < 2 || !cells_.back().text.empty() || cells_.back().quoted) return false;
    const auto* second = peek();
    std::vector<Cell> cells;
    return second && split_cells(trimmed(*second), separator_, cells) && cells.back().text.empty() &&
           cells.size() == width_;
  }

  void split_line() {
    if (!split_cells(without_remark(trimmed(text_)), separator_, cells_))
      fail(line_, "unclosed quotes; they must close on the same line");
  }

  // A header has names only: a line with one number without quotes is a row. A name may be empty, or a number in
  // quotes.
  bool read_header() {
    if (options_.header == TableOptions::Header::no) return false;
    if (options_.header == TableOptions::Header::automatic && !has_expected_names()) {
      double unused;
      doubtful_ = true;
      bool named = false;
      for (const auto& cell : cells_) {
        const bool number = parse_number(cell.text, unused, decimal_comma_);
        if (number && !cell.quoted) return doubtful_ = false;
        doubtful_ = doubtful_ && number;
        named = named || !cell.text.empty();
      }
      if (!named) return doubtful_ = false;
    }
    set_columns(cells_, fmt::format("{}: line {}", name_, line_));
    return true;
  }

  bool has_expected_names() const {
    const auto& names = options_.expected_names;
    const auto in_line = [&](const std::string& name) {
      return std::any_of(cells_.begin(), cells_.end(), [&](const Cell& cell) { return name_of(cell) == name; });
    };
    return !names.empty() && std::all_of(names.begin(), names.end(), in_line);
  }

  void set_columns(const std::vector<Cell>& cells, const std::string& where) {
    for (const auto& cell : cells) columns_.push_back(name_of(cell));
    if (!std::all_of(columns_.begin(), columns_.end(), is_utf8))
      throw InputError(where + ": the names are not in UTF-8; convert the file with: iconv -f LATIN1 -t UTF-8");
    check_columns(where, columns_);
  }

  // A column without a name is called by its number, as in a table without names.
  void name_the_nameless() {
    for (std::size_t i = 0; i < columns_.size(); ++i)
      if (columns_[i].empty()) columns_[i] = fmt::format("x{}", i + 1);
    check_columns(fmt::format("{}: line {}", name_, first_line_), columns_);
  }

  // Rows without a header: the last comment before them ("# a b"), an ARFF header, or ROOT.paramnames may name them.
  void take_names_from_outside(const std::string& input) {
    if (options_.header == TableOptions::Header::no) return;
    if (arff_.size() == width_) {
      columns_ = arff_;
    } else if (auto names = chain_columns(input); names.size() == width_) {
      columns_ = std::move(names);
    } else {
      std::string_view line = trimmed(remark_);
      while (!line.empty() && (line.front() == '#' || line.front() == '%')) line.remove_prefix(1);
      std::vector<Cell> cells;
      double unused;
      for (const char separator : {',', ';', '\t', ' '}) {
        if (!split_cells(trimmed(line), separator, cells) || cells.size() != width_) continue;
        if (width_ == 1 && cells[0].text.find(' ') != std::string_view::npos) continue;  // a sentence
        const bool named = std::none_of(cells.begin(), cells.end(), [&](const Cell& cell) {
          return cell.text.empty() || parse_number(cell.text, unused);
        });
        if (!named) continue;
        set_columns(cells, fmt::format("{}: line {}", name_, remark_line_));
        break;
      }
    }
    if (!columns_.empty()) check_columns(name_, columns_);
  }

  // By the rule, "2019,2020" above decimal fractions is a row, but it may be meant as a header.
  void note_header_of_numbers() {
    const auto is_integer = [](const Cell& cell) {
      return cell.text.find_first_not_of("0123456789") == std::string_view::npos;
    };
    if (!columns_.empty() || !std::all_of(cells_.begin(), cells_.end(), is_integer)) return;
    const auto* second = peek();
    std::vector<Cell> cells;
    if (!second || !split_cells(trimmed(*second), separator_, cells)) return;
    if (std::none_of(cells.begin(), cells.end(), is_integer))
      notes_.push_back(
          fmt::format("{}: line {} is read as a row of numbers; if it is a header, use TableOptions.header = yes",
                      name_, first_line_));
  }

  void check_index() const {
    double value = 0;
    if (!parse_number(cells_[0].text, value) || value != std::floor(value))
      fail_cell(0, fmt::format("'{}': expected an integer, because the column has no name and is taken for an index; "
                               "give it a name if it is data",
                               name_of(cells_[0])));
  }

  // Returns NaN for a missing value if rows with missing values are dropped.
  double number(const Cell& cell, std::size_t column) const {
    double value = 0;
    if (options_.drop_missing && is_missing(cell.text)) return std::numeric_limits<double>::quiet_NaN();
    if (!parse_number(cell.text, value, decimal_comma_))
      fail_cell(column, (cell.text.empty() ? "is empty" : fmt::format("'{}'", shortened(name_of(cell)))) +
                            ": expected a number" + advice(cell));
    if (!std::isfinite(value))
      fail_cell(column,
                shortened(std::string(cell.text)) + ": must be finite" + (std::isnan(value) ? kDropMissing : ""));
    if (is_inexact_integer(cell.text))
      fail_cell(column, shortened(std::string(cell.text)) +
                            ": an integer above 2^53 that double precision cannot represent; leave the column out");
    return value;
  }

  std::string advice(const Cell& cell) const {
    if (line_ == first_line_)
      return " (or a header that contains only names); lines before the header must begin with #";
    if (width_ == 1 && cell.text.find('|') != std::string_view::npos)
      return "; separate the columns by commas, semicolons, tabs or blanks";
    if (cell.text.starts_with('\'')) return "; remove the single quotes: tr -d \"'\" < FILE";
    if (has_thousands_separators(cell.text)) return " without thousands separators";
    if (const auto sign = foreign_sign(cell.text); !sign.empty())
      return fmt::format("; it contains {}, as text from a page or a word processor does", sign);
    double unused;
    if (places_.empty() && first_of_part_ == 1 && !columns_.empty() &&
        std::none_of(cells_.begin(), cells_.end(), [&](const Cell& c) { return parse_number(c.text, unused); }))
      return fmt::format(
          "; line {} is taken for the header: let it begin with # if it is a title, or line {} if it has "
          "units",
          first_line_, line_);
    if (is_missing(cell.text)) return kDropMissing;
    if (is_truth_value(cell.text)) return "; write 1 for true and 0 for false";
    // If the first row has words, all rows may have them.
    return places_.empty() && first_of_part_ == 1 && !columns_.empty() && !cell.text.empty()
               ? "; if the column holds text, choose the other columns"
               : "";
  }

  // Reads the next line that is neither blank nor a comment. remark, if given, receives the last comment before it.
  bool next_line(std::string* remark = nullptr) {
    if (ahead_) {
      text_ = std::move(*ahead_), line_ = ahead_line_;
      ahead_.reset();
      return true;
    }
    while (lines_.next(text_)) {
      line_ = lines_.number();
      const auto t = trimmed(text_);
      if (!is_blank_or_comment(t)) return true;
      if (remark && !t.empty()) *remark = t, remark_line_ = line_;
    }
    return false;
  }

  // Looks at the line after the current one; null at the end. Works for the first line only.
  const std::string* peek() {
    if (!ahead_) {
      std::string now = std::move(text_);
      const Index line = line_;
      if (next_line()) ahead_ = std::move(text_), ahead_line_ = line_;
      text_ = std::move(now), line_ = line;
      split_line();  // the cells are views of the text
      if (has_trailing_separator_) cells_.pop_back();
    }
    return ahead_ ? &*ahead_ : nullptr;
  }

  TextLines lines_;
  std::string text_, remark_;
  std::optional<std::string> ahead_;
  std::vector<std::string> arff_;  // names
  std::vector<Cell> cells_;
  std::vector<double> values_;
  std::vector<Index> places_;  // the line of each row last read
  std::size_t width_ = 0;      // columns of the file
  char separator_ = ',';
  bool separator_given_ = false, decimal_comma_ = false;
  Index line_ = 0, first_line_ = 0, remark_line_ = 0, ahead_line_ = 0, first_of_part_ = 1;
  bool has_trailing_separator_ = false, has_index_ = false;
  bool pending_ = false;            // the first line is a row
  bool doubtful_ = false;           // a header of numbers in quotes, before the first row
  bool only_words_so_far_ = false;  // no row has been read
};

class CsvWriter final : public TableWriter {
 public:
  CsvWriter(const std::string& output, const std::vector<std::string>& columns)
      : target_(output), out_(target_.path(), std::ios::binary) {
    for (std::size_t j = 0; j < columns.size(); ++j) out_ << (j ? "," : "") << quoted_if_needed(printable(columns[j]));
    if (!columns.empty()) out_ << '\n';
  }
  void append(ConstMatrixRef<double> values, const std::vector<std::string>& comments) override {
    fmt::memory_buffer text;
    for (Index row = 0; row < values.cols(); ++row) {
      for (Index j = 0; j < values.rows(); ++j)
        fmt::format_to(std::back_inserter(text), "{}{}", j > 0 ? "," : "", values(j, row));
      fmt::format_to(std::back_inserter(text), "{}\n",
                     comments.empty() ? std::string_view() : comments[static_cast<std::size_t>(row)]);
    }
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

std::unique_ptr<TableReader> open_csv(const std::string& input, const TableOptions& options) {
  return std::make_unique<CsvReader>(input, options);
}
std::unique_ptr<TableWriter> create_csv(const std::string& output, const std::vector<std::string>& columns, Index) {
  return std::make_unique<CsvWriter>(output, columns);
}

}  // namespace pathline
