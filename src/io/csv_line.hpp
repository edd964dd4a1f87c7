// One line of a text table: its separator, its cells and their numbers.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace pathline {

std::string_view trimmed(std::string_view text);  // removes blanks, tabs and CR at both ends

// Parses a whole cell: "1.5e3", "+2", "nan", "inf", and Fortran's exponents "1.5D+03" and "1.5-103". With
// decimal_comma, "1,5" is 1.5.
bool parse_number(std::string_view cell, double& value, bool decimal_comma = false);

// Whether the cell is an integer that a double cannot represent (its magnitude is then above 2^53).
bool is_inexact_integer(std::string_view cell);

// Whether the cell is a number whose digits are in groups of three: "1,234.5", "1.234.567", "12 345,6", "1'234".
bool has_thousands_separators(std::string_view cell);

// Whether the cell is what R, pandas, Excel, astropy, SAS or Weka write for a missing value, in upper or lower case.
bool is_missing(std::string_view cell);

// Whether the cell is an error as Excel spells it: #N/A, #DIV/0! and the like.
bool is_error_of_excel(std::string_view cell);

// The text of a cell without its quotes; inside quotes, a quote of the text is still doubled.
struct Cell {
  std::string_view text;
  bool quoted = false;
};

// Splits a line at a separator outside quotes (RFC 4180 without line breaks in cells). The separator ' ' stands for any
// run of blanks and tabs. Returns false if quotes do not close.
bool split_cells(std::string_view line, char separator, std::vector<Cell>& cells);

// The separator of a line: ',', ';', tab, or ' '; ';' for "1,5;2,5", whose commas are decimal.
char find_separator(std::string_view line);

std::string name_of(const Cell& cell);                  // removes the quotes
std::string quoted_if_needed(const std::string& name);  // so that it is read back unchanged

}  // namespace pathline
