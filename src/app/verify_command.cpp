#include <cmath>
#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "app/command.hpp"
#include "app/output.hpp"
#include "app/point_source.hpp"
#include "app/report.hpp"
#include "app/verify_flags.hpp"
#include "checkpoint/digest.hpp"
#include "core/name_list.hpp"
#include "core/printable.hpp"
#include "pathline/core/error.hpp"
#include "pathline/data/toy.hpp"
#include "pathline/recipe/build_data.hpp"
#include "pathline/verify/verify.hpp"
#include "train/metrics_line.hpp"

namespace pathline {
namespace {

// What the model is compared with.
struct Comparison {
  TrainingData::Points points{Matrix<double>(0, 0), Matrix<double>(0, 0)};
  std::optional<Target> target;
  std::string name;  // "5000 fresh draws of moons"; empty if there is nothing
};

std::optional<Recipe> recipe_of(const ModelCard& card) {
  if (card.recipe.empty()) return std::nullopt;
  return parse_recipe(card.recipe, card.file + ": its recipe");
}

// Discrete columns get the noise that they had in training, unless they have it already.
void dequantize(Matrix<double>& x, const ModelCard& card, const DataRecipe& data, std::uint64_t seed) {
  Engine engine = make_stream(seed, "verify.dequantize");
  for (Index i = 0; i < x.rows(); ++i) {
    const bool listed =
        i < std::ssize(card.columns) && contains(data.reading.discrete, card.columns[static_cast<std::size_t>(i)]);
    const double width = data.preparing.dequantize > 0 ? data.preparing.dequantize : listed ? 1 : 0;
    if (width == 0) continue;
    const auto steps = x.row(i).array() / width;
    if (((steps - steps.round()).abs() > 1e-4).any()) continue;
    for (Index b = 0; b < x.cols(); ++b) x(i, b) += uniform(engine, 0, width);
  }
}

Comparison comparison_by_table(const VerifyFlags& f, const ModelCard& card, const Flow<double>& flow) {
  Comparison out;
  TablePoints table(f.data, f.common, card, flow.dim(), Matrix<double>(0, 0), flow.condition_dim());
  Matrix<double> x, c;
  std::vector<Matrix<double>> xs, cs;
  Index rows = 0;
  while (table.read(x, c, 1 << 16)) xs.push_back(x), cs.push_back(c), rows += x.cols();
  table.finish();
  if (rows == 0) throw InputError(f.data + ": no rows");
  out.points.x.resize(flow.dim(), rows), out.points.c.resize(flow.condition_dim(), flow.condition_dim() > 0 ? rows : 0);
  Index at = 0;
  for (std::size_t i = 0; i < xs.size(); at += xs[i].cols(), ++i) {
    out.points.x.middleCols(at, xs[i].cols()) = xs[i];
    if (flow.condition_dim() > 0) out.points.c.middleCols(at, xs[i].cols()) = cs[i];
  }
  if (const auto recipe = recipe_of(card)) dequantize(out.points.x, card, recipe->data, f.seed);
  out.name = fmt::format("{} rows of {}", rows, f.data);
  return out;
}

// Without a table: fresh draws of the toy that the model was trained on, or its target. No file is opened that the
// command line does not name.
Comparison comparison_by_recipe(const VerifyFlags& f, const ModelCard& card, const Flow<double>& flow) {
  constexpr Index kDraws = 5000;
  Comparison out;
  auto recipe = recipe_of(card);
  if (!recipe) return out;
  if (is_toy(recipe->data.source)) {
    recipe->train.seed = make_stream(f.seed, "verify.data")();
    recipe->data.reading.validation_size = recipe->data.reading.test_size = 0;
    const auto data = build_data(*recipe);
    if (data.dim() != flow.dim() || data.condition_dim() != flow.condition_dim()) return out;
    auto drawn = data.batch(0, kDraws);
    out.points = {std::move(drawn.x), std::move(drawn.c)};
    out.name = fmt::format("{} fresh draws of {}", kDraws, recipe->data.source);
  } else if (recipe->data.source.empty() && contains(target_names(), recipe->objective.front().target)) {
    out.target = only_target(*recipe);
    if (out.target && out.target->dim != flow.dim()) out.target.reset();
    if (out.target) out.name = "the target " + recipe->objective.front().target;
  }
  return out;
}

}  // namespace

std::string figure_text(double value) { return std::isnan(value) ? "-" : fmt::format("{:.3g}", value); }

std::string bound_text(const Check& c) {
  if (std::isnan(c.bound)) return "-";
  return fmt::format("{} {:.3g}", c.side == Check::Side::at_most ? "<=" : ">=", c.bound);
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

// Of the file, whose digest covers all that decides the density. A file that is no model is an InputError.
Check check_digest(const std::string& file, const ModelCard& card) {
  Check out{.name = "digest", .figure = 0, .bound = 0, .verdict = Verdict::pass, .detail = card.digest};
  const auto in = Hdf5File::open(file);
  if (is_ffjord_file(in)) return out;  // it has none
  if (card.format_version == 1) {      // read_model has compared it
    out.detail += ", of format 1: it does not cover the layers, the activation, the base and the solver";
    return out;
  }
  const auto found = content_digest(in, file);
  if (found == card.digest) return out;
  out.figure = 1, out.verdict = Verdict::fail;
  out.detail = fmt::format("{}, expected {}: the model was changed after it was written", found, card.digest);
  return out;
}

// Of a file whose digest is right, but which read_model() refuses: a map that is not monotone, a shape, a name.
Check unreadable(const std::string& what) {
  return {.name = "contents", .figure = std::nan(""), .bound = std::nan(""), .verdict = Verdict::fail, .detail = what};
}

}  // namespace

std::vector<Check> results_of(const VerifyFlags& f, const std::string& file, const ModelCard& card, std::string& with,
                              const std::function<void(const Check&)>& done) {
  std::vector<Check> out{check_digest(file, card)};
  done(out.back());
  if (out.back().verdict == Verdict::fail) return out;  // nobody should load such a model
  std::optional<Model<double>> read;
  try {
    read = read_model<double>(file);
  } catch (const InputError& error) {
    out.push_back(unreadable(error.what()));
    done(out.back());
    return out;
  }
  const auto& model = *read;
  std::optional<Flow<float>> single;
  if (!is_double(card, f.common)) single = read_model<float>(file).flow;
  const auto comparison =
      f.data.empty() ? comparison_by_recipe(f, card, model.flow) : comparison_by_table(f, card, model.flow);
  with = comparison.name;
  const Subject subject{.flow = model.flow,
                        .single = single ? &*single : nullptr,
                        .evaluation = card.evaluation,
                        .condition_range = card.condition_range,
                        .x = comparison.points.x,
                        .c = comparison.points.c,
                        .target = comparison.target ? &*comparison.target : nullptr,
                        .trained = model.card.trained ? model.card.trained : trained_figure(model.card.metrics),
                        .answers = model.card.answers ? &*model.card.answers : nullptr,
                        .seed = f.seed,
                        .threads = f.common.threads};
  const auto rest = verify(subject, done);
  out.insert(out.end(), rest.begin(), rest.end());
  return out;
}

namespace {

int run(const VerifyFlags& f) {
  f.common.check();
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
    fmt::print("\n{}: {}\n", printable(file), passed ? "every check passed" : "FAILED");
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
      "  pathline verify moons.h5\n"
      "  pathline verify geyser.h5 --data datasets/geyser.csv\n"
      "  pathline verify moons.h5 --json > moons.json\n"
      "A right model fails by chance with a probability below 1e-4; the draws are a function of --seed.");
  c.add_option("MODEL", f->model, "a model file or the directory of a run").required();
  c.add_option("--data", f->data,
               "FILE.csv, FILE.npy or FILE.h5:dataset to compare the model with; default: fresh draws of the toy, or "
               "the target, that it was trained on");
  c.add_flag("--json", f->json, "print one JSON object instead of the table");
  c.add_option("--seed", f->seed, "seed of all draws").show_default();
  f->common.add_table_to(c);
  c.group("Solver");
  f->common.add_precision_to(c, "that of the model");
  f->common.timeout = 60;
  f->common.add_timeout_to(c);
  f->common.add_to(c);
  run_if_chosen(c, chosen, f, run);
}

}  // namespace pathline
