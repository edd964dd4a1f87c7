#include <cmath>

#include <fmt/format.h>

#include "app/attributes_text.hpp"
#include "app/column_names.hpp"
#include "app/command.hpp"
#include "app/number_text.hpp"
#include "core/printable.hpp"
#include "pathline/core/error.hpp"
#include "train/metrics_line.hpp"

namespace pathline {
namespace {

struct InfoFlags {
  std::string model;
  bool recipe = false, metrics = false, keys = false;
  CommonFlags common;
};

// "mass=60:, efficiency=0:1", as --bounds takes them.
std::string bounds_text(const Bounds<double>& bounds, const Periods* periods, const ModelCard& card) {
  std::string out;
  for (Index i = 0; i < bounds.dim(); ++i) {
    if (periods && periods->length()(i) > 0) continue;  // the bounds of a periodic column are not given by the user
    const double low = bounds.low()(i), high = bounds.high()(i);
    if (std::isinf(low) && std::isinf(high)) continue;
    out += fmt::format("{}{}={}:{}", out.empty() ? "" : ", ", column_name(card, i),
                       std::isinf(low) ? "" : fmt::format("{:.9g}", low),
                       std::isinf(high) ? "" : fmt::format("{:.9g}", high));
  }
  return out;
}

// The columns that the flow replaces by their difference to a linear function of the columns before.
std::string difference_columns(const Linear<double>& linear, const ModelCard& card) {
  std::string out;
  for (Index i = 1; i < linear.dim(); ++i)
    if (!linear.lower().row(i).head(i).isZero(0)) out += (out.empty() ? "" : ", ") + column_name(card, i);
  return out + " from the linear functions of the columns before";
}

std::string periods_text(const Periods& periods, const ModelCard& card) {
  std::string out;
  for (Index i = 0; i < periods.length().size(); ++i)
    if (const double start = periods.start()(i), length = periods.length()(i); length > 0)
      out += fmt::format("{}{}={:.9g}:{:.9g}", out.empty() ? "" : ", ", column_name(card, i), start, start + length);
  return out;
}

void print_training(const ModelCard& card) {
  for (auto line = card.metrics.rbegin(); line != card.metrics.rend(); ++line) {
    const auto j = read_metrics_line(*line);
    if (!is_best(j)) continue;
    fmt::print("trained      {:.0f} iterations, {:.1f} s: validation NLL {} nats", metric(j, "iteration"),
               metric(j, "seconds"), with_error(metric(j, "validation_nll"), metric(j, "validation_error")));
    if (j.contains("validation_kl"))
      fmt::print(", KL(data || model) {}", with_error(metric(j, "validation_kl"), metric(j, "validation_kl_error")));
    fmt::print(", NFE {:.0f}\n", metric(j, "evaluation_nfe"));
    return;
  }
}

// The transforms other than blocks and norms.
std::vector<const Transform<double>*> layers_of(const Flow<double>& flow) {
  std::vector<const Transform<double>*> out;
  for (std::size_t i = 0; i < flow.chain.size(); ++i)
    if (const auto& transform = flow.chain[i]; transform.duration() == 0 && !transform.gathers())
      out.push_back(&transform);
  return out;
}

void print_layers(const Flow<double>& flow) {
  std::size_t count = 0;
  for (const auto* transform : layers_of(flow)) {
    const auto text = text_of(transform->describe());
    fmt::print("transform {}  {}{}\n", count++, transform->kind(), text.empty() ? "" : " (" + text + ")");
  }
}

std::string base_text(const Base& base) {
  const auto kind = to_string(base.kind());
  return base.components() > 1 ? fmt::format("{} of {} Gaussians", kind, base.components()) : kind;
}

void print_architecture(const Flow<double>& flow) {
  fmt::print("parameters   {}\n", flow.theta().size());
  for (std::size_t i = 0; i < flow.blocks().size(); ++i) {
    const auto& cnf = *flow.blocks()[i];
    fmt::print("block {}      {} ({}), ", i, cnf.field->kind(), text_of(cnf.field->describe()));
    fmt::print("T = {:.6g}{}\n", cnf.end_time, cnf.clock == FieldClock::data_to_base ? ", FFJORD's clock" : "");
  }
  print_layers(flow);
  if (!flow.norms().empty()) fmt::print("batch norm   {}\n", flow.norms().size());
  fmt::print("base         {}\n", base_text(*flow.base));
}

// A line for each member of an ensemble.
void print_members(const FlowMixture<double>& mixture) {
  fmt::print("ensemble     the mixture of {} flows\n", mixture.components());
  for (Index k = 0; k < mixture.components(); ++k) {
    const auto& flow = mixture.members()[static_cast<std::size_t>(k)];
    std::string fields;
    for (const auto* block : flow.blocks())
      fields += fmt::format(", {} ({})", block->field->kind(), text_of(block->field->describe()));
    if (const auto layers = layers_of(flow); !layers.empty())
      fields += fmt::format(", {} transforms ({}, ...)", layers.size(), layers.front()->kind());
    fmt::print("member {:<5} weight {:.4g}, {} parameters{}, base {}\n", k + 1, mixture.weights()[k], flow.theta().size(),
               fields, base_text(*flow.base));
  }
}

std::string names(const std::vector<std::string>& columns) {
  return printable(fmt::format("{}", fmt::join(columns, ", ")));
}

void print_keys() {
  std::string table;
  for (const auto& k : recipe_keys()) {
    const auto dot = k.key.rfind('.');
    if (k.key.substr(0, dot) != table) fmt::print("{}[{}]\n", table.empty() ? "" : "\n", table = k.key.substr(0, dot));
    fmt::print("{} = {}  # {}: {}\n", k.key.substr(dot + 1), k.default_value, k.description, k.range);
  }
}

// Whether the first member of an ensemble is another kind of model than the others.
bool has_mixture_beside_networks(const ModelCard& card) {
  if (card.members.size() < 2) return false;
  const auto networks = [&](std::size_t k) {
    const Recipe recipe = parse_recipe(card.members[k], card.file + ": the recipe of a member");
    return std::pair(recipe.model.blocks, recipe.model.layers.count);
  };
  return networks(0) != networks(1);
}

int run(const InfoFlags& f) {
  if (f.recipe + f.keys + f.metrics > 1) throw InputError("info: expected one of --recipe, --keys and --metrics");
  if (f.keys && !f.model.empty()) throw InputError("info: --keys lists every key of a recipe and takes no MODEL");
  if (f.keys) {
    print_keys();
    return 0;
  }
  if (f.model.empty()) throw InputError("info: expected a MODEL or --keys");
  const std::string file = model_file(f.model);
  const auto model = read_model<double>(file);
  const auto& flow = model.flow;
  const auto& card = model.card;
  warn_of_format(card);
  if (f.recipe) {
    if (card.recipe.empty()) throw InputError(file + ": the model has no recipe because it was imported");
    if (has_mixture_beside_networks(card))
      f.common.note(
          "this recipe is that of the networks of the ensemble; its first member is a mixture of Gaussians: the model "
          "of each member in the directory of the run (member-1, ...) has the recipe of that member");
    fmt::print("{}", printable(card.recipe, Lines::several));
    return 0;
  }
  if (f.metrics) {
    for (const auto& line : card.metrics) fmt::print("{}\n", printable(line));
    return 0;
  }
  fmt::print("model        {}\n", printable(file));
  fmt::print("written by   pathline {}, {}\n", printable(card.version), card.precision);
  fmt::print("digest       {} (format {}{})\n", printable(card.digest), card.format_version,
             card.answers ? fmt::format(", known answers: {}", card.answers->points.cols()) : "");
  fmt::print("dimension    {}{}\n", flow.dim(), card.columns.empty() ? "" : fmt::format(" ({})", names(card.columns)));
  if (flow.condition_dim() > 0)
    fmt::print("condition    {} ({})\n", flow.condition_dim(), names(card.condition_columns));
  if (const auto* mixture = flow.members())
    print_members(*mixture);
  else
    print_architecture(flow);
  fmt::print("mean         {}\nscale        {}\n", numbers(flow.mean()), numbers(flow.scale()));
  if (!card.discrete.empty())
    fmt::print("discrete     {}: `density` gives the probability of the integer\n", fmt::join(card.discrete, ", "));
  if (const auto* linear = flow.linear()) fmt::print("differences  {}\n", difference_columns(*linear, card));
  if (const auto* bounds = flow.bounds())
    if (const auto text = bounds_text(*bounds, flow.periods(), card); !text.empty())
      fmt::print("bounds       {}\n", text);
  if (const auto* periods = flow.periods()) fmt::print("period       {}\n", periods_text(*periods, card));
  const auto options = evaluation_options(card, {.quiet = true});
  if (solves_of(flow) == 0)
    fmt::print("evaluation   closed form: no ODE is solved\n");
  else
    fmt::print("evaluation   {}, rtol {:g}, atol {:g}{}\n", to_string(options.solver.stepper), options.solver.rtol,
               options.solver.atol, options.solver.steps > 0 ? fmt::format(", {} steps", options.solver.steps) : "");
  print_training(card);
  return 0;
}

}  // namespace

void add_info_command(Command app, Action& chosen) {
  auto f = std::make_shared<InfoFlags>();
  auto c = app.add_command("info", "Show what a model contains and how it was trained");
  c.footer(
      "Examples:\n  pathline info models/moons.h5\n  pathline info --recipe models/moons.h5 > mine.toml\n  pathline "
      "info --keys");
  c.add_option("MODEL", f->model, "a model file or the directory of a run");
  c.add_flag("--recipe", f->recipe, "print the recipe; `pathline train` accepts it");
  c.add_flag("--keys", f->keys, "print every key of a recipe with its default, description and allowed values");
  c.add_flag("--metrics", f->metrics, "print the validations of the training, one JSON object per line");
  f->common.add_to(c);
  run_if_chosen(c, chosen, f, run);
}

}  // namespace pathline
