// A TOML file that gives the options of a command.
#pragma once

#include <string>
#include <vector>

namespace pathline {

struct FileOption {
  std::string name;                 // "learning_rate"
  std::vector<std::string> values;  // of an array, or one
  int line;
};

// The keys of a flat TOML file in their order, with numbers, booleans and strings as text. InputError with file and
// line for a table, a date, an array of arrays, or what is no TOML.
std::vector<FileOption> read_option_file(const std::string& file);

}  // namespace pathline
