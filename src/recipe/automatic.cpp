#include "recipe/automatic.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "core/clock.hpp"
#include "pathline/core/error.hpp"
#include "recipe/member_seed.hpp"
#include "recipe/network_trial.hpp"

namespace pathline {
namespace {

constexpr double kMixtureShare = 0.5;       // of the time, before a network is tried
constexpr double kLeastNetworkGain = 0.01;  // nats, of a trial
constexpr double kLeastLead = 0.05;         // nats: about what more members give a mixture

// The rows that the mixtures of a run of this length are fitted to. In an iteration one row and one component cost about
// as much as `features` multiplications and additions; a run makes a few thousand such iterations.
Index most_rows(double seconds, Index dim) {
  constexpr double kPerSecond = 1.5e5;
  constexpr Index kLeast = 40000;
  const double d = static_cast<double>(dim), features = 1 + d + d * (d + 1) / 2;
  return std::max(kLeast, static_cast<Index>(std::min(seconds * kPerSecond / features, 1e9)));
}

constexpr Index kMostValidationRows = 20000;  // tell models apart to a hundredth of a nat

// The rest of a recipe whose training ends with the time.
void set_training(Recipe& r, Index rows, Index dim) {
  r.train.schedule.kind = Schedule::Kind::trapezoid;
  r.train.iterations = 10'000'000;  // as many as fit into the time
  r.train.batch = std::clamp<Index>(rows / 20, 64, 512);
  r.train.validation_rows = kMostValidationRows, r.train.evaluate_every = 200, r.train.checkpoint_every = 1000;
  r.train.ema = 0.995, r.train.max_error = 1e-3;
  r.train.evaluation.solver.rtol = r.train.evaluation.solver.atol = 1e-4;  // below 1e-3 nats
  r.model.network.hidden = dim > 2 ? std::vector<Index>{96, 96} : std::vector<Index>{64, 64, 64};
}

// A network that has to move far from its base.
void set_network(Recipe& r, Index rows, Index dim) {
  constexpr Index kCouplings = 6;
  if (!learns_by_couplings(r, dim)) {
    r.train.adam.learning_rate = 1e-2;
    r.gradient.solver.rtol = r.gradient.solver.atol = 1e-2;
    return;
  }
  r.model.blocks = 0;
  r.model.layers.kind = LayerKind::spline_coupling, r.model.layers.count = kCouplings;
  r.train.adam.learning_rate = 3e-3;
  r.train.batch = std::clamp<Index>(rows / 100, 128, 512);
}

// A mixture alone, under a field that is 0: one step of the cheapest method follows it exactly.
void set_no_training(Recipe& r) {
  r.model.network.hidden = {1};
  r.train.iterations = 0, r.train.seconds = 0;
  r.train.evaluation.solver = {.stepper = StepperKind::euler, .steps = 1};
}

void set_base(AutomaticChoice& out, const BaseChoice& choice) {
  const bool conditional = out.data.condition_dim() > 0;
  auto& m = out.recipe.model;
  m.base = conditional ? BaseKind::conditional_mixture : BaseKind::full_mixture;
  m.base_fit = true, m.base_train = false;
  m.base_components = choice.fit.components, m.base_fit_options = choice.fit;
  out.base = choice.mixture;
}

// The choice is its mixture, with the members that it gains within the seconds.
BaseChoice end_with_mixture(AutomaticChoice& choice, double seconds, int threads) {
  BaseChoice mixture = std::move(*choice.mixture);
  choice.mixture.reset();
  mixture.reasons.clear();
  set_no_training(choice.recipe);
  add_members(mixture, base_rows_of(choice.data, mixture.fit.rows),
              {.seconds = std::max(seconds, 1e-3), .seed = member_seed(choice.recipe), .threads = threads});
  set_base(choice, mixture);
  choice.reasons.insert(choice.reasons.end(), mixture.reasons.begin(), mixture.reasons.end());
  return mixture;
}

// "about 0.07 nats": what estimating that many numbers costs, on average (Akaike 1974).
std::string few_rows_warning(Index rows, Index dim, Index condition_dim, double diagonal) {
  const double d = static_cast<double>(dim), dc = static_cast<double>(condition_dim);
  const double numbers = diagonal >= 1 ? 2 * d : d + d * dc + d * (d + 1) / 2;
  const double cost = numbers / (2 * static_cast<double>(rows));
  if (cost < 0.05) return "";
  return fmt::format(
      "{} rows are few for {} columns: the {:.0f} numbers of a Gaussian alone cost about {:.2f} nats, whatever the "
      "model; more rows would help",
      rows, dim, numbers, cost);
}

// The same for the mixture that was chosen, where all rows were fitted.
std::string parameters_warning(const BaseChoice& choice, const BaseRows& rows) {
  constexpr double kWorthSaying = 0.02;  // nats
  const auto& w = rows.training_weights;
  const double n = w.size() > 0 ? w.sum() * w.sum() / w.squaredNorm() : static_cast<double>(rows.training.cols());
  const double d = static_cast<double>(rows.training.rows()), k = static_cast<double>(choice.fit.components);
  const double numbers = k * (1 + d + d * (d + 1) / 2) - 1, cost = numbers / (2 * n);
  if (choice.fit.all_rows || choice.fit.rows > 0 || cost < kWorthSaying) return "";
  return fmt::format(
      "{:.0f} rows fix the {:.0f} numbers of a mixture of {} to about {:.2f} nats: more rows would help more than more "
      "time",
      n, numbers, choice.fit.components, cost);
}

}  // namespace

BaseFitOptions base_fit_options(const Recipe& recipe, int threads) {
  BaseFitOptions options = recipe.model.base_fit_options;
  options.components = recipe.model.base_components;
  options.seed = member_seed(recipe), options.threads = threads;
  return options;
}

AutomaticChoice choose_automatically(const Recipe& asked, const TrainingData& data, double seconds, int threads) {
  if (!(seconds > 0)) throw InputError("train.time = 0: model.automatic needs a time within which the run ends");
  AutomaticChoice out{asked, data, {}, {}, {}};
  Recipe& r = out.recipe;
  r.model.automatic = false;
  const auto training = data.training();
  if (!training) {
    set_training(r, Index(1) << 20, data.dim());
    r.train.adam.learning_rate = 1e-2;
    out.reasons.push_back("the density of a toy begins at a normal distribution");
    return out;
  }
  const Index rows = training->x.cols(), most = most_rows(seconds, data.dim() + data.condition_dim());
  const BaseRows plain = base_rows_of(data, most);
  if (plain.training.cols() < rows)
    out.reasons.push_back(fmt::format("the mixtures are fitted to {} of the {} training rows, as many as the time allows",
                                      plain.training.cols(), rows));
  std::optional<TrainingData> mapped_data;
  std::optional<BaseRows> mapped;
  if (rows >= kFewRows) mapped_data = data.with_marginals(), mapped = base_rows_of(*mapped_data, most);
  auto choice = choose_base(plain, mapped ? &*mapped : nullptr,
                            {.seconds = kMixtureShare * seconds, .seed = member_seed(r), .threads = threads});
  if (choice.marginals) out.data = *mapped_data;
  r.data.preparing.marginals = choice.marginals;
  choice.fit.rows = plain.training.cols() < rows ? most : 0;
  set_base(out, choice);
  out.reasons.insert(out.reasons.end(), choice.reasons.begin(), choice.reasons.end());
  choice.reasons.clear();
  if (const auto warning = few_rows_warning(choice.fit.all_rows ? rows + plain.validation.cols() : rows, data.dim(),
                                            data.condition_dim(), choice.fit.diagonal);
      !warning.empty())
    out.reasons.push_back(warning);
  if (const auto warning = parameters_warning(choice, plain); !warning.empty()) out.reasons.push_back(warning);
  if (choice.fit.all_rows) {
    set_no_training(r);
    return out;
  }
  set_training(r, rows, data.dim());
  r.train.adam.learning_rate = 1e-3;
  out.mixture = std::move(choice);
  return out;
}

// Spline couplings learn a table of three columns or more in a third of the time of a continuous flow: after 15 s on
// one core they are where it is after 40 s on ten columns of 24,000 rows, and 0.05 nats ahead of it on six columns of
// 16,000. In two columns only one could move at a time.
bool learns_by_couplings(const Recipe& recipe, Index dim) {
  const auto plain = [](const ObjectiveRecipe& o) {
    return o.kind == ObjectiveKind::likelihood && !o.regularizers.any() && o.steer == 0;
  };
  const auto& m = recipe.model;
  return dim >= 3 && !m.batch_norm && !m.train_end_time &&
         std::all_of(recipe.objective.begin(), recipe.objective.end(), plain);
}

std::string name_of_network(const Recipe& recipe) {
  const auto& m = recipe.model;
  if (m.blocks > 0) return fmt::format("a network of {}", fmt::join(m.network.hidden, ", "));
  return fmt::format("a chain of {} spline couplings of {}", m.layers.count, fmt::join(m.layers.coupling.hidden, ", "));
}

void set_members(AutomaticChoice& choice, const Trial& trial, double seconds_left) {
  auto& r = choice.recipe;
  if (r.model.blocks > 0) return;
  // Spline couplings learn the rows by heart in about 20 to 60 passes through them. The mean of a few is better than
  // one that is trained longer: by 0.02 nats on six columns of 16,000 rows, 0.07 on ten of 24,000. With 300,000 rows,
  // of which none are seen so often, one that is trained longer is better.
  constexpr double kEpochs = 30, kMostMembers = 4;
  const bool by_heart = trial.best_seconds < 0.6 * trial.seconds;
  const double each = std::max(trial.epochs > 0 ? kEpochs / trial.epochs * trial.seconds : seconds_left,
                               by_heart ? 2 * trial.best_seconds : 0.0);
  const double members = std::max(1.0, std::floor(std::min(seconds_left / each, kMostMembers)));
  r.model.ensemble = static_cast<Index>(members) + (choice.beside ? 1 : 0);
  if (r.model.ensemble == 1) return;
  r.train.seconds = by_heart ? std::min(seconds_left, 1.2 * each * members) : seconds_left;
}

bool may_stand_beside(const AutomaticChoice& network, const Trial& trial, bool ahead) {
  constexpr double kSure = 2;  // standard errors
  const bool gains = trial.mean_gain > std::max(kLeastNetworkGain, kSure * trial.mean_error);
  return network.recipe.model.blocks == 0 && (ahead || gains);
}

void add_mixture(AutomaticChoice& networks, const AutomaticChoice& mixture, double seconds, int threads) {
  AutomaticChoice alone = mixture;
  end_with_mixture(alone, seconds, threads);
  networks.yardstick = FittedMixture{alone.data, *alone.base};
  networks.beside = alone.recipe;
}

bool earns(double gain) { return gain > kLeastNetworkGain; }
bool is_ahead(double lead) { return lead > kLeastLead; }

AutomaticChoice above_gaussian(const AutomaticChoice& choice, int threads) {
  AutomaticChoice out = choice;
  const BaseFitOptions fit{
      .components = 1, .rows = choice.mixture->fit.rows, .seed = member_seed(choice.recipe), .threads = threads};
  out.yardstick = FittedMixture{choice.data, choice.mixture->mixture};
  set_network(out.recipe, out.data.training()->x.cols(), out.data.dim());
  BaseRows rows = base_rows_of(out.data, fit.rows);
  // Couplings move nothing beyond their box, into which marginal maps bring the rows that are far out: the test NLL of
  // a funnel in eight columns is 12.32 without and 11.54 with the maps.
  const auto& m = out.recipe.model;
  if (m.blocks == 0 && !out.recipe.data.preparing.marginals &&
      rows.training.cwiseAbs().maxCoeff() > m.layers.coupling.box) {
    out.recipe.data.preparing.marginals = true;
    out.data = choice.data.with_marginals(), rows = base_rows_of(out.data, fit.rows);
  }
  set_base(out, {.fit = fit, .mixture = fit_base(rows, fit)});
  out.mixture.reset();
  return out;
}

void decide_on_network(AutomaticChoice& choice, double gain, double trial_seconds, double seconds_left, int threads) {
  Recipe& r = choice.recipe;
  const std::string trial = fmt::format("{} above it gains {:.4f} nats on the validation rows in {:.1f} s",
                                        name_of_network(r), gain, trial_seconds);
  const double until = seconds_now() + seconds_left;
  const BaseChoice mixture = earns(gain) ? *choice.mixture : end_with_mixture(choice, seconds_left, threads);
  choice.mixture.reset();
  const Index k = mixture.fit.members * mixture.fit.components;  // as the recipe says, without the wide ones
  choice.reasons.push_back(fmt::format("base: {} Gaussian{}{}; {}, and {}", k, k > 1 ? "s" : "",
                                       r.data.preparing.marginals ? " after marginal maps" : "", trial,
                                       earns(gain) ? "trains in the time that is left" : "is left out"));
  if (!earns(gain) && until - seconds_now() > 2 * mixture.member_seconds + 1)
    choice.reasons.push_back("more components and more starts gain nothing either: the run ends before its time");
}

}  // namespace pathline
