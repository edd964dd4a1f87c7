#include "pathline/io/table.hpp"

#include <algorithm>
#include <cctype>
#include <cmath>

#include <fmt/format.h>

#include "core/utf8.hpp"
#include "io/tables.hpp"
#include "pathline/core/error.hpp"
#include "pathline/core/nearest.hpp"
#include "pathline/io/hdf5.hpp"

namespace pathline {
namespace {

class Hdf5TableReader final : public TableReader {
 public:
  explicit Hdf5TableReader(const std::string& input) : TableReader(input) {
    auto [name, dataset] = split_hdf5_name(input);
    file_ = std::make_unique<Hdf5File>(Hdf5File::open(name));
    if (dataset.empty()) {
      const auto all = file_->datasets();
      if (all.size() != 1)
        throw InputError(fmt::format("{}: has {} data sets; expected FILE:dataset with one of: {}", name, all.size(),
                                     fmt::join(all, ", ")));
      dataset = all[0];
    }
    name_ = name + ":" + dataset;
    if (!file_->exists(dataset) || !file_->is_dataset(dataset))
      throw InputError(
          fmt::format("{}: no data set '{}'; there are: {}", name, dataset, fmt::join(file_->datasets(), ", ")));
    data_ = std::make_unique<Hdf5Dataset>(file_->dataset(dataset));
    const auto shape = data_->shape();
    if (!data_->is_numeric() || shape.empty() || shape.size() > 2)
      throw InputError(fmt::format("{}: expected numbers of shape (N, d) or (N)", name_));
    dim_ = shape.size() == 2 ? shape[1] : 1;
    if (dim_ < 1) throw InputError(name_ + ": has no columns");
    if (data_->has_attribute("columns")) columns_ = data_->attribute<std::vector<std::string>>("columns");
    if (static_cast<Index>(columns_.size()) != dim_) columns_.clear();
    check_columns(name_, columns_);
  }
  std::optional<Index> rows() const override { return data_->rows(); }
  bool read(Matrix<double>& out, Index most) override {
    const Index count = std::min(most, data_->rows() - next_);
    if (count <= 0) return false;
    out = data_->read_rows<double>(next_, count);
    keep_selected(out);
    require_finite(name_, out, next_ + 1);
    next_ += count;
    return true;
  }

 private:
  std::unique_ptr<Hdf5File> file_;  // outlives the data set
  std::unique_ptr<Hdf5Dataset> data_;
  Index next_ = 0;
};

class Hdf5TableWriter final : public TableWriter {
 public:
  Hdf5TableWriter(const std::string& output, const std::vector<std::string>& columns, Index dim)
      : file_(Hdf5File::create(split_hdf5_name(output).first)) {
    const auto name = split_hdf5_name(output).second;
    data_ = std::make_unique<Hdf5Dataset>(
        file_.create_extendible<double>(name.empty() ? "values" : name, dim == 1 ? Hdf5Shape{} : Hdf5Shape{dim}));
    if (!columns.empty()) data_->set_attribute("columns", columns);
  }
  void append(ConstMatrixRef<double> values) override { data_->append(values); }
  void commit() override {
    data_.reset();
    file_.commit();
  }

 private:
  Hdf5File file_;
  std::unique_ptr<Hdf5Dataset> data_;
};

std::string lower_case(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

bool ends_with(const std::string& name, std::initializer_list<const char*> suffixes) {
  for (const char* s : suffixes)
    if (name.ends_with(s)) return true;
  return false;
}

}  // namespace

std::unique_ptr<TableReader> open_hdf5_table(const std::string& input) {
  return std::make_unique<Hdf5TableReader>(input);
}
std::unique_ptr<TableWriter> create_hdf5_table(const std::string& output, const std::vector<std::string>& columns,
                                               Index dim) {
  return std::make_unique<Hdf5TableWriter>(output, columns, dim);
}

void require_finite(const std::string& file, const Matrix<double>& values, Index first_row) {
  if (values.allFinite()) return;
  for (Index row = 0; row < values.cols(); ++row)
    for (Index column = 0; column < values.rows(); ++column)
      if (!std::isfinite(values(column, row)))
        throw InputError(fmt::format("{}: row {}, column {}: {}: must be finite", file, first_row + row, column + 1,
                                     values(column, row)));
}

void check_columns(const std::string& where, const std::vector<std::string>& columns) {
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (!is_utf8(columns[i])) throw InputError(fmt::format("{}: the name of column {}: expected UTF-8", where, i + 1));
    const auto found = std::find(columns.begin(), columns.end(), columns[i]);
    const auto first = static_cast<std::size_t>(found - columns.begin());
    if (first < i && !columns[i].empty())
      throw InputError(fmt::format("{}: columns {} and {} are both named '{}'; expected different names", where,
                                   first + 1, i + 1, columns[i]));
  }
}

std::pair<std::string, std::string> split_hdf5_name(const std::string& name) {
  for (const char* suffix : {".h5:", ".hdf5:"}) {
    const auto at = lower_case(name).rfind(suffix);
    if (at == std::string::npos) continue;
    const auto colon = at + std::string(suffix).size() - 1;
    return {name.substr(0, colon), name.substr(colon + 1)};
  }
  return {name, ""};
}

TableFormat table_format(const std::string& name) {
  const std::string file = lower_case(split_hdf5_name(name).first);
  if (ends_with(file, {".h5", ".hdf5"})) return TableFormat::hdf5;
  if (ends_with(file, {".npy"})) return TableFormat::npy;
  if (ends_with(file, {".csv", ".txt", ".tsv"})) return TableFormat::csv;
  throw InputError(name + ": expected a name that ends with .csv, .txt, .tsv, .npy, .h5 or .h5:dataset");
}

std::unique_ptr<TableReader> TableReader::open(const std::string& input) {
  if (input == "-") return open_csv(input);
  switch (table_format(input)) {
    case TableFormat::hdf5: return open_hdf5_table(input);
    case TableFormat::npy: return open_npy(input);
    case TableFormat::csv: break;
  }
  return open_csv(input);
}

std::unique_ptr<TableWriter> TableWriter::create(const std::string& output, const std::vector<std::string>& columns,
                                                 Index dim) {
  switch (table_format(output)) {
    case TableFormat::hdf5: return create_hdf5_table(output, columns, dim);
    case TableFormat::npy: return create_npy(output, dim);
    case TableFormat::csv: break;
  }
  return create_csv(output, columns, dim);
}

void TableReader::select(const std::vector<std::string>& names) {
  if (columns_.empty())
    throw InputError(name_ + ": has no names of columns; expected a table that has, to choose from");
  for (const auto& name : names) {
    const auto at = std::find(columns_.begin(), columns_.end(), name);
    if (at == columns_.end())
      throw InputError(
          fmt::format("{}: has no column '{}'; the nearest is '{}'", name_, name, nearest(name, columns_)));
    selected_.push_back(at - columns_.begin());
  }
  columns_ = names, dim_ = static_cast<Index>(names.size());
}

Table read_table(const std::string& input, const std::vector<std::string>& only) {
  const auto reader = TableReader::open(input);
  if (!only.empty()) reader->select(only);
  std::vector<Matrix<double>> parts;
  Index rows = 0;
  for (Matrix<double> part; reader->read(part, 1 << 16); rows += part.cols()) parts.push_back(part);
  if (rows == 0) throw InputError(input + ": no rows");
  Table table{Matrix<double>(reader->dim(), rows), reader->columns()};
  Index at = 0;
  for (const auto& part : parts) table.values.middleCols(at, part.cols()) = part, at += part.cols();
  return table;
}

}  // namespace pathline
