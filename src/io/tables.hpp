// The readers and writers behind a table's name.
#pragma once

#include "pathline/io/table.hpp"

namespace pathline {

std::unique_ptr<TableReader> open_csv(const std::string& input);  // "-": the standard input
std::unique_ptr<TableReader> open_npy(const std::string& input);
std::unique_ptr<TableReader> open_hdf5_table(const std::string& input);

std::unique_ptr<TableWriter> create_csv(const std::string& output, const std::vector<std::string>& columns, Index dim);
std::unique_ptr<TableWriter> create_npy(const std::string& output, Index dim);
std::unique_ptr<TableWriter> create_hdf5_table(const std::string& output, const std::vector<std::string>& columns,
                                               Index dim);

// InputError "FILE: row R, column C: nan: must be finite" for the first value of d x n that is not; rows count from
// first_row, columns from 1.
void require_finite(const std::string& file, const Matrix<double>& values, Index first_row);

// InputError "FILE: line 1: ..." for a name that is not UTF-8 and one that two columns have. where: what it begins
// with.
void check_columns(const std::string& where, const std::vector<std::string>& columns);

}  // namespace pathline
