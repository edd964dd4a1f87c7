#include "pathline/io/table.hpp"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <new>
#include <stdexcept>
#include <string_view>
#include <unordered_map>

#include <fmt/format.h>

#include "core/lower_case.hpp"
#include "core/utf8.hpp"
#include "io/foreign_format.hpp"
#include "io/tables.hpp"
#include "io/text_stream.hpp"
#include "pathline/core/error.hpp"
#include "pathline/core/nearest.hpp"

namespace pathline {
namespace {

bool ends_with(const std::string& name, std::initializer_list<const char*> suffixes) {
  for (const char* s : suffixes)
    if (name.ends_with(s)) return true;
  return false;
}

// NaN that no program writes: quiet, with a payload.
constexpr auto kInexact = std::uint64_t{0x7FF8'5053'0000'0001};

bool is_mark(double value) { return std::bit_cast<std::uint64_t>(value) == kInexact; }

}  // namespace

double marked_if_inexact(double integer) {
  return std::abs(integer) < 0x1p53 ? integer : std::bit_cast<double>(kInexact);
}

const std::vector<std::string>& TableOptions::header_names() {
  static const std::vector<std::string> names = {"automatic", "yes", "no"};
  return names;
}

void check_columns(const std::string& where, const std::vector<std::string>& columns) {
  std::unordered_map<std::string_view, std::size_t> first;  // a hostile table has a million names
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (!is_utf8(columns[i])) throw InputError(fmt::format("{}: the name of column {}: expected UTF-8", where, i + 1));
    const auto [found, is_new] = first.try_emplace(columns[i], i);
    if (!is_new && !columns[i].empty())
      throw InputError(fmt::format("{}: columns {} and {} are both named '{}'; expected different names", where,
                                   found->second + 1, i + 1, columns[i]));
  }
}

std::pair<std::string, std::string> split_hdf5_name(const std::string& name) {
  for (const char* suffix : {".h5:", ".hdf5:", ".npz:"}) {
    const auto at = lower_case(name).rfind(suffix);
    if (at == std::string::npos) continue;
    const auto colon = at + std::string(suffix).size() - 1;
    return {name.substr(0, colon), name.substr(colon + 1)};
  }
  return {name, ""};
}

namespace {

std::optional<TableFormat> format_by_name(const std::string& name) {
  std::string file = lower_case(split_hdf5_name(name).first);
  if (ends_with(file, {".h5", ".hdf5"})) return TableFormat::hdf5;
  if (ends_with(file, {".npy"})) return TableFormat::npy;
  if (ends_with(file, {".npz"})) return TableFormat::npz;
  if (file.ends_with(".gz")) file.resize(file.size() - 3);
  if (ends_with(file, {".csv", ".txt", ".tsv", ".dat", ".data", ".arff"})) return TableFormat::csv;
  return std::nullopt;
}

[[noreturn]] void throw_unknown_format(const std::string& name) {
  throw InputError(name +
                   ": unknown format; the name must end with .csv, .tsv, .txt, .dat, .data, .arff (each also with "
                   ".gz), .npy, .npz or .h5" +
                   conversion_advice(lower_case(split_hdf5_name(name).first)));
}

}  // namespace

TableFormat table_format(const std::string& name) {
  if (const auto format = format_by_name(name)) return *format;
  if (is_text_stream(name)) return TableFormat::csv;
  throw_unknown_format(name);
}

bool names_a_table(const std::string& name) {
  try {
    if (open_chain(name, {})) return true;
    (void)table_format(name);
    return true;
  } catch (const InputError&) {
    return false;
  }
}

TableFormat writable_table_format(const std::string& name) {
  const auto format = format_by_name(name);
  if (!format) throw_unknown_format(name);
  if (ends_with(lower_case(name), {".gz", ".arff"}) || format == TableFormat::npz)
    throw InputError(name + ": this format is read only; write .csv, .npy or .h5");
  return *format;
}

std::unique_ptr<TableReader> TableReader::open(const std::string& input, const TableOptions& options) {
  if (is_standard_input(input)) return open_csv(input, options);
  if (auto chain = open_chain(input, options)) return chain;
  switch (table_format(input)) {
    case TableFormat::hdf5:
      return open_hdf5_table(input, options);
    case TableFormat::npy:
      return open_npy(input, options);
    case TableFormat::npz:
      return open_npz(input, options);
    case TableFormat::csv: break;
  }
  return open_csv(input, options);
}

std::unique_ptr<TableWriter> TableWriter::create(const std::string& output, const std::vector<std::string>& columns,
                                                 Index dim) {
  switch (writable_table_format(output)) {
    case TableFormat::hdf5: return create_hdf5_table(output, columns, dim);
    case TableFormat::npy: return create_npy(output, dim);
    default:
      return create_csv(output, columns, dim);
  }
}

std::string TableReader::place(Index row) const { return fmt::format("row {}", row); }

bool TableReader::read(Matrix<double>& out, Index most) {
  while (read_rows(out, most)) {
    if (!selected_.empty() && !reads_selected()) out = out(selected_, Eigen::all).eval();
    const Index rows = out.cols();
    check_bounds(out);
    if (!out.allFinite()) drop_missing(out);
    read_ += rows;
    if (out.cols() > 0) return true;  // otherwise every row had a missing value
  }
  return false;
}

// NaN is a missing value; an infinite value, and an integer that a double cannot represent, are errors.
void TableReader::drop_missing(Matrix<double>& rows) {
  std::vector<Index> whole;
  for (Index row = 0; row < rows.cols(); ++row) {
    bool missing = false;
    for (Index i = 0; i < rows.rows(); ++i) {
      if (std::isfinite(rows(i, row))) continue;
      const Index column = selected_.empty() ? i : selected_[static_cast<std::size_t>(i)];
      if (is_mark(rows(i, row)))
        throw InputError(
            fmt::format("{}: {}, column {}{}: an integer of 2^53 or more that double precision cannot represent; leave "
                        "the column out",
                        name_, place(read_ + row + 1), column + 1,
                        columns_.empty() ? "" : fmt::format(" ({})", columns_[static_cast<std::size_t>(i)])));
      if (!std::isnan(rows(i, row)) || !options_.drop_missing)
        throw InputError(fmt::format("{}: {}, column {}: {}: must be finite{}", name_, place(read_ + row + 1),
                                     column + 1, rows(i, row), std::isnan(rows(i, row)) ? kDropMissing : ""));
      missing = true;
    }
    if (!missing) whole.push_back(row);
  }
  dropped_ += rows.cols() - static_cast<Index>(whole.size());
  rows = rows(Eigen::all, whole).eval();
}

// A missing value is neither inside nor outside.
void TableReader::check_bounds(const Matrix<double>& rows) const {
  for (const auto& bounds : options_.bounds) {
    const Index i = find_column(bounds.column, columns_, rows.rows());
    for (Index row = 0; i >= 0 && row < rows.cols(); ++row)
      if (const double x = rows(i, row); x < bounds.low || x > bounds.high)
        throw InputError(fmt::format("{}: {}, column {} ({}): {} is outside of the bounds {}:{}", name_,
                                     place(read_ + row + 1),
                                     (selected_.empty() ? i : selected_[static_cast<std::size_t>(i)]) + 1,
                                     bounds.column, x, bounds.low, bounds.high));
  }
}

void TableReader::select(const std::vector<std::string>& names) {
  const Index dim = columns_.empty() ? dim_ : static_cast<Index>(columns_.size());
  std::vector<std::string> chosen;
  for (const auto& name : names) {
    const auto at = std::find(columns_.begin(), columns_.end(), name);
    Index column = at - columns_.begin(), number = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
    const bool numbered = error == std::errc() && end == name.data() + name.size() && number >= 1 && number <= dim;
    if (at == columns_.end()) {
      if (!numbered && columns_.empty())
        throw InputError(
            fmt::format("{}: the table has no column names; choose columns by number, 1 to {}", name_, dim));
      if (!numbered)
        throw InputError(fmt::format("{}: no column '{}'{}", name_, name, did_you_mean_column(name, columns_)));
      column = number - 1;
    }
    if (std::find(selected_.begin(), selected_.end(), column) != selected_.end())
      throw InputError(fmt::format("{}: column '{}' is chosen twice", name_, name));
    selected_.push_back(column);
    chosen.push_back(columns_.empty() ? "column_" + name : columns_[static_cast<std::size_t>(column)]);
  }
  columns_ = chosen, dim_ = static_cast<Index>(names.size());
}

Table read_table(const std::string& input, const std::vector<std::string>& only, const TableOptions& options,
                 std::vector<std::string>* notes) {
  const auto reader = TableReader::open(input, options);
  if (!only.empty()) reader->select(only);
  return read_table(*reader, input, notes);
}

std::vector<std::string> notes_at_end(const TableReader& reader, const std::string& input) {
  auto notes = reader.notes();
  if (const auto n = reader.dropped(); n > 0)
    notes.push_back(fmt::format("{}: {} with missing values {} left out", input, n == 1 ? "1 row" : fmt::format("{} rows", n),
                                n == 1 ? "is" : "are"));
  return notes;
}

namespace {

// The rest of the table as one matrix. rows: how many were read, for the message of one that is too large.
Matrix<double> read_rest(TableReader& reader, Index& rows) {
  std::vector<Matrix<double>> parts;
  for (Matrix<double> part; reader.read(part, 1 << 16); rows += part.cols()) parts.push_back(part);
  Matrix<double> all(reader.dim(), rows);
  Index at = 0;
  for (const auto& part : parts) all.middleCols(at, part.cols()) = part, at += part.cols();
  return all;
}

}  // namespace

Table read_table(TableReader& reader, const std::string& input, std::vector<std::string>* notes) {
  Index rows = 0;
  Table table;
  try {
    table = {read_rest(reader, rows), reader.columns()};
  } catch (const std::bad_alloc&) {
    throw std::runtime_error(
        fmt::format("out of memory: {}: {} rows of {} columns were read; use fewer columns, or a part of the table", input,
                    rows, reader.dim()));
  }
  if (notes) {
    const auto found = notes_at_end(reader, input);
    notes->insert(notes->end(), found.begin(), found.end());
  }
  if (rows == 0) throw InputError(input + ": no rows");
  return table;
}

}  // namespace pathline
