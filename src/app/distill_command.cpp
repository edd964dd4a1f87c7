#include <cmath>

#include <fmt/format.h>

#include "app/coarse_solver.hpp"
#include "app/command.hpp"
#include "app/output.hpp"
#include "app/progress_line.hpp"
#include "app/report.hpp"
#include "app/time_text.hpp"
#include "core/memory.hpp"
#include "core/option_check.hpp"
#include "pathline/recipe/recipe.hpp"
#include "pathline/train/distill.hpp"

namespace pathline {
namespace {

constexpr double kLowEss = 0.9;  // a smaller effective sample size gives a warning

struct DistillFlags {
  std::string model, output, time;
  DistillOptions options;
  CommonFlags common;
};

template <class S> Distilled<S> run_distillation(const Flow<S>& flow, const DistillFlags& f) {
  auto options = with_defaults(f.options, flow.dim());
  const bool counted = options.iterations > 0;
  const double total = counted ? static_cast<double>(options.iterations) : options.seconds;
  ProgressLine progress(f.common.quiet, counted ? "iterations" : "seconds", static_cast<Index>(total));
  options.progress = [&](const char*, double done) { progress(static_cast<Index>(total * done)); };
  return with_memory("the pairs, or the training on them; reduce --pairs, --batch, --layers or --hidden",
                     [&] { return distill(flow, options); });
}

// The recipe that trains the same couplings on the data of the original, whose source the checks of `verify` need.
std::string recipe_of(const ModelCard& card, const DistillFlags& f, Index layers, double box) {
  if (card.recipe.empty()) return "";
  Recipe recipe = parse_recipe(card.recipe, card.file + ": its recipe");
  auto& model = recipe.model;
  model.automatic = false, model.blocks = 0, model.batch_norm = false;
  model.layers = {LayerKind::spline_coupling, layers, f.options.coupling};
  model.layers.coupling.box = box;
  model.network.activation = f.options.coupling.activation, model.network.residual = f.options.coupling.residual;
  for (auto& stage : recipe.objective) {
    if (stage.kind == ObjectiveKind::flow_matching) stage.kind = ObjectiveKind::likelihood;
    stage.regularizers = {}, stage.steer = 0;
  }
  return to_toml(recipe);
}

void print(const DistillComparison& got) {
  const auto percent = [](double part) { return fmt::format("{:.1f} %", 100 * part); };
  fmt::print("compared by       {} draws of each model\n", got.points);
  fmt::print("energy distance   {:.3g} in standardized units, of 1000 draws of each (p = {:.2g})\n", got.energy,
             got.energy_p);
  fmt::print("|log q - log p|   mean {:.3g}, largest {:.3g} nats, over draws of the original p\n", got.mean_difference,
             got.largest_difference);
  fmt::print("KL(p || q)        {:.3g} nats\n", got.kl);
  fmt::print("ESS               {} of draws of the distilled model q, weighted by p / q\n",
             percent(got.ess_to_original));
  fmt::print("                  {} of draws of the original p, weighted by q / p\n", percent(got.ess_to_distilled));
  fmt::print("densities/s       {:.0f} on one core; the original {:.0f}\n", got.distilled_rate, got.original_rate);
  const double least = std::min(got.ess_to_original, got.ess_to_distilled);
  if (!(least >= kLowEss))
    report_warning(
        "the effective sample size is {}: use the distilled model for draws that are reweighted by the original, or "
        "distil again with a longer --time, more --layers or a wider --hidden",
        percent(least));
}

template <class S> int run_as(const DistillFlags& flags) {
  DistillFlags f = flags;
  auto model = read_model<S>(model_file(f.model));
  f.options.evaluation = evaluation_options(model, f.common);
  f.options.evaluation.trace = {};
  warn_of_coarse_solver(model.flow, model.card, f.options.evaluation);
  f.options.condition_range = model.card.condition_range;
  auto file = Hdf5File::create_sealed(f.output);  // first of all, so that a file that cannot be written is reported at once
  const auto got = run_distillation(model.flow, f);
  const auto layers = static_cast<Index>(got.flow.chain.size());
  Model<S> fast{got.flow, model.card};
  fast.card.recipe = recipe_of(model.card, f, layers, got.box);
  fast.card.metrics.clear();
  fast.card.precision = std::is_same_v<S, float> ? "float" : "double";
  write_model(file, fast);
  file.commit();
  fmt::print("{}: {} spline couplings on [-{:.3g}, {:.3g}], {} parameters; {} iterations on {} pairs\n", f.output,
             layers, got.box, got.box, got.flow.theta().size(), got.iterations, got.pairs);
  if (model.flow.condition_dim() > 0)
    f.common.note(
        "conditions were drawn from a normal distribution with the mean and scale of the training data, within their "
        "range");
  print(with_memory("its comparison with the original; " + f.output + " is written and whole",
                    [&] { return compare_distilled(model.flow, got.flow, f.options); }));
  return 0;
}

int run(const DistillFlags& flags) {
  DistillFlags f = flags;
  if (!f.time.empty()) f.options.seconds = time_of("--time", f.time);
  require(f.options.layers >= 0 && f.options.layers <= 1000, "--layers", f.options.layers, "in [0, 1000]");
  require(f.options.pairs >= 1000 || f.options.pairs == 0, "--pairs", f.options.pairs, "0 or >= 1000");
  require(f.options.iterations >= 0, "--iterations", f.options.iterations, ">= 0");
  require(f.options.batch >= 1, "--batch", f.options.batch, ">= 1");
  require(f.options.learning_rate >= 0 && std::isfinite(f.options.learning_rate), "--learning-rate",
          f.options.learning_rate, ">= 0");
  require(f.options.map_share >= 0 && f.options.map_share < 1, "--map-share", f.options.map_share, "in [0, 1)");
  require(f.options.coupling.bins >= 2 && f.options.coupling.bins <= 256, "--bins", f.options.coupling.bins,
          "in [2, 256]");
  for (const Index width : f.options.coupling.hidden) require(width >= 1, "--hidden", width, ">= 1");
  require_hdf5_file(f.output, "models");
  require_another_file(f.output, {{model_file(f.model), "the model"}});
  const auto card = read_card(model_file(f.model));
  return is_double(card, f.common) ? run_as<double>(f) : run_as<float>(f);
}

}  // namespace

void add_distill_command(Command app, Action& chosen) {
  auto f = std::make_shared<DistillFlags>();
  auto c = app.add_command("distill", "Distil a continuous flow into spline couplings, whose density needs no solve");
  c.footer(
      "Examples:\n"
      "  pathline distill models/moons.h5 -o fast.h5 --time 20\n"
      "  pathline distill models/geyser.h5 -o geyser.h5 --time 10s --layers 4 --hidden 32,32\n"
      "Pairs of a base point and its image are drawn from the model with their log-density; the couplings regress the\n"
      "map and the density on them (RegFlow, arXiv 2506.01158). The result is a model like any other. Its density q\n"
      "approximates the density p of the original, and the printed figures say how well. Bounds, periods, marginal "
      "maps,\n"
      "units and the condition are kept. The comparison comes after --time.");
  c.add_option("MODEL", f->model, "a model file or the directory of a run").required();
  c.add_option("-o,--output", f->output, "FILE.h5 for the distilled model").required();
  c.add_option("--time", f->time,
               "time for drawing and training: 60, 10m, 1h; by default 60 up to three columns, 300 for more");
  c.add_option("--iterations", f->options.iterations,
               "iterations instead of those that fit into --time, which make the result reproducible; 0 = by time")
      .show_default();
  c.add_option("--layers", f->options.layers,
               "number of spline couplings; 0 = automatic: 8 up to three columns, 12 for more")
      .show_default();
  c.add_option("--hidden", f->options.coupling.hidden, "widths of the hidden layers of each coupling's network")
      .delimiter(',')
      .show_default();
  c.add_option("--bins", f->options.coupling.bins, "number of bins of a spline; in [2, 256]").show_default();
  c.add_option(
       "--pairs", f->options.pairs,
       "pairs to draw at most, in at most 30 % of the time; 0 = automatic: 200,000 up to three columns, 400,000 "
       "for more")
      .show_default();
  c.add_option("--batch", f->options.batch, "pairs of an iteration").show_default();
  c.add_option("--learning-rate", f->options.learning_rate,
               "highest learning rate; 0 = automatic: 3e-3 up to three columns, 5e-3 for more")
      .show_default();
  c.add_option("--map-share", f->options.map_share, "part of the training that regresses the map; in [0, 1)")
      .show_default();
  c.add_option("--seed", f->options.seed, "seed of all random streams").show_default();
  f->common.add_solve_to(c);
  f->common.add_to(c);
  run_if_chosen(c, chosen, f, run);
}

}  // namespace pathline
