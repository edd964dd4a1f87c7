#include "app/compare.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "core/clock.hpp"
#include "pathline/core/error.hpp"
#include "pathline/data/toy.hpp"
#include "pathline/recipe/build_data.hpp"
#include "pathline/recipe/build_flow.hpp"
#include "pathline/recipe/build_stages.hpp"

namespace pathline {
namespace {

constexpr Index kPlanarLayers = 32;  // as in the longest flow of Rezende & Mohamed 2015, figure 3
constexpr Index kAffineLayers = 8, kSplineLayers = 4;
constexpr Index kValidation = 2000;  // draws of a toy, so that validations take little of the time
constexpr Index kMostIterations = 10000000;

Recipe likelihood_recipe() {
  Recipe out;
  out.objective.front().kind = ObjectiveKind::likelihood;
  return out;
}

// OT-Flow's settings of models/otflow_8gaussians.toml.
Recipe potential_recipe() {
  Recipe out = likelihood_recipe();
  out.model.field = FieldKind::potential;
  out.model.network.hidden = {32, 32};
  out.objective.front().regularizers.transport = 0.01, out.objective.front().regularizers.hjb = 0.01;
  out.train.adam.learning_rate = 2e-2, out.train.batch = 512;
  return out;
}

Recipe flow_matching_recipe() {
  Recipe out;
  out.objective.front().kind = ObjectiveKind::flow_matching;
  out.objective.front().matching.coupling = Coupling::optimal_transport;
  out.train.batch = 512;
  return out;
}

// A flow without a continuous block: `count` transforms of one kind.
Recipe layers_recipe(LayerKind kind, Index count) {
  Recipe out = likelihood_recipe();
  out.model.blocks = 0;
  out.model.layers.kind = kind, out.model.layers.count = count;
  return out;
}

// The recipe of the method with the source, the length and the seed of the comparison. A run with a time limit needs the
// trapezoid schedule.
Recipe for_source(const CompareMethod& method, const std::string& source, const CompareOptions& o) {
  Recipe out = method.recipe;
  out.data.source = source;
  auto& t = out.train;
  if (is_toy(source)) out.data.reading.validation_size = kValidation, out.data.reading.test_size = o.test;
  t.seed = o.seed, t.threads = o.threads;
  t.seconds = o.seconds, t.cpu_time = true, t.iterations = kMostIterations;
  t.schedule.kind = Schedule::Kind::trapezoid;
  if (out.model.automatic || out.model.base_fit)
    throw InputError(method.name +
                     ": model.automatic and model.base_fit divide the time themselves; compare sets the training time");
  if (out.model.precision == Precision::float64)
    throw InputError(method.name + ": model.precision = double is not compared with float; leave it out");
  return out;
}

// The number of points per CPU second: `work`, which handles n points, is repeated for a tenth of a second.
template <class F> double rate(Index n, F work) {
  const double begin = cpu_seconds_now();
  double spent = 0, done = 0;
  do {
    work();
    done += static_cast<double>(n), spent = cpu_seconds_now() - begin;
  } while (spent < 0.1);
  return done / spent;
}

}  // namespace

const std::vector<std::string>& compare_names() {
  static const std::vector<std::string> names = {"cnf", "potential", "flow_matching", "planar", "realnvp", "spline"};
  return names;
}

CompareMethod compare_method(const std::string& name) {
  if (name == "cnf") return {.name = name, .recipe = likelihood_recipe()};
  if (name == "potential") return {.name = name, .recipe = potential_recipe()};
  if (name == "flow_matching") return {.name = name, .recipe = flow_matching_recipe()};
  if (name == "planar") return {.name = name, .recipe = layers_recipe(LayerKind::planar, kPlanarLayers)};
  if (name == "realnvp") return {.name = name, .recipe = layers_recipe(LayerKind::affine_coupling, kAffineLayers)};
  if (name == "spline") return {.name = name, .recipe = layers_recipe(LayerKind::spline_coupling, kSplineLayers)};
  if (!name.ends_with(".toml"))
    throw InputError(fmt::format("--methods '{}': must be one of {}, or a recipe NAME.toml", name,
                                 fmt::join(compare_names(), ", ")));
  Recipe recipe = read_recipe(name);
  if (recipe.model.ensemble > 1)
    throw InputError(name + ": model.ensemble: only one flow of each method is compared; expected 1");
  return {.name = name, .recipe = std::move(recipe)};
}

CompareRow compare_one(const std::string& source, const CompareMethod& method, const CompareOptions& o) {
  const Recipe recipe = for_source(method, source, o);
  const TrainingData data = build_data(recipe);
  if (data.condition_dim() > 0)
    throw InputError(method.name + ": compare does not support conditions; leave out data.condition");
  if (data.test().x.cols() == 0) throw InputError(source + ": has no test rows to compare on");
  const auto start = build_flow<float>(recipe, data.dim(), 0);
  auto trainer = trainer_options(recipe);
  trainer.recipe.clear();
  const double begin = cpu_seconds_now();
  Trainer<float> training(start, data, build_stages<float>(recipe), trainer);
  const auto result = training.run();
  CompareRow out{.source = source,
                 .method = method.name,
                 .parameters = start.theta().size(),
                 .iterations = result.iterations,
                 .seconds = cpu_seconds_now() - begin,
                 .flow = training.best()};

  EvaluationOptions evaluation{.solver = trainer.evaluation.solver, .threads = o.threads};
  const auto& test = data.test();
  const auto e = evaluate(out.flow, test.x, test.c, evaluation, data.log_density(test, o.threads), data.test_weights());
  out.nll = {e.nll, e.nll_error}, out.nfe = e.nfe;
  if (e.kl) out.kl = MeanError{*e.kl, *e.kl_error};
  const Index n = std::min<Index>(2000, test.x.cols());
  const Matrix<double> part = test.x.leftCols(n);
  out.densities_per_second = rate(n, [&] { (void)out.flow.log_prob(part, Matrix<double>(0, 0), evaluation); });
  evaluation.density = false;
  out.samples_per_second = rate(n, [&] { (void)out.flow.sample(n, o.seed, evaluation); });
  return out;
}

}  // namespace pathline
