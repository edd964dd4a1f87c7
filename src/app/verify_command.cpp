#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "app/command.hpp"
#include "app/point_source.hpp"
#include "app/report.hpp"
#include "app/verify_flags.hpp"
#include "core/printable.hpp"
#include "pathline/core/error.hpp"
#include "pathline/recipe/verify_model.hpp"

namespace pathline {
namespace {

Comparison comparison_by_table(const VerifyFlags& f, const ModelCard& card, Index dim, Index condition_dim) {
  Comparison out;
  TablePoints table(f.data, f.common, card, dim, Matrix<double>(0, 0), condition_dim);
  Matrix<double> x, c;
  std::vector<Matrix<double>> xs, cs;
  Index rows = 0;
  while (table.read(x, c, 1 << 16)) xs.push_back(x), cs.push_back(c), rows += x.cols();
  table.finish();
  if (rows == 0) throw InputError(f.data + ": no rows");
  out.x.resize(dim, rows), out.c.resize(condition_dim, condition_dim > 0 ? rows : 0);
  Index at = 0;
  for (std::size_t i = 0; i < xs.size(); at += xs[i].cols(), ++i) {
    out.x.middleCols(at, xs[i].cols()) = xs[i];
    if (condition_dim > 0) out.c.middleCols(at, xs[i].cols()) = cs[i];
  }
  dequantize_as_in_training(out.x, card, f.seed);
  out.name = fmt::format("{} rows of {}", rows, f.data);
  return out;
}

}  // namespace

std::string figure_text(double value) { return std::isnan(value) ? "-" : fmt::format("{:.3g}", value); }

std::string bound_text(const Check& c) {
  if (std::isnan(c.bound)) return "-";
  return fmt::format("{} {:.3g}", c.side == Check::Side::at_most ? "<=" : ">=", c.bound);
}

std::vector<Check> results_of(const VerifyFlags& f, const std::string& file, const ModelCard& card, std::string& with,
                              const std::function<void(const Check&)>& done) {
  const auto comparison = [&](const ModelCard& read, Index dim, Index condition_dim) {
    // Without a table: fresh draws of the toy that the model was trained on, or its target. No file is opened that the
    // command line does not name.
    auto out = f.data.empty() ? comparison_by_recipe(read, dim, condition_dim, f.seed)
                              : comparison_by_table(f, read, dim, condition_dim);
    with = out.name;
    return out;
  };
  CommonFlags silent = f.common;
  silent.quiet = true;
  return verify_model(file, comparison,
                      {.seed = f.seed,
                       .threads = f.common.threads,
                       .evaluation = evaluation_options(card, silent).solver,  // with --timeout
                       .precision = is_double(card, f.common) ? "double" : "float",
                       .done = done});
}

namespace {

void print_head() { fmt::print("{:<18}{:>10}  {:<12}{:<9}{}\n", "check", "figure", "bound", "verdict", "what"); }

void print_row(const Check& c) {
  fmt::print("{:<18}{:>10}  {:<12}{:<9}{}\n", c.name, figure_text(c.figure), bound_text(c), to_string(c.verdict),
             c.detail);
}

nlohmann::ordered_json number(double value) { return std::isfinite(value) ? nlohmann::ordered_json(value) : nullptr; }

nlohmann::ordered_json row_of(const Check& c) {
  nlohmann::ordered_json row{{"name", c.name}, {"figure", number(c.figure)}};
  if (c.error) row["error"] = number(*c.error);
  row["bound"] = number(c.bound);
  row["side"] = c.side == Check::Side::at_most ? "at most" : "at least";
  row["verdict"] = c.verdict == Verdict::pass ? "pass" : c.verdict == Verdict::fail ? "fail" : "skipped";
  row["what"] = c.detail;
  return row;
}

// A row that was skipped proves nothing.
std::string all_that_passed(const std::vector<Check>& results) {
  const auto skipped =
      std::count_if(results.begin(), results.end(), [](const Check& c) { return c.verdict == Verdict::skipped; });
  return skipped == 0 ? "every check passed" : fmt::format("every check that ran passed, {} skipped", skipped);
}

int run(const VerifyFlags& f) {
  const std::string file = model_file(f.model);
  const auto card = read_card(file);
  if (!f.json) print_head();
  std::string with;
  const auto results = results_of(f, file, card, with, [&](const Check& c) {
    if (!f.json) print_row(c), flush_results();
  });
  const bool passed = all_passed(results);
  if (f.json) {
    nlohmann::ordered_json out{{"model", file}, {"digest", card.digest}, {"data", with}, {"passed", passed}};
    for (const auto& c : results) out["checks"].push_back(row_of(c));
    fmt::print("{}\n", out.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
  } else {
    fmt::print("\n{}: {}\n", printable(file), passed ? all_that_passed(results) : "FAILED");
    fmt::print("compared with {}\n", with.empty() ? "no data" : printable(with));
  }
  return passed ? 0 : 1;
}

}  // namespace

void add_verify_command(Command app, Action& chosen) {
  auto f = std::make_shared<VerifyFlags>();
  auto c = app.add_command(
      "verify", "Check that a model is the density that it claims to be; the exit code is 1 if a check fails");
  c.footer(
      "Examples:\n"
      "  pathline verify models/moons.h5\n"
      "  pathline verify models/geyser.h5 --data datasets/geyser.csv\n"
      "  pathline verify models/moons.h5 --json > moons.json\n"
      "A right model fails by chance with a probability below 1e-4; the draws are a function of --seed.");
  c.add_option("MODEL", f->model, "a model file or the directory of a run").required();
  c.add_option("--data", f->data,
               "FILE.csv, FILE.npy or FILE.h5:dataset to compare the model with; default: fresh draws of the toy, or "
               "the target, that it was trained on");
  c.add_flag("--json", f->json, "print one JSON object instead of the table");
  c.add_option("--seed", f->seed, "seed of all draws").show_default();
  f->common.add_table_to(c);
  f->common.add_precision_to(c, "that of the model");
  f->common.timeout = 60;
  f->common.add_timeout_to(c, "CPU seconds that the solves of a check may take together");
  f->common.add_to(c);
  run_if_chosen(c, chosen, f, run);
}

}  // namespace pathline
