// Tables of finite numbers in CSV, NPY and HDF5: one sample a row in the file, one a column in memory.
//
// A table is named by one string: FILE.csv (or .txt, .tsv), FILE.npy, FILE.h5:dataset (or .hdf5; without a data set's
// name if the file has just one), or "-" for CSV on the standard input. Every error is an InputError of one line that
// names the file, the line or row and the column, what was found and what was expected.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "pathline/core/types.hpp"

namespace pathline {

// Reads in parts, so that a table of any length takes bounded memory.
class TableReader {
 public:
  static std::unique_ptr<TableReader> open(const std::string& input);
  virtual ~TableReader() = default;

  const std::vector<std::string>& columns() const { return columns_; }  // d names, or none
  Index dim() const { return dim_; }                                    // d, known once open
  virtual std::optional<Index> rows() const { return std::nullopt; }    // if known without reading
  // The next rows, `most` (>= 1) at most, as d x n; false at the end.
  virtual bool read(Matrix<double>& out, Index most) = 0;

  // Before the first read: only these columns, in this order; what the others hold, words even, is not looked at.
  // InputError for a name that is not there, with the nearest, and for a table without names.
  void select(const std::vector<std::string>& names);

 protected:
  explicit TableReader(std::string name) : name_(std::move(name)) {}
  // d x n of every column to those selected.
  void keep_selected(Matrix<double>& all) const {
    if (!selected_.empty()) all = all(selected_, Eigen::all).eval();
  }

  std::string name_;  // for errors
  std::vector<std::string> columns_;
  Index dim_ = 0;
  std::vector<Index> selected_;  // places in the file; all of them if empty
};

struct Table {
  Matrix<double> values;             // d x N
  std::vector<std::string> columns;  // d names, or none
};
// only: those columns, all of them if empty. InputError too for a table without rows.
Table read_table(const std::string& input, const std::vector<std::string>& only = {});

// Writes in parts by suffix: .csv, .npy (float64, C order), .h5 or .hdf5 (data set `values`, or FILE.h5:name). The
// file takes its place at commit(), or not at all.
class TableWriter {
 public:
  // dim columns, with names or none. One column is shape (N) in NPY and HDF5.
  static std::unique_ptr<TableWriter> create(const std::string& output, const std::vector<std::string>& columns,
                                             Index dim);
  virtual ~TableWriter() = default;
  virtual void append(ConstMatrixRef<double> values) = 0;  // d x n
  virtual void commit() = 0;
};

// What a name ends with decides.
enum class TableFormat { csv, npy, hdf5 };
// "a.h5:x" is hdf5; InputError for a suffix that is none of them.
TableFormat table_format(const std::string& name);
// "a.h5:x" in two; the second part may be empty.
std::pair<std::string, std::string> split_hdf5_name(const std::string& name);

}  // namespace pathline
