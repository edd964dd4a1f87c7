// The options that several commands share, and how they apply to a model.
#pragma once

#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

#include "app/command_line.hpp"
#include "app/key_flags.hpp"
#include "pathline/checkpoint/model.hpp"
#include "pathline/core/error.hpp"
#include "pathline/flow/flow.hpp"
#include "pathline/flow/flow_mixture.hpp"
#include "pathline/io/table.hpp"
#include "trace/probe_memory.hpp"

namespace pathline {

// The options that several commands have.
struct CommonFlags {
  int threads = 0;  // all cores; the library's own default is one
  bool quiet = false;
  double timeout = 0;  // seconds that a solve may take; 0: no limit
  KeyFlags keys;       // the options that stand for keys of a recipe

  void add_to(Command command);        // --threads, --quiet
  void add_table_to(Command command);  // --header, --drop-missing: how tables are read
  // --stepper, --rtol, --atol, --steps, --trace, --probes, --timeout and --precision, in place of those of a model.
  void add_solve_to(Command command);
  // --timeout, which add_solve_to() adds too.
  void add_timeout_to(Command command, const std::string& what = "seconds that the solve of a tile of points may take");
  void add_precision_to(Command command, const std::string& otherwise);

  // Checks the options and sets the time limit, before the command does anything else. InputError for a value out of
  // its range.
  void begin() const;
  // names: those of a model. A first line with all of them is a header, even if they are numbers. InputError as
  // begin().
  TableOptions table_options(const std::vector<std::string>& names = {}) const;
  // Prints a note for each of `options` ("--blocks") that was given: why it has no effect.
  void note_ignored(const Command& command, std::initializer_list<const char*> options, const std::string& why) const;
  // Prints a note, in the words of the command line, unless --quiet is given.
  void note(const std::string& text) const;
};

// --stepper ... --probes for the keys of [trace] and of a table with the keys of SolverOptions. otherwise: see
// KeyFlags.
void add_solver_keys(KeyFlags& keys, Command command, const std::string& table, const std::string& otherwise);

// Prints the notes of a reader that has come to its end, and how many rows it left out.
void report_notes(const TableReader& reader, const std::string& input, const CommonFlags& common);

// A message whose subject is a field that an option of the command sets gets the option: "learning_rate = -1: must be
// > 0" gives "--learning-rate = -1: must be > 0".
std::string with_option(const std::string& message, const Command& command);

// Sets `chosen` to run(*f) if the command line chooses this command. Errors name its options instead of keys and of the
// library's fields. `prepare` comes first: it may set options.
using Action = std::function<int()>;  // gives the exit code
template <class F> void run_if_chosen(
    Command command, Action& chosen, std::shared_ptr<F> f, int (*run)(const F&),
    std::function<void()> prepare = [] {}) {
  command.callback([command, f, run, prepare, &chosen] {
    chosen = [command, f, run, prepare] {
      prepare();
      try {
        f->common.begin();
        return run(*f);
      } catch (const InputError& error) {
        throw InputError(with_option(f->common.keys.worded(error.what()), command));
      } catch (const NumericalError& error) {
        throw NumericalError(f->common.keys.worded(error.what()));
      }
    };
  });
}

// A model as a command uses it. MODEL is a file, or the directory of a run.
std::string model_file(const std::string& model);
// Throws InputError for an option of the solver or the trace if the number of ODEs that a model solves is 0.
void refuse_solver_options(std::size_t solves, const CommonFlags& common);
// The evaluation options of the model, with the exact trace, changed by the options of the command line. Prints a note
// about options that make a density inexact.
EvaluationOptions evaluation_options(const ModelCard& card, const CommonFlags& common);
// The number of ODEs that a density solves, those of all members of an ensemble.
template <class S> std::size_t solves_of(const Flow<S>& flow) {
  std::size_t count = flow.chain.solves();
  if (const auto* mixture = flow.members())
    for (const auto& member : mixture->members()) count += member.chain.solves();
  return count;
}
// The same. Throws InputError for an option of the solver or the trace if the model solves no ODE.
template <class S> EvaluationOptions evaluation_options(const Model<S>& model, const CommonFlags& common) {
  refuse_solver_options(solves_of(model.flow), common);
  const auto options = evaluation_options(model.card, common);
  check_probe_memory(options.trace, model.flow.dim(), options.tile);
  return options;
}
// Warns of a model in a file of format 1, which may have been changed.
void warn_of_format(const ModelCard& card);
bool is_double(const ModelCard& card, const CommonFlags& common);

// Throws InputError if one of `options` ("--paths") is given, because an option that would be ignored is a mistake.
// `why` says why it has no effect.
void refuse_ignored(const Command& command, std::initializer_list<const char*> options, const std::string& why);

}  // namespace pathline
