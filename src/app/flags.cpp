#include "app/flags.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include <fmt/format.h>

#include "app/report.hpp"
#include "core/option_check.hpp"
#include "io/tables.hpp"
#include "io/text_stream.hpp"
#include "pathline/ode/time_limit.hpp"
#include "recipe/in_table.hpp"

namespace pathline {

void CommonFlags::add_to(Command c) {
  c.group("General");
  c.add_option("--threads", threads, "threads; 0 = one per core; results do not depend on it").show_default();
  c.add_flag("--quiet", quiet, "print no progress and no notes");
}

void CommonFlags::add_table_to(Command c) {
  c.group("Tables");
  keys.add(c, "--header", "data.header");
  keys.add(c, "--drop-missing", "data.drop_missing");
}

void CommonFlags::add_solve_to(Command c) {
  c.group("Solver");
  add_solver_keys(keys, c, "solver.evaluation", "that of the model");
  add_timeout_to(c);
  add_precision_to(c, "that of the model");
}

void CommonFlags::add_timeout_to(Command c, const std::string& what) {
  c.add_option("--timeout", timeout, what + "; 0 = no limit").show_default();
}

void CommonFlags::add_precision_to(Command c, const std::string& otherwise) {
  keys.add(c, "--precision", "model.precision", otherwise);
}

void CommonFlags::begin() const {
  require(timeout >= 0 && std::isfinite(timeout), "--timeout", timeout, ">= 0");
  limit_solve_time(timeout);
  require(threads >= 0, "--threads", threads, ">= 0");
  Recipe unused;
  keys.apply_to(unused);
  report_waiting([quiet = quiet](const std::string& name) {
    if (!quiet) report_note("waiting for the table: {} is open, and nothing has come from it yet", name);
  });
}

TableOptions CommonFlags::table_options(const std::vector<std::string>& names) const {
  Recipe recipe;
  keys.apply_to(recipe);
  TableOptions options = recipe.data.reading.table;
  options.expected_names = names;
  return options;
}

void CommonFlags::note(const std::string& text) const {
  if (!quiet) report_note("{}", keys.worded(text));
}

void CommonFlags::note_ignored(const Command& command, std::initializer_list<const char*> options,
                               const std::string& why) const {
  for (const char* option : options)
    if (command.given(option)) note(fmt::format("{} has no effect: {}", option, why));
}

void add_solver_keys(KeyFlags& keys, Command c, const std::string& table, const std::string& otherwise) {
  for (const std::string key : {"stepper", "rtol", "atol", "steps"})
    keys.add(c, "--" + key, table + "." + key, otherwise);
  keys.add(c, "--trace", "trace.kind");
  keys.add(c, "--probes", "trace.probes");
}

void report_notes(const TableReader& reader, const std::string& input, const CommonFlags& common) {
  for (const auto& note : notes_at_end(reader, input)) common.note(note);
}

std::string model_file(const std::string& model) {
  return std::filesystem::is_directory(model) ? model + "/model.h5" : model;
}

void warn_of_format(const ModelCard& card) {
  if (const auto warning = card.warning(); !warning.empty()) report_warning("{}", warning);
}

bool is_double(const ModelCard& card, const CommonFlags& common) {
  const auto given = common.keys.text("--precision");
  return (given.empty() ? card.precision : given) == "double";
}

EvaluationOptions evaluation_options(const ModelCard& card, const CommonFlags& common) {
  Recipe recipe;
  recipe.train.evaluation.solver = card.evaluation;
  const auto& keys = common.keys;
  keys.apply_to(recipe);
  const auto& solver = recipe.train.evaluation.solver;
  in_table("solver.evaluation", [&] { solver.check(); });
  EvaluationOptions out{.solver = solver, .trace = recipe.gradient.trace, .threads = common.threads};
  const bool exact = out.trace.kind == TraceKind::exact;
  const std::string tolerance = keys.given("--rtol") ? "--rtol" : keys.given("--atol") ? "--atol" : "";
  if (keys.given("--probes") && exact)
    throw InputError("--probes applies only to --trace hutchinson; the trace is exact");
  if (keys.given("--steps") && solver.steps > 0 && !tolerance.empty())
    throw InputError(
        fmt::format("{} has no effect with --steps, which has no step control: give one of the two", tolerance));
  if (solver.steps > 0 && !tolerance.empty())
    common.note(
        fmt::format("{} has no effect: the model is evaluated with {} fixed steps; --steps 0 gives step control",
                    tolerance, solver.steps));
  if (!exact)
    common.note(fmt::format(
        "--trace hutchinson: each log-density is a random estimate from {} probes; use --trace exact for the exact "
        "density",
        out.trace.probes));
  if (!is_double(card, common) && solver.steps == 0 && (solver.rtol < 5e-7 || solver.atol < 5e-7))
    common.note("float arithmetic has about 7 digits; a tolerance below 5e-7 needs --precision double");
  return out;
}

void refuse_solver_options(std::size_t solves, const CommonFlags& common) {
  if (solves > 0) return;
  for (const char* option : {"--stepper", "--rtol", "--atol", "--steps", "--trace", "--probes"})
    if (common.keys.given(option))
      throw InputError(fmt::format("{} has no effect: the model has no continuous block, so no ODE is solved", option));
}

std::string with_option(const std::string& message, const Command& command) {
  const auto end = message.find_first_not_of("abcdefghijklmnopqrstuvwxyz_");
  if (end == std::string::npos) return message;
  const auto rest = message.substr(end);
  if (!rest.starts_with(" = ") && !rest.starts_with(" '")) return message;
  std::string name = message.substr(0, end);
  std::replace(name.begin(), name.end(), '_', '-');
  for (const auto& option : command.options())
    if (option.name() == name) return "--" + name + rest;
  return message;
}

void refuse_ignored(const Command& command, std::initializer_list<const char*> options, const std::string& why) {
  for (const char* option : options)
    if (command.given(option)) throw InputError(fmt::format("{}: {}", option, why));
}

}  // namespace pathline
