#include "recipe/recipe_fields.hpp"

#include <algorithm>
#include <cmath>
#include <set>
#include <type_traits>
#include <utility>

#include <fmt/format.h>

#include "core/utf8.hpp"

namespace pathline {

const std::vector<std::string>& field_names() {
  static const std::vector<std::string> names = {"mlp", "potential"};
  return names;
}

const std::vector<std::string>& layer_names() {
  static const std::vector<std::string> names = {"spline_coupling", "affine_coupling", "planar", "radial"};
  return names;
}

const std::vector<std::string>& objective_names() {
  static const std::vector<std::string> names = {"likelihood", "flow_matching", "reverse_kl"};
  return names;
}

const std::vector<std::string>& precision_names() {
  static const std::vector<std::string> names = {"float", "double"};
  return names;
}

namespace {

RecipeRange any() { return {}; }
RecipeRange at_least(double low) { return {.low = low}; }
RecipeRange above(double low) { return {.low = low, .low_open = true}; }
RecipeRange from_to(double low, double high) { return {.low = low, .high = high}; }
RecipeRange from_below(double low, double high) { return {.low = low, .high = high, .high_open = true}; }
RecipeRange above_to(double low, double high) { return {.low = low, .high = high, .low_open = true}; }
RecipeRange one_of(std::vector<std::string> choices) { return {.choices = std::move(choices)}; }

// The member at the end of a path through nested structs: inside(&TrainerOptions::adam, &AdamOptions::beta1).
template <class... Members> auto inside(Members... members) {
  return [=](auto& at) -> auto& { return (at.*....*members); };
}

// Converts a member to the RecipeValue of its key. The value of an enumeration is its name.
template <class T> RecipeValue value_of(const T& member, const RecipeRange& range) {
  if constexpr (std::is_enum_v<T>) {
    const auto i = static_cast<std::size_t>(member);
    return i < range.choices.size() ? range.choices[i] : fmt::format("{}", i);
  } else if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
    return static_cast<Index>(member);
  } else {
    return member;
  }
}

// The reverse of value_of. value: one that the range allows.
template <class T> void assign(T& member, RecipeValue value, const RecipeRange& range) {
  if constexpr (std::is_enum_v<T>) {
    const auto& choices = range.choices;
    member = static_cast<T>(std::find(choices.begin(), choices.end(), std::get<std::string>(value)) - choices.begin());
  } else if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
    member = static_cast<T>(std::get<Index>(value));
  } else {
    member = std::get<T>(std::move(value));
  }
}

// Adds the keys of one table. at(recipe, stage) returns the struct with their members.
template <class At> class Table {
 public:
  Table(std::vector<RecipeField>& fields, std::string name, At at) : fields_(fields), name_(std::move(name)), at_(at) {}

  template <class S, class T> Table& add(std::string key, T S::*member, RecipeRange range, std::string description) {
    return add(std::move(key), inside(member), std::move(range), std::move(description));
  }
  // member(at(recipe, stage)) returns the member.
  template <class Member> Table& add(std::string key, Member member, RecipeRange range, std::string description) {
    auto get = [at = at_, member, range](const Recipe& r, std::size_t stage) {
      return value_of(member(at(r, stage)), range);
    };
    auto set = [at = at_, member, range](Recipe& r, std::size_t stage, RecipeValue value) {
      assign(member(at(r, stage)), std::move(value), range);
    };
    fields_.push_back({name_, std::move(key), std::move(range), std::move(description), get, set});
    return *this;
  }

 private:
  std::vector<RecipeField>& fields_;
  std::string name_;
  At at_;
};

void add_data(std::vector<RecipeField>& fields) {
  using R = DataRecipe;
  using S = SourceOptions;
  using P = TrainingDataOptions;
  const auto reading = [](auto member) { return inside(&R::reading, member); };
  const auto preparing = [](auto member) { return inside(&R::preparing, member); };
  const auto table = [](auto member) { return inside(&R::reading, &S::table, member); };
  Table(
      fields, "data", [](auto& r, std::size_t) -> auto& { return r.data; })
      .add("source", &R::source, any(), "name of a toy or a table in CSV, NPY or HDF5 (FILE:dataset)")
      .add("columns", reading(&S::columns), any(),
           "table: columns to use, those of the condition included; empty = all")
      .add("condition", reading(&S::condition), any(), "columns on which the density of the others is conditioned")
      .add("standardize", preparing(&P::standardize), any(),
           "the model starts from (x - mean) / scale of the training data")
      .add("validation_size", reading(&S::validation_size), at_least(0), "toy: number of draws for validation")
      .add("test_size", reading(&S::test_size), at_least(0), "toy: number of draws for the test")
      .add("validation_fraction", reading(&S::validation_fraction), from_below(0, 1),
           "table: fraction of the rows for validation")
      .add("test_fraction", reading(&S::test_fraction), from_below(0, 1), "table: fraction of the rows for the test")
      .add("dequantize", preparing(&P::dequantize), at_least(0),
           "width of the uniform noise added to discrete data; 0 = none")
      .add("marginals", preparing(&P::marginals), any(),
           "table: map each column to a normal distribution by its quantiles first")
      .add("logit", preparing(&P::logit), from_below(0, 0.5),
           "alpha of the transform logit(alpha + (1 - 2 alpha) x); 0 = none")
      .add("header", table(&TableOptions::header), one_of(TableOptions::header_names()),
           "text table: whether line 1 is a header")
      .add("drop_missing", table(&TableOptions::drop_missing), any(),
           "table: leave out rows with a missing value instead of refusing it")
      .add("validation", reading(&S::validation), any(),
           "table: file with the validation rows, instead of a fraction; or empty")
      .add("test", reading(&S::test), any(), "table: file with the test rows, instead of a fraction; or empty")
      .add("weights", reading(&S::weights), any(),
           "table: column with the weight of each row; empty: all rows weigh alike")
      .add("discrete", reading(&S::discrete), any(),
           "table: columns of integers, to which uniform noise U(0, 1) is added")
      .add("bounds", &R::bounds, any(),
           "columns with bounds, outside of which the density is 0: \"mass=60:\"")
      .add("period", &R::period, any(), "columns that repeat: \"phi=2pi\" by their period, or \"phi=-pi:pi\"");
}

void add_model(std::vector<RecipeField>& fields) {
  using R = ModelRecipe;
  using F = BaseFitOptions;
  const auto network = [](auto member) { return inside(&R::network, member); };
  const auto base_fit = [](auto member) { return inside(&R::base_fit_options, member); };
  Table(
      fields, "model", [](auto& r, std::size_t) -> auto& { return r.model; })
      .add("automatic", &R::automatic, any(), "table: choose the model and the training by the data within train.time")
      .add("field", &R::field, one_of(field_names()), "vector field: a network, or minus the gradient of a potential")
      .add("hidden", network(&MlpOptions::hidden), at_least(1),
           "widths of the hidden layers; 0 = automatic: 64,64,64 up to two columns, 96,96 for more")
      .add("layer", network(&MlpOptions::layer), one_of(layer_type_names()),
           "how time enters a layer, by FFJORD's names")
      .add("activation", network(&MlpOptions::activation), one_of(activation_names()),
           "activation function between the layers")
      .add("residual", network(&MlpOptions::residual), any(),
           "hidden layers of equal width add their input to their output")
      .add("time_features", network(&MlpOptions::time_features), from_to(0, kMostTimeFeatures),
           "number of pairs (cos, sin) of the time as input; 0 = the time itself")
      .add("blocks", &R::blocks, at_least(0),
           "number of continuous flows in a chain, each with its own network; 0 needs model.transforms")
      .add("batch_norm", &R::batch_norm, any(), "FFJORD's moving batch norm before, between and after the blocks")
      .add("end_time", &R::end_time, above(0), "end time T: the base is at time 0, the data at T")
      .add("train_end_time", &R::train_end_time, any(), "whether T is trained")
      .add("base", &R::base, one_of(base_names()), "base distribution at time 0")
      .add("base_components", &R::base_components, at_least(1),
           "number of Gaussians of a mixture base; base_fit: beside a wide one")
      .add("base_fit", &R::base_fit, any(),
           "full_mixture, conditional_mixture: fit it to the training rows first; the vector field then begins as 0")
      .add("base_members", base_fit(&F::members), at_least(1),
           "base_fit: number of mixtures, from different starts, of which the base is the mean")
      .add("base_iterations", base_fit(&F::iterations), at_least(1), "base_fit: iterations of one mixture at most")
      .add("base_prior_rows", base_fit(&F::prior_rows), at_least(0),
           "base_fit: weight, in rows, of the common covariance towards which each is shrunk")
      .add("base_diagonal", base_fit(&F::diagonal), from_to(0, 1),
           "base_fit: how far the common covariance is shrunk towards its diagonal")
      .add("base_inflation", base_fit(&F::inflation), above(0), "base_fit: factor of every covariance")
      .add("base_rows", base_fit(&F::rows), at_least(0), "base_fit: number of training rows at most; 0 = all")
      .add("base_all_rows", base_fit(&F::all_rows), any(), "base_fit: fit the validation rows as well")
      .add("base_train", &R::base_train, any(), "whether the parameters of the base are trained")
      .add("ensemble", &R::ensemble, from_to(1, 100), "independently trained flows, whose mixture is the model")
      .add("member", &R::member, at_least(0),
           "number of a member of an ensemble, from 0: selects its weights, batches and starts; the split is that of "
           "train.seed")
      .add("precision", &R::precision, one_of(precision_names()), "precision of the arithmetic");
}

void add_transforms(std::vector<RecipeField>& fields) {
  using R = LayersRecipe;
  using C = CouplingOptions;
  const auto coupling = [](auto member) { return inside(&R::coupling, member); };
  Table(
      fields, "model.transforms", [](auto& r, std::size_t) -> auto& { return r.model.layers; })
      .add("kind", &R::kind, one_of(layer_names()), "kind of the transforms between the continuous flows and the data")
      .add("count", &R::count, from_to(0, 1000), "number of these transforms; 0 = none")
      .add("hidden", coupling(&C::hidden), at_least(1), "coupling: widths of the hidden layers of its network")
      .add("bins", coupling(&C::bins), from_to(2, 256), "spline_coupling: number of bins of a spline")
      .add("box", coupling(&C::box), above_to(0, 1e6),
           "coupling: the identity outside of [-box, box]; the inputs of its network are clamped to this range");
}

void add_trace(std::vector<RecipeField>& fields) {
  Table(
      fields, "trace", [](auto& r, std::size_t) -> auto& { return r.gradient.trace; })
      .add("kind", &TraceOptions::kind, one_of(trace_names()),
           "trace of the Jacobian, exact or estimated from random probes")
      .add("noise", &TraceOptions::noise, one_of(probe_noise_names()), "distribution of the probes")
      .add("probes", &TraceOptions::probes, at_least(1), "number of probes per sample; they are fixed during a solve");
}

// The keys of the tables [solver] and [solver.evaluation].
template <class At> void add_solve(std::vector<RecipeField>& fields, const std::string& table, At at) {
  Table(fields, table, at)
      .add("stepper", &SolverOptions::stepper, one_of(stepper_names()), "method that solves the ODE")
      .add("rtol", &SolverOptions::rtol, above(0), "relative tolerance of an adaptive step, per sample")
      .add("atol", &SolverOptions::atol, above(0), "absolute tolerance of an adaptive step, per sample")
      .add("steps", &SolverOptions::steps, at_least(0), "number of equal steps; 0 = adaptive steps")
      .add("max_steps", &SolverOptions::max_steps, at_least(1),
           "largest number of steps; a solve that needs more fails");
}

void add_solver(std::vector<RecipeField>& fields) {
  add_solve(
      fields, "solver", [](auto& r, std::size_t) -> auto& { return r.gradient.solver; });
  Table(
      fields, "solver", [](auto& r, std::size_t) -> auto& { return r.gradient; })
      .add("adjoint", &GradientOptions::adjoint, one_of(adjoint_names()), "adjoint method");
  add_solve(
      fields, "solver.evaluation", [](auto& r, std::size_t) -> auto& { return r.train.evaluation.solver; });
}

std::vector<std::string> target_choices() {
  auto names = target_names();
  names.emplace_back("user");
  return names;
}

void add_objective(std::vector<RecipeField>& fields) {
  using R = ObjectiveRecipe;
  using W = RegularizerWeights;
  using M = MatchingOptions;
  const auto weight = [](auto member) { return inside(&R::regularizers, member); };
  const auto matching = [](auto member) { return inside(&R::matching, member); };
  Table(
      fields, "objective", [](auto& r, std::size_t stage) -> auto& { return r.objective.at(stage); })
      .add("kind", &R::kind, one_of(objective_names()), "objective to minimize")
      .add("iterations", &R::iterations, at_least(0),
           "iterations of this stage; 0 = what the others leave of train.iterations")
      .add("batch", &R::batch, at_least(0), "batch size of this stage; 0 = train.batch")
      .add("learning_rate", &R::learning_rate, at_least(0), "learning rate of this stage; 0 = optimizer.learning_rate")
      .add("kinetic", weight(&W::kinetic), at_least(0), "weight of RNODE's integral of |f|^2")
      .add("jacobian", weight(&W::jacobian), at_least(0), "weight of RNODE's integral of |df/dz|_F^2")
      .add("l1int", weight(&W::l1int), at_least(0), "weight of FFJORD's integral of |f|_1")
      .add("l2int", weight(&W::l2int), at_least(0), "weight of FFJORD's integral of |f|_2")
      .add("dl2int", weight(&W::dl2int), at_least(0), "weight of FFJORD's integral of |f^T df/dz|_2")
      .add("JFrobint", weight(&W::JFrobint), at_least(0), "weight of FFJORD's integral of |df/dz|_F")
      .add("JdiagFrobint", weight(&W::JdiagFrobint), at_least(0),
           "weight of FFJORD's integral of the norm of the diagonal of df/dz")
      .add("JoffdiagFrobint", weight(&W::JoffdiagFrobint), at_least(0),
           "weight of FFJORD's integral of the norm of df/dz without its diagonal")
      .add("transport", weight(&W::transport), at_least(0), "weight of the transport cost of OT-Flow")
      .add("hjb", weight(&W::hjb), at_least(0), "weight of the Hamilton-Jacobi-Bellman residual of OT-Flow")
      .add("steer", &R::steer, from_below(0, 1), "STEER: the end time is drawn uniformly from T (1 -+ steer)")
      .add("coupling", matching(&M::coupling), one_of(coupling_names()),
           "flow matching: how base and data are paired within a batch")
      .add("path", matching(&M::path), one_of(matching_path_names()), "flow matching: path from base to data")
      .add("sigma", matching(&M::sigma), at_least(0), "flow matching: width of the noise on the path")
      .add("time_sampling", matching(&M::time_sampling), one_of(time_sampling_names()),
           "flow matching: distribution of the time")
      .add("target", &R::target, one_of(target_choices()),
           "reverse KL: the distribution to learn; user: the one given from C++")
      .add("anneal", &R::anneal, above_to(0, 1),
           "reverse KL: initial power of the target, which connects its modes; it rises to 1 by three quarters");
}

void add_optimizer(std::vector<RecipeField>& fields) {
  using R = TrainerOptions;
  const auto adam = [](auto member) { return inside(&R::adam, member); };
  const auto schedule = [](auto member) { return inside(&R::schedule, member); };
  Table(
      fields, "optimizer", [](auto& r, std::size_t) -> auto& { return r.train; })
      .add("name", adam(&AdamOptions::decay), one_of(AdamOptions::decay_names()),
           "Adam with weight decay in the gradient (adam) or decoupled from it (adamw)")
      .add("learning_rate", adam(&AdamOptions::learning_rate), above(0), "highest learning rate of the schedule")
      .add("beta1", adam(&AdamOptions::beta1), from_below(0, 1), "decay rate of the mean of the gradient")
      .add("beta2", adam(&AdamOptions::beta2), from_below(0, 1), "decay rate of the mean of the squared gradient")
      .add("epsilon", adam(&AdamOptions::epsilon), above(0), "added to the square root of the second moment")
      .add("weight_decay", adam(&AdamOptions::weight_decay), at_least(0), "weight decay")
      .add("clip", &R::clip, at_least(0), "largest Euclidean norm of the gradient; 0 = no limit")
      .add("schedule", schedule(&Schedule::kind), one_of(Schedule::kind_names()),
           "schedule of the learning rate after the warm-up")
      .add("warmup", schedule(&Schedule::warmup), at_least(0),
           "iterations of linear warm-up; at most half of a stage, except with a trapezoid")
      .add("final", schedule(&Schedule::final), from_to(0, 1), "cosine, trapezoid: final fraction of the learning rate")
      .add("cooldown", schedule(&Schedule::cooldown), at_least(0),
           "trapezoid: iterations at the end in which the learning rate falls")
      .add("decay_every", schedule(&Schedule::decay_every), at_least(1), "step: iterations between two reductions")
      .add("decay_factor", schedule(&Schedule::decay_factor), above_to(0, 1), "step: factor of each reduction")
      .add("ema", &R::ema, from_below(0, 1),
           "decay rate of the moving average of the weights, which becomes the model; 0 = none");
}

void add_train(std::vector<RecipeField>& fields) {
  const auto train = [](auto member) { return inside(&Recipe::train, member); };
  Table(
      fields, "train", [](auto& r, std::size_t) -> auto& { return r; })
      .add("iterations", train(&TrainerOptions::iterations), at_least(0),
           "iterations of all stages together; the last stage takes the rest")
      .add("time", train(&TrainerOptions::seconds), at_least(0),
           "seconds in which the run ends; needs schedule = trapezoid or model.automatic; 0 = no limit")
      .add("batch", train(&TrainerOptions::batch), at_least(1), "batch size: samples per iteration")
      .add("tile", inside(&Recipe::gradient, &GradientOptions::tile), at_least(0),
           "number of samples solved together; 0 = automatic")
      .add("seed", train(&TrainerOptions::seed), at_least(0), "seed of all random streams")
      .add("evaluate_every", train(&TrainerOptions::evaluate_every), at_least(1), "iterations between validations")
      .add("validation_rows", train(&TrainerOptions::validation_rows), at_least(0),
           "number of validation rows at most that are evaluated; 0 = all")
      .add("checkpoint_every", train(&TrainerOptions::checkpoint_every), at_least(1),
           "iterations between checkpoints (last.h5)")
      .add("patience", train(&TrainerOptions::patience), at_least(0),
           "validations without improvement before stopping; 0 = never")
      .add("max_error", train(&TrainerOptions::max_error), at_least(0),
           "nats: the model keeps the cheapest solver with at most this mean error; 0 = that of solver.evaluation");
}

std::vector<RecipeField> make_fields() {
  std::vector<RecipeField> fields;
  for (auto* add :
       {add_data, add_model, add_transforms, add_trace, add_solver, add_objective, add_optimizer, add_train})
    add(fields);
  return fields;
}

bool in_range(const RecipeRange& range, double x) {
  if (!std::isfinite(x)) return false;
  return (range.low_open ? x > range.low : x >= range.low) && (range.high_open ? x < range.high : x <= range.high);
}

std::string number_range_text(const RecipeRange& range) {
  if (std::isfinite(range.high))
    return fmt::format("in {}{}, {}{}", range.low_open ? '(' : '[', range.low, range.high, range.high_open ? ')' : ']');
  return fmt::format("{} {}", range.low_open ? ">" : ">=", range.low);
}

}  // namespace

const std::vector<RecipeField>& recipe_fields() {
  static const std::vector<RecipeField> fields = make_fields();
  return fields;
}

const RecipeField* find_field(const std::string& table, const std::string& key) {
  for (const auto& field : recipe_fields())
    if (field.table == table && field.key == key) return &field;
  return nullptr;
}

bool is_allowed(const RecipeField& field, const RecipeValue& value) {
  if (value == field.default_value()) return true;  // also a value with a meaning of its own, as 0 for model.hidden
  const RecipeRange& range = field.range;
  struct Check {
    const RecipeRange& range;
    bool operator()(bool) const { return true; }
    bool operator()(Index x) const { return in_range(range, static_cast<double>(x)); }
    bool operator()(double x) const { return in_range(range, x); }
    bool operator()(const std::string& x) const {
      if (range.choices.empty()) return is_utf8(x);
      return std::find(range.choices.begin(), range.choices.end(), x) != range.choices.end();
    }
    bool operator()(const std::vector<Index>& list) const { return std::all_of(list.begin(), list.end(), *this); }
    bool operator()(const std::vector<std::string>& list) const {
      const std::set<std::string> once(list.begin(), list.end());
      return once.size() == list.size() && std::all_of(list.begin(), list.end(), *this);
    }
  };
  return std::visit(Check{range}, value);
}

std::string range_text(const RecipeField& field) {
  struct Text {
    const RecipeRange& range;
    std::string operator()(bool) const { return "true or false"; }
    std::string operator()(Index) const { return number_range_text(range); }
    std::string operator()(double) const { return number_range_text(range); }
    std::string operator()(const std::string&) const {
      return range.choices.empty() ? "text in UTF-8" : fmt::format("one of {}", fmt::join(range.choices, ", "));
    }
    std::string operator()(const std::vector<Index>&) const { return "all " + number_range_text(range); }
    std::string operator()(const std::vector<std::string>&) const { return "a list of text in UTF-8, each once"; }
  };
  return std::visit(Text{field.range}, field.default_value());
}

std::string requirement_text(const RecipeField& field) {
  const RecipeValue value = field.default_value();
  if (std::holds_alternative<Index>(value)) return "an integer " + range_text(field);
  if (std::holds_alternative<double>(value)) return "a number " + range_text(field);
  if (std::holds_alternative<std::vector<Index>>(value)) return "a list of integers, " + range_text(field);
  return range_text(field);
}

std::string toml_quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\')
      out += std::string{'\\', c};
    else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F)
      out += fmt::format("\\u{:04X}", static_cast<int>(c));
    else
      out += c;
  }
  return out + '"';
}

std::string toml_text(const RecipeValue& value) {
  struct Text {
    std::string operator()(bool x) const { return x ? "true" : "false"; }
    std::string operator()(Index x) const { return fmt::format("{}", x); }
    std::string operator()(double x) const {
      const std::string digits = fmt::format("{}", x);  // the shortest text that reads back as x
      return digits.find_first_of(".en") == std::string::npos ? digits + ".0" : digits;
    }
    std::string operator()(const std::string& x) const { return toml_quoted(x); }
    std::string operator()(const std::vector<Index>& list) const { return fmt::format("[{}]", fmt::join(list, ", ")); }
    std::string operator()(const std::vector<std::string>& list) const {
      std::string out;
      for (const auto& x : list) out += (out.empty() ? "" : ", ") + toml_quoted(x);
      return "[" + out + "]";
    }
  };
  return std::visit(Text{}, value);
}

}  // namespace pathline
