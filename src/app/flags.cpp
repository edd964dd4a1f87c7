#include "app/flags.hpp"

#include <filesystem>

#include <fmt/format.h>

#include "app/report.hpp"
#include "core/option_check.hpp"
#include "pathline/recipe/build_data.hpp"
#include "pathline/recipe/build_flow.hpp"

namespace pathline {

void CommonFlags::add_to(CLI::App* c, bool with_precision) {
  c->add_option("--threads", threads, "number of threads; 0 = one per core. Results do not depend on it")
      ->capture_default_str();
  c->add_flag("--quiet", quiet, "print no progress and no notes");
  if (with_precision)
    c->add_option("--precision", precision, "arithmetic: float or double; default: that of the model");
}

void CommonFlags::apply() const {
  require(threads >= 0, "--threads", threads, ">= 0");
  if (!precision.empty() && precision != "float" && precision != "double")
    throw InputError("--precision = " + precision + ": must be float or double");
}

void SolveFlags::add_to(CLI::App* c) {
  c->add_option("--stepper", stepper, fmt::format("{}", fmt::join(stepper_names(), ", ")));
  c->add_option("--rtol", rtol, "relative tolerance of the solver, per sample");
  c->add_option("--atol", atol, "absolute tolerance of the solver, per sample");
  c->add_option("--steps", steps, "use this number of equal steps instead of adaptive steps");
  c->add_option("--trace", trace,
                "trace of the Jacobian: exact, or hutchinson (an unbiased estimate from random probes)");
  c->add_option("--probes", probes, "number of probes per sample for --trace hutchinson");
}

std::vector<std::string> SolveFlags::assignments(const std::string& table) const {
  std::vector<std::string> out;
  if (stepper) out.push_back(table + ".stepper=" + *stepper);
  if (rtol) out.push_back(fmt::format("{}.rtol={}", table, *rtol));
  if (atol) out.push_back(fmt::format("{}.atol={}", table, *atol));
  if (steps) out.push_back(fmt::format("{}.steps={}", table, *steps));
  if (trace) out.push_back("trace.kind=" + *trace);
  if (probes) out.push_back(fmt::format("trace.probes={}", *probes));
  return out;
}

void TableFlags::add_to(CLI::App* c) {
  c->add_option("--header", header, "whether the first line of a text table names its columns: yes or no; default: "
                                    "it does if none of its cells is a number");
  c->add_flag("--drop-missing", drop_missing, "leave out rows with a missing value, instead of refusing the table");
}

void TableFlags::check() const {
  if (!header.empty() && header != "yes" && header != "no")
    throw InputError("--header = " + header + ": must be yes or no");
}

void TableFlags::apply_to(DataRecipe& data) const {
  check();
  if (!header.empty()) data.header = header;
  if (drop_missing) data.drop_missing = true;
}

TableOptions TableFlags::options(const std::vector<std::string>& names) const {
  check();
  return {.header = header_option(header), .expected_names = names, .drop_missing = drop_missing};
}

void report_notes(const TableReader& reader, const std::string& input, bool quiet) {
  if (quiet) return;
  for (const auto& note : reader.notes()) report_note("{}", note);
  if (reader.dropped() > 0) report_note("{}: {} rows with missing values are left out", input, reader.dropped());
}

std::string model_file(const std::string& model) {
  return std::filesystem::is_directory(model) ? model + "/model.h5" : model;
}

bool is_double(const ModelCard& card, const CommonFlags& common) {
  return (common.precision.empty() ? card.precision : common.precision) == "double";
}

EvaluationOptions evaluation_options(const ModelCard& card, const SolveFlags& flags, const CommonFlags& common) {
  Recipe recipe;
  recipe.solver.evaluation = evaluation_recipe(card.evaluation);
  for (const auto& assignment : flags.assignments("solver.evaluation")) set(recipe, assignment);
  EvaluationOptions out{.solver = solver_options(recipe.solver.evaluation), .trace = trace_options(recipe.trace),
                        .threads = common.threads};
  if (flags.probes && out.trace.kind != TraceKind::hutchinson)
    throw InputError("--probes applies only to --trace hutchinson; the trace is exact");
  if (flags.steps && *flags.steps > 0 && (flags.rtol || flags.atol))
    throw InputError(fmt::format("{} has no effect with --steps, which has no step control: give one of the two",
                                 flags.rtol ? "--rtol" : "--atol"));
  auto note = [&](const std::string& text) {
    if (!common.quiet) report_note("{}", text);
  };
  if (out.solver.steps > 0 && (flags.rtol || flags.atol))
    note(fmt::format("{} has no effect: the model is evaluated with {} fixed steps; --steps 0 gives step control",
                     flags.rtol ? "--rtol" : "--atol", out.solver.steps));
  if (out.trace.kind == TraceKind::hutchinson)
    note(fmt::format(
        "--trace hutchinson: each log-density is a random estimate from {} probes; use --trace exact for the exact "
        "density",
        out.trace.probes));
  if (!is_double(card, common) && out.solver.steps == 0 && (out.solver.rtol < 5e-7 || out.solver.atol < 5e-7))
    note("float arithmetic has about 7 digits; a tolerance below 5e-7 needs --precision double");
  return out;
}

void refuse_ignored(const CLI::App& command, std::initializer_list<const char*> options, const std::string& why) {
  for (const char* option : options)
    if (command.count(option) > 0) throw InputError(fmt::format("{}: {}", option, why));
}

}  // namespace pathline
