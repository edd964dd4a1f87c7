// The options that subcommands share, and what a model makes of them.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "pathline/checkpoint/model.hpp"
#include "pathline/flow/flow.hpp"
#include "pathline/io/table.hpp"
#include "pathline/recipe/recipe.hpp"

namespace pathline {

// --threads, --quiet, --precision.
struct CommonFlags {
  int threads = 0;        // all cores; the library's own default is one
  bool quiet = false;
  std::string precision;  // empty: the model's, or the recipe's
  void add_to(CLI::App* command, bool with_precision = true);
  void apply() const;  // InputError
};

// --stepper, --rtol, --atol, --steps, --trace, --probes.
struct SolveFlags {
  std::optional<std::string> stepper, trace;
  std::optional<double> rtol, atol;
  std::optional<Index> steps, probes;
  void add_to(CLI::App* command);
  // As assignments of a recipe: "solver.rtol=1e-4". table: "solver" or "solver.evaluation".
  std::vector<std::string> assignments(const std::string& table) const;
};

// --header and --drop-missing: how tables are read.
struct TableFlags {
  std::string header;  // "yes", "no", or empty: not given
  bool drop_missing = false;
  void add_to(CLI::App* command);
  void check() const;                     // InputError
  void apply_to(DataRecipe& data) const;  // what is given takes the place of what the recipe says
  // InputError. names: of a model; a first line that has them all is a header, even if they are numbers.
  TableOptions options(const std::vector<std::string>& names = {}) const;
};
// Prints the notes of a reader that has come to its end, and how many rows it left out.
void report_notes(const TableReader& reader, const std::string& input, bool quiet);

// A model as a command uses it. MODEL is a file, or the directory of a run.
std::string model_file(const std::string& model);
// The evaluation that the model's recipe asks for, exact trace, with the flags over it. Warns on stderr of what would
// make a density less than exact.
EvaluationOptions evaluation_options(const ModelCard& card, const SolveFlags& flags, const CommonFlags& common);
bool is_double(const ModelCard& card, const CommonFlags& common);

// InputError naming the first of `options` ("--paths") that the command line has, where `why` says what makes it
// useless: an option that would be ignored is a mistake.
void refuse_ignored(const CLI::App& command, std::initializer_list<const char*> options, const std::string& why);

}  // namespace pathline
