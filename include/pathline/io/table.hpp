/// \file
/// Tables of finite numbers in text, NPY, NPZ and HDF5: one sample per row in the file, one per column in memory.
///
/// A table is named by one string:
///
///     FILE.csv   text: .csv, .tsv, .txt, .dat, .data, .arff, each also with .gz; "-" is text on the standard input
///     ROOT       a GetDist chain ROOT_1.txt, ROOT_2.txt, ... whose names are in ROOT.paramnames
///     FILE.npy   an array (N, d) or (N), or a structured array of numbers; FILE.npz:name is one array of an archive
///     FILE.h5:x  a data set (N, d) or (N) or of records, or a group with one data set per column, or a pandas frame
///
/// Every error is an InputError of one line that names the file, the line or row and the column, what was found and
/// what was expected.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "pathline/core/column_bounds.hpp"
#include "pathline/core/types.hpp"

namespace pathline {

/// How a table is read.
struct TableOptions {
  /// Whether the first line of a text names the columns. With automatic it does if none of its cells is a number.
  enum class Header { automatic, yes, no };
  static const std::vector<std::string>& header_names();
  Header header = Header::automatic;
  /// With automatic, a first line that has all of these names is a header even if they are numbers. Empty: no names.
  std::vector<std::string> expected_names = {};
  bool drop_missing = false;  ///< leave out rows with an empty cell, NA or NaN, instead of refusing the table
  /// A value outside is refused with its line. Bounds of a column that is not read have no effect.
  std::vector<ColumnBounds> bounds = {};
};

/// A table in memory that somebody else owns.
struct TableView {
  ConstMatrixMap<double> values;          ///< d x N, one sample per column; as an array (N, d) of NumPy is in memory
  std::vector<std::string> columns = {};  ///< d names, or none
};

/// Reads a table in parts, so that a table of any length needs bounded memory.
class TableReader {
 public:
  [[nodiscard]] static std::unique_ptr<TableReader> open(const std::string& input, const TableOptions& options = {});
  /// Reads a table in memory, which must outlive the reader. name: what errors call it.
  [[nodiscard]] static std::unique_ptr<TableReader> open(const TableView& table, const std::string& name,
                                                         const TableOptions& options = {});
  virtual ~TableReader() = default;

  const std::vector<std::string>& columns() const { return columns_; }  ///< d names, or none
  Index dim() const { return dim_; }                                    ///< d
  virtual std::optional<Index> rows() const { return std::nullopt; }    ///< rows of the file, if known without reading

  /// Reads up to `most` (>= 1) further rows as d x n. Returns false at the end of the table.
  bool read(Matrix<double>& out, Index most);

  /// Chooses columns by name, in this order; "1" is the first column if no column has this name. The contents of the
  /// others are not looked at. Call it before the first read. Throws InputError for a column that does not exist.
  void select(const std::vector<std::string>& names);

  const std::vector<std::string>& notes() const { return notes_; }  ///< what the user should know; complete at the end
  virtual Index dropped() const { return dropped_; }                ///< rows left out for missing values, so far

 protected:
  TableReader(std::string name, const TableOptions& options) : name_(std::move(name)), options_(options) {}

  /// Reads up to `most` rows with all columns, or with the selected ones if reads_selected(). NaN is a missing value.
  virtual bool read_rows(Matrix<double>& out, Index most) = 0;
  virtual bool reads_selected() const { return false; }
  virtual std::string place(Index row) const;  ///< "row 7"; row: from 1, of those read so far

  std::string name_;  ///< for errors
  TableOptions options_;
  std::vector<std::string> columns_, notes_;
  Index dim_ = 0;
  std::vector<Index> selected_;  ///< places in the file; empty = all

 private:
  void drop_missing(Matrix<double>& rows);
  void check_bounds(const Matrix<double>& rows) const;

  Index read_ = 0, dropped_ = 0;
};

struct Table {
  Matrix<double> values;             ///< d x N
  std::vector<std::string> columns;  ///< d names, or none
};
/// Reads a whole table. only: the columns to read; empty = all. notes, if given, receives the reader's notes. Throws
/// InputError also for a table without rows.
[[nodiscard]] Table read_table(const std::string& input, const std::vector<std::string>& only = {},
                               const TableOptions& options = {}, std::vector<std::string>* notes = nullptr);

/// Reads the rest of a table that is open, for a caller who looks at the columns first.
[[nodiscard]] Table read_table(TableReader& reader, const std::string& input,
                               std::vector<std::string>* notes = nullptr);

/// Writes a table in parts: .csv, .npy (float64, C order), .h5 or .hdf5 (data set `values`, or FILE.h5:name). The file
/// replaces an older one at commit(), or not at all.
class TableWriter {
 public:
  /// dim columns, with names or none. One column has shape (N) in NPY and HDF5.
  [[nodiscard]] static std::unique_ptr<TableWriter> create(const std::string& output,
                                                           const std::vector<std::string>& columns, Index dim);
  virtual ~TableWriter() = default;
  /// d x n. comments: none, or one for each row, which a text has behind the row and other formats leave out.
  virtual void append(ConstMatrixRef<double> values, const std::vector<std::string>& comments = {}) = 0;
  virtual void commit() = 0;
};

/// The format, which the end of a name decides: "a.h5:x" is hdf5. Throws InputError for an unknown one.
enum class TableFormat { csv, npy, npz, hdf5 };
[[nodiscard]] TableFormat table_format(const std::string& name);
/// Whether the name is that of a table by its end, or the root of a GetDist chain that exists.
[[nodiscard]] bool names_a_table(const std::string& name);
/// The format of a table to write; throws InputError also for a format that can only be read.
[[nodiscard]] TableFormat writable_table_format(const std::string& name);
/// Splits "a.h5:x" (or "a.npz:x") in two; the second part may be empty.
[[nodiscard]] std::pair<std::string, std::string> split_hdf5_name(const std::string& name);

}  // namespace pathline
