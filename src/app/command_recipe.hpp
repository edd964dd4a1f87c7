// The recipe of a command that trains no density: a TOML file with the options of the command.
#pragma once

#include <string>

#include "app/command_line.hpp"

namespace pathline {

// Whether SOURCE is such a file.
bool is_command_recipe(const std::string& source);

// Sets the options that the file names ("learning_rate = 0.01" is --learning-rate) and the command line has not.
// `source` is the option for the table, SOURCE on the command line. InputError with file and line for a key that is no
// option.
void apply_command_recipe(Command command, std::string file);

}  // namespace pathline
