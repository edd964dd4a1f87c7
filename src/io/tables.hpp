// The readers and writers of each table format.
#pragma once

#include <istream>
#include <memory>
#include <string>
#include <vector>

#include "pathline/io/table.hpp"

namespace pathline {

std::unique_ptr<TableReader> open_csv(const std::string& input, const TableOptions& options);  // a file or a stream
std::unique_ptr<TableReader> open_npy(const std::string& input, const TableOptions& options);
std::unique_ptr<TableReader> open_npy(const std::string& name, std::unique_ptr<std::istream> in,
                                      const TableOptions& options);  // in: the bytes of an NPY file, which can seek
std::unique_ptr<TableReader> open_npz(const std::string& input, const TableOptions& options);
std::unique_ptr<TableReader> open_hdf5_table(const std::string& input, const TableOptions& options);
// The chain ROOT_1.txt, ... of a GetDist root; null if `root` is not one.
std::unique_ptr<TableReader> open_chain(const std::string& root, const TableOptions& options);
// The names in ROOT.paramnames of a chain's file ROOT_1.txt, after "weight" and "minuslogpost"; empty if there is none.
std::vector<std::string> chain_columns(const std::string& file);

std::unique_ptr<TableWriter> create_csv(const std::string& output, const std::vector<std::string>& columns, Index dim);
std::unique_ptr<TableWriter> create_npy(const std::string& output, Index dim);
std::unique_ptr<TableWriter> create_hdf5_table(const std::string& output, const std::vector<std::string>& columns,
                                               Index dim);

// What was found in a table whose rows have been read, and how many were left out. input: names the table.
std::vector<std::string> notes_at_end(const TableReader& reader, const std::string& input);

// An integer of 64 bits, or a mark for one of 2^53 or more, because 2^53 + 1 is rounded to 2^53. TableReader refuses a
// mark in a column that is read, so that no other column needs a look.
double marked_if_inexact(double integer);

// The end of a message on a missing value.
inline constexpr const char* kDropMissing = "; TableOptions.drop_missing leaves such rows out";

// Throws InputError, "FILE: line 1: ...", for a name that is not UTF-8 or that two columns have. where: the start of
// the message.
void check_columns(const std::string& where, const std::vector<std::string>& columns);

}  // namespace pathline
