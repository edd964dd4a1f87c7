#include "pathline/checkpoint/model.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include "checkpoint/digest.hpp"
#include "checkpoint/format_1.hpp"
#include "checkpoint/parameter_shape.hpp"
#include "checkpoint/size_budget.hpp"
#include "pathline/checkpoint/ffjord.hpp"
#include "pathline/core/error.hpp"
#include "pathline/core/version.hpp"
#include "pathline/field/mlp.hpp"
#include "pathline/field/potential_field.hpp"
#include "pathline/flow/flow_mixture.hpp"
#include "pathline/transform/coupling_layer.hpp"
#include "pathline/transform/marginals.hpp"
#include "pathline/transform/planar.hpp"
#include "pathline/transform/radial.hpp"

namespace pathline {
namespace {

// 1: another digest, norms' weights (d, 1), no evaluation; 2: no bounds, periods or linear map; 3: no transforms;
// 4: no ensembles, and affine couplings without an end, which are not read any more
constexpr std::int64_t kFormat = 5;
constexpr std::int64_t kMostMembers = 1000;

// The transforms with a closed form that a file can hold.
template <class S> bool is_layer(const Transform<S>& transform) {
  return dynamic_cast<const CouplingLayer<S>*>(&transform) || dynamic_cast<const Planar<S>*>(&transform) ||
         dynamic_cast<const Radial<S>*>(&transform);
}

template <class S> std::vector<const Transform<S>*> layers_of(const Flow<S>& flow) {
  std::vector<const Transform<S>*> out;
  for (std::size_t i = 0; i < flow.chain.size(); ++i)
    if (is_layer(flow.chain[i])) out.push_back(&flow.chain[i]);
  return out;
}

// The first format with all that the flow has, so that an older pathline refuses only what it would read wrongly.
template <class S> std::int64_t format_of(const Flow<S>& flow) {
  const auto layers = layers_of(flow);
  const auto is_affine = [](const Transform<S>* layer) { return layer->kind() == "affine_coupling"; };
  if (flow.members() || std::any_of(layers.begin(), layers.end(), is_affine)) return 5;
  if (!layers.empty()) return 4;
  const bool has_marginals = !flow.data_side.template all<Marginals>().empty();
  return flow.bounds() || flow.linear() || has_marginals ? 3 : 2;
}

std::string path_of(std::string name) {
  std::replace(name.begin(), name.end(), '.', '/');
  return "parameters/" + name;
}

[[noreturn]] void refuse(const std::string& file, const std::string& what) { throw InputError(file + ": " + what); }

// Puts the name of the file in front of an error of a part of the model, such as a wrong width.
InputError in_file(const std::string& file, const InputError& error) {
  const std::string what = error.what();
  return what.starts_with(file) ? error : InputError(file + ": " + what);
}

// --- functions that write and read one part each ---

void write_attributes(Hdf5Group group, const Attributes& attributes) {
  for (const auto& [name, value] : attributes) {
    if (group.has_attribute(name) || group.exists(name))
      throw InputError(fmt::format("{}: the description has two attributes named '{}'", group.path(), name));
    std::visit(
        [&, &name = name](const auto& v) {
          if constexpr (std::is_same_v<std::decay_t<decltype(v)>, Vector<double>>)
            group.write_vector(name, v);
          else
            group.set_attribute(name, v);
        },
        value);
  }
}

template <class S> std::shared_ptr<VectorField<S>> read_field(const std::string& file, const Hdf5Group& block,
                                                              Index dim, Index condition_dim, SizeBudget& budget) {
  const auto field = block.attribute<std::string>("field");
  if (field == "potential") {
    const PotentialFieldOptions o{.dim = dim,
                                  .condition_dim = condition_dim,
                                  .width = block.attribute<std::int64_t>("width"),
                                  .layers = block.attribute<std::int64_t>("layers"),
                                  .rank = block.attribute<std::int64_t>("rank")};
    budget.take_potential(block.path() + ": width, layers, rank", o);
    return std::make_shared<PotentialField<S>>(o);
  }
  if (field != "mlp")
    refuse(file,
           fmt::format("{}: the vector field is a user-defined class ('{}'), which a file does not contain; make a "
                       "flow of it in C++ and read the file with read_parameters_into",
                       block.path(), field));
  MlpOptions o{.dim = dim, .condition_dim = condition_dim};
  const auto hidden = block.attribute<std::vector<std::int64_t>>("hidden");
  o.hidden.assign(hidden.begin(), hidden.end());
  budget.take_layers(block.path() + ": hidden", o);
  o.layer = parse_layer_type(block.attribute<std::string>("layer"));
  o.activation = parse_activation(block.attribute<std::string>("activation"));
  o.residual = block.attribute<bool>("residual");
  o.time_features = block.attribute<std::int64_t>("time_frequencies");
  o.time_at_input = block.has_attribute("time_at_input") && block.attribute<bool>("time_at_input");
  return std::make_shared<Mlp<S>>(o);
}

// Throws InputError if a group of the file describes another part of a model than the one into which it is read. part:
// "vector field".
void check_attributes(const std::string& file, const Hdf5Group& group, const Attributes& attributes,
                      const std::string& part) {
  for (const auto& [name, value] : attributes)
    std::visit(
        [&, &name = name](const auto& expected) {
          using T = std::decay_t<decltype(expected)>;
          if constexpr (std::is_same_v<T, std::string>) {
            if (const auto found = group.attribute<T>(name); found != expected)
              refuse(file, group.path() + fmt::format(": {} is '{}'; the flow has '{}'", name, found, expected));
          } else {
            bool same;
            if constexpr (std::is_same_v<T, Vector<double>>) {
              const auto found = group.read_vector<double>(name);
              same = found.size() == expected.size() && found == expected;
            } else {
              same = group.attribute<T>(name) == expected;
            }
            if (!same) refuse(file, group.path() + ": " + name + " of the " + part + " differs from that of the flow");
          }
        },
        value);
}

// Throws InputError if the block in the file has another kind of field, or another architecture, than the flow that it
// is read into.
template <class S> void check_field(const std::string& file, const Hdf5Group& block, const VectorField<S>& field) {
  if (const auto found = block.attribute<std::string>("field"); found != field.kind())
    refuse(file, block.path() + fmt::format(": field is '{}'; the flow has '{}'", found, field.kind()));
  check_attributes(file, block, field.describe(), "vector field");
}

CouplingOptions read_coupling_options(const Hdf5Group& group, CouplingKind kind, Index dim) {
  const auto hidden = group.attribute<std::vector<std::int64_t>>("hidden");
  return {.kind = kind,
          .dim = dim,
          .condition_dim = group.attribute<std::int64_t>("condition_dim"),
          .moved = group.attribute<std::vector<std::int64_t>>("moved"),
          .hidden = std::vector<Index>(hidden.begin(), hidden.end()),
          .activation = parse_activation(group.attribute<std::string>("activation")),
          .residual = group.attribute<bool>("residual"),
          .bins = kind == CouplingKind::spline ? group.attribute<std::int64_t>("bins") : CouplingOptions{}.bins,
          .box = group.attribute<double>("box")};
}

// Reads what a group of `transforms` describes, without its parameters.
template <class S> std::unique_ptr<Transform<S>> read_layer(const std::string& file, const Hdf5Group& group, Index dim,
                                                            Index condition_dim, SizeBudget& budget) {
  const auto kind = group.attribute<std::string>("kind");
  if (kind == "planar") return std::make_unique<Planar<S>>(dim);
  if (kind == "radial") return std::make_unique<Radial<S>>(dim);
  if (kind != "spline_coupling" && kind != "affine_coupling")
    refuse(file, fmt::format("{}: kind '{}': expected spline_coupling, affine_coupling, planar or radial", group.path(),
                             kind));
  const auto options =
      read_coupling_options(group, kind == "spline_coupling" ? CouplingKind::spline : CouplingKind::affine, dim);
  if (options.condition_dim < 0 || options.condition_dim > condition_dim)
    refuse(file, fmt::format("{}: condition_dim = {}: must be in [0, {}]", group.path(), options.condition_dim,
                             condition_dim));
  budget.take_coupling(group.path() + ": moved, hidden, bins", options);
  if (kind == "affine_coupling" && !group.has_attribute("affine_within"))
    refuse(file, group.path() + ": an affine coupling of an earlier pathline, which stayed affine outside of its box; "
                                "train the model again");
  std::unique_ptr<CouplingLayer<S>> layer;
  try {
    layer = std::make_unique<CouplingLayer<S>>(options);
  } catch (const InputError& error) {
    refuse(file, group.path() + ": " + error.what());
  }
  check_attributes(file, group, layer->describe(), "transform");
  return layer;
}

// Reads all of a block except its field.
template <class S> void read_times(const std::string& file, const Hdf5Group& block, Cnf<S>& cnf) {
  cnf.end_time = block.attribute<double>("end_time");
  if (!(cnf.end_time > 0)) refuse(file, block.path() + fmt::format(": end_time = {}: must be > 0", cnf.end_time));
  const auto clock = block.attribute<std::string>("clock");
  if (clock != "base_to_data" && clock != "data_to_base")
    refuse(file, block.path() + ": clock '" + clock + "': expected base_to_data or data_to_base");
  cnf.clock = clock == "base_to_data" ? FieldClock::base_to_data : FieldClock::data_to_base;
  cnf.train_end_time = block.attribute<bool>("train_end_time");
}

Vector<double> read_sized(const std::string& file, const Hdf5Group& group, const std::string& name, Index size) {
  const auto v = group.read_vector<double>(name);
  if (v.size() != size) refuse(file, fmt::format("{}: {} numbers, expected {}", name, v.size(), size));
  if (!v.allFinite()) refuse(file, name + ": a value is not finite");
  return v;
}

void write_evaluation(Hdf5Group group, const SolverOptions& o) {
  group.set_attribute("stepper", to_string(o.stepper));
  group.set_attribute("rtol", o.rtol), group.set_attribute("atol", o.atol);
  group.set_attribute("steps", static_cast<std::int64_t>(o.steps));
  group.set_attribute("max_steps", static_cast<std::int64_t>(o.max_steps));
}

SolverOptions read_evaluation(const Hdf5Group& group) {
  const SolverOptions o{.stepper = parse_stepper(group.attribute<std::string>("stepper")),
                        .rtol = group.attribute<double>("rtol"),
                        .atol = group.attribute<double>("atol"),
                        .steps = group.attribute<std::int64_t>("steps"),
                        .max_steps = group.attribute<std::int64_t>("max_steps")};
  o.check();
  return o;
}

// points and log_density: as known_answers() made them; none for a flow that a file does not contain.
void write_answers(Hdf5File& out, const ModelCard& card, const KnownAnswers* answers) {
  const bool any = answers && answers->points.cols() > 0;
  if (!any && !card.trained) return;
  auto group = out.create_group("answers");
  if (const auto& t = card.trained; t) {
    group.set_attribute("nll", t->nll), group.set_attribute("nll_error", t->error);
    group.set_attribute("of_target", t->of_target);
  }
  if (!any) return;
  group.write_matrix("points", answers->points);
  if (answers->condition.rows() > 0) group.write_matrix("condition", answers->condition);
  group.write_vector("log_density", Vector<double>(answers->log_density.transpose()));
}

// The shapes are checked by whoever evaluates the points.
void read_answers(const Hdf5File& in, ModelCard& card) {
  if (card.format_version == 1 || !in.exists("answers")) return;  // the digest of format 1 would not cover them
  const auto group = in.group("answers");
  if (group.has_attribute("nll"))
    card.trained = {group.attribute<double>("nll"), group.attribute<double>("nll_error"),
                    group.attribute<bool>("of_target")};
  if (!group.exists("points")) return;
  KnownAnswers answers{group.read_matrix<double>("points"), Matrix<double>(0, 0),
                       group.read_vector<double>("log_density").transpose()};
  if (group.exists("condition")) answers.condition = group.read_matrix<double>("condition");
  card.answers = std::move(answers);
}

template <class S> void write_parameters(Hdf5Group& out, const Flow<S>& flow) {
  const Vector<double> theta = flow.theta();
  for (const auto& p : flow.parameters()) {
    const Vector<double> values = theta.segment(p.offset, p.size());
    const Hdf5Shape shape = shape_of(p);
    if constexpr (std::is_same_v<S, float>) {
      // The flow keeps norms, bases and end times in double; only the networks are in S.
      const bool of_field =
          (p.name.starts_with("blocks.") && !p.name.ends_with(".sqrt_end_time")) || p.name.starts_with("couplings.");
      const Vector<float> narrow = values.template cast<float>();
      if (of_field)
        out.write_values<float>(path_of(p.name), shape, narrow.data());
      else
        out.write_values<double>(path_of(p.name), shape, values.data());
    } else {
      out.write_values<double>(path_of(p.name), shape, values.data());
    }
  }
}

// Returns the parameters in double, as they are in the file.
template <class S> Vector<double> read_parameters(const std::string& file, const Hdf5Group& in, Flow<S>& flow) {
  Vector<double> theta = flow.theta();
  for (const auto& p : flow.parameters()) {
    const std::string name = path_of(p.name);
    const auto values = read_shaped(file, in.dataset(name), shape_of(p));
    theta.segment(p.offset, p.size()) = ConstVectorMap<double>(values.data(), p.size());
    if (!theta.segment(p.offset, p.size()).allFinite()) refuse(file, name + ": a value is not finite");
  }
  // Squaring the root of an end time would round; the attributes of the blocks have the exact end times.
  std::vector<double> times;
  for (const auto* block : flow.blocks()) times.push_back(block->end_time);
  flow.set_theta(theta);
  for (std::size_t i = 0; i < times.size(); ++i) flow.blocks()[i]->end_time = times[i];
  return theta;
}

std::vector<Hdf5Group> groups_of(const Hdf5Group& in, const std::string& parent) {
  std::vector<Hdf5Group> groups;
  for (int i = 0; in.exists(parent + "/" + std::to_string(i)); ++i)
    groups.push_back(in.group(parent + "/" + std::to_string(i)));
  return groups;
}

bool is_ensemble(const Hdf5Group& in) {
  return in.exists("base") && in.group("base").has_attribute("kind") &&
         in.group("base").attribute<std::string>("kind") == to_string(BaseKind::flow_mixture);
}

// The recipes of the members, as far as they are known. The sum of their lengths is limited by the size of the file,
// because one recipe may be linked under many names.
std::vector<std::string> read_member_recipes(const std::string& file, const Hdf5File& in) {
  std::vector<std::string> out;
  if (!is_ensemble(in)) return out;
  SizeBudget budget(file, in);
  for (Index k = 0; k < kMostMembers; ++k) {
    const std::string name = "members/" + std::to_string(k);
    if (!in.exists(name)) break;
    const auto member = in.group(name);
    if (!member.exists("recipe")) continue;
    out.push_back(member.read_string("recipe"));
    budget.take(name + ": recipe", {std::ssize(out.back())});
  }
  return out;
}

ModelCard read_card_of(const std::string& file, const Hdf5File& in) {
  ModelCard card;
  card.file = file;
  card.version = in.attribute<std::string>("version");
  card.precision = in.attribute<std::string>("precision");
  if (card.precision != "float" && card.precision != "double")
    refuse(file, "precision '" + card.precision + "': expected float or double");
  card.digest = in.attribute<std::string>("digest");
  card.recipe = in.read_string("recipe");
  card.columns = in.read_strings("columns");
  card.condition_columns = in.read_strings("condition_columns");
  card.metrics = in.read_strings("metrics");
  card.format_version = in.attribute<std::int64_t>("format_version");
  if (in.exists("discrete")) card.discrete = in.read_strings("discrete");
  if (in.exists("condition_range")) {
    card.condition_range = in.read_matrix<double>("condition_range");
    if (card.condition_range.rows() != std::ssize(card.condition_columns) || card.condition_range.cols() != 2)
      refuse(file, "condition_range: expected 2 rows with a value for each condition");
  }
  card.members = read_member_recipes(file, in);
  read_answers(in, card);
  try {
    card.evaluation =
        card.format_version == 1 ? evaluation_of_format_1(card.recipe) : read_evaluation(in.group("evaluation"));
    SizeBudget(file + ": evaluation", in).check_steps(card.evaluation.steps);
  } catch (const InputError& error) {
    throw in_file(file, error);
  }
  return card;
}

void check_format(const std::string& file, const Hdf5File& in) {
  if (!in.has_attribute("format") || in.attribute<std::string>("format") != "pathline")
    refuse(file, "not a model; expected a file of `pathline train` or of tools/ffjord_to_hdf5.py");
  const auto format = in.attribute<std::int64_t>("format_version");
  if (format < 1 || format > kFormat)
    refuse(file,
           fmt::format("model format {}: this pathline ({}) reads formats 1 to {}", format, PATHLINE_VERSION, kFormat));
}

// Throws InputError if the digest does not match the file. theta: in double, as it is in the file.
template <class S> void check_digest(const std::string& file, const Hdf5File& in, const ModelCard& card,
                                     const Flow<S>& flow, const Vector<double>& theta) {
  const auto found =
      card.format_version == 1 ? digest_of_format_1(in, flow.parameters(), theta) : content_digest(in, file);
  if (found != card.digest)
    throw DigestError(fmt::format("{}: digest {}, expected {}: the model was changed after it was written", file, found,
                                  card.digest));
}

// Adds to the error of a part of the file that the file was changed, if its digest does not match.
InputError with_digest(const std::string& file, const Hdf5File& in, const InputError& error) {
  const InputError named = in_file(file, error);
  try {
    const auto found = content_digest(in, file), expected = in.attribute<std::string>("digest");
    if (in.attribute<std::int64_t>("format_version") == 1 || found == expected) return named;
    return InputError(fmt::format("{} (digest {}, expected {}: the model was changed after it was written)",
                                  named.what(), found, expected));
  } catch (const InputError&) {
    return named;
  }
}

std::pair<Index, Index> read_dims(const std::string& file, const Hdf5File& in) {
  const Index dim = in.attribute<std::int64_t>("dim"), condition_dim = in.attribute<std::int64_t>("condition_dim");
  constexpr Index kMost = Index{1} << 32;  // so that their sum does not overflow
  if (dim < 1 || condition_dim < 0) refuse(file, "dim and condition_dim: must be >= 1 and >= 0");
  if (dim > kMost || condition_dim > kMost) refuse(file, "dim and condition_dim: must be <= 2^32");
  return {dim, condition_dim};
}

template <class S> void read_norm(const std::string& file, const Hdf5Group& group, BatchNorm<S>& norm) {
  norm.mean = read_sized(file, group, "mean", norm.dim()),
  norm.variance = read_sized(file, group, "variance", norm.dim());
  norm.epsilon = group.attribute<double>("epsilon");
}

void write_marginals(Hdf5Group& out, const Chain<double>& data_side) {
  for (const auto* marginals : data_side.all<Marginals>())
    for (std::size_t i = 0; i < marginals->maps().size(); ++i) {
      const auto& map = marginals->maps()[i];
      auto group = out.create_group("marginals/" + std::to_string(i));
      group.write_vector("x", map.x), group.write_vector("z", map.z);
      group.set_attribute("low_shape", map.low.shape), group.set_attribute("low_scale", map.low.scale);
      group.set_attribute("high_shape", map.high.shape), group.set_attribute("high_scale", map.high.scale);
    }
}

void read_marginals(const std::string& file, const Hdf5Group& in, Chain<double>& data_side, Index dim,
                    SizeBudget& budget) {
  std::vector<MarginalMap> maps;
  for (const auto& group : groups_of(in, "marginals")) {
    maps.push_back({group.read_vector<double>("x"),
                    group.read_vector<double>("z"),
                    {group.attribute<double>("low_shape"), group.attribute<double>("low_scale")},
                    {group.attribute<double>("high_shape"), group.attribute<double>("high_scale")}});
    budget.take(group.path(), {maps.back().x.size(), 2});
  }
  if (maps.empty()) return;
  if (std::ssize(maps) != dim) refuse(file, fmt::format("marginals: {}, expected {}", maps.size(), dim));
  try {
    set_marginals(data_side, Marginals(std::move(maps)));
  } catch (const InputError& error) {
    throw in_file(file, error);
  }
}

void write_bounds(Hdf5Group group, const Bounds<double>& bounds) {
  group.write_vector("low", bounds.low()), group.write_vector("high", bounds.high());
  group.write_vector("inset", bounds.inset());
}

std::optional<Bounds<double>> read_bounds(const std::string& file, const Hdf5Group& in, Index dim) {
  if (!in.exists("bounds")) return std::nullopt;
  const auto group = in.group("bounds");
  const auto low = group.read_vector<double>("low"), high = group.read_vector<double>("high"),
             inset = group.read_vector<double>("inset");
  if (low.size() != dim) refuse(file, fmt::format("bounds: {} columns, expected {}", low.size(), dim));
  return Bounds<double>(low, high, inset);
}

void write_periods(Hdf5Group group, const Periods& periods) {
  group.write_vector("start", periods.start()), group.write_vector("length", periods.length());
}

std::optional<Periods> read_periods(const std::string& file, const Hdf5Group& in, const Bounds<double>* bounds) {
  if (!in.exists("period")) return std::nullopt;
  if (!bounds) refuse(file, "period: needs bounds");
  const auto group = in.group("period");
  return Periods(group.read_vector<double>("start"), group.read_vector<double>("length"), *bounds);
}

// Reads all except the blocks and norms. Returns the parameters in double, as they are in the file.
template <class S>
Vector<double> read_rest(const std::string& file, const Hdf5Group& in, Flow<S>& flow, SizeBudget& budget) {
  const auto base = in.group("base");
  const auto kind = parse_base(base.attribute<std::string>("kind"));
  const Index components = base.attribute<std::int64_t>("components");
  budget.take_base(kind, flow.dim(), components, flow.condition_dim());
  Engine unused = make_stream(0, "checkpoint.base");
  flow.base = make_base(kind, flow.dim(), components, unused, flow.condition_dim());
  const auto mean = read_sized(file, in, "mean", flow.dim()), scale = read_sized(file, in, "scale", flow.dim());
  flow.condition_mean = read_sized(file, in, "condition_mean", flow.condition_dim());
  flow.condition_scale = read_sized(file, in, "condition_scale", flow.condition_dim());
  if (!(scale.minCoeff() > 0)) refuse(file, "scale: must be > 0");
  flow.standardize(mean, scale);
  const auto logit = in.attribute<double>("logit");
  if (!(logit >= 0 && logit < 0.5)) refuse(file, "logit: must be in [0, 0.5)");
  flow.set_logit(logit);
  read_marginals(file, in, flow.data_side, flow.dim(), budget);
  if (in.exists("linear")) budget.take("linear", {flow.dim(), flow.dim()});
  flow.set_linear(in.exists("linear") ? std::optional(Linear<double>(in.read_matrix<double>("linear").transpose()))
                                      : std::nullopt);
  if (flow.linear() && flow.linear()->dim() != flow.dim()) refuse(file, "linear: expected a row for each column");
  flow.set_bounds(read_bounds(file, in, flow.dim()));
  flow.set_periods(read_periods(file, in, flow.bounds()));
  return read_parameters(file, in, flow);
}

template <class S> struct ReadFlow {
  Flow<S> flow;
  Vector<double> theta;  // in double, as it is in the file
};

// One flow, from the root of the file or from the group of a member. file: for messages.
template <class S> ReadFlow<S> read_one(const std::string& file, const Hdf5Group& in, Index dim, Index condition_dim,
                                        SizeBudget& budget) {
  if (in.has_attribute("transforms"))
    refuse(
        file,
        "the flow has user-defined transforms, which a file does not contain; make the flow in C++ and read the file "
        "with read_parameters_into");
  std::vector<Cnf<S>> blocks;
  for (const auto& group : groups_of(in, "blocks")) {
    blocks.emplace_back(read_field<S>(file, group, dim, condition_dim, budget));
    read_times(file, group, blocks.back());
  }
  std::vector<std::unique_ptr<Transform<S>>> layers;
  for (const auto& group : groups_of(in, "transforms"))
    layers.push_back(read_layer<S>(file, group, dim, condition_dim, budget));
  if (blocks.empty() && layers.empty()) refuse(file, "the file contains no blocks and no transforms");
  std::vector<BatchNorm<S>> norms;
  for (const auto& group : groups_of(in, "norms")) read_norm(file, group, norms.emplace_back(dim));
  if (!norms.empty() && norms.size() != blocks.size() + 1)
    refuse(file, fmt::format("norms: {}, expected {}", norms.size(), blocks.size() + 1));
  Chain<S> chain;
  if (!blocks.empty()) chain = Flow<S>(std::move(blocks), std::move(norms)).chain;
  for (auto& layer : layers) chain.add(std::move(layer));
  ReadFlow<S> out{Flow<S>(std::move(chain)), {}};
  if (out.flow.condition_dim() != condition_dim)
    refuse(file, fmt::format("condition_dim = {}: no transform has a condition of this dimension", condition_dim));
  out.theta = read_rest(file, in, out.flow, budget);
  return out;
}

// The members together have no more parameters than the file can contain.
template <class S> Flow<S> read_ensemble(const std::string& file, const Hdf5Group& in, Index dim, Index condition_dim,
                                         const SolverOptions& solver, SizeBudget& budget) {
  const auto base = in.group("base");
  const Index count = base.attribute<std::int64_t>("components");
  if (count < 1 || count > kMostMembers)
    refuse(file, fmt::format("base: components = {}: must be in [1, {}] members", count, kMostMembers));
  const auto weights = read_sized(file, base, "weights", count);
  for (const auto& parent : {"blocks", "norms", "transforms"})
    if (in.exists(parent)) refuse(file, fmt::format("{}: only the members of an ensemble have transforms", parent));
  std::vector<Flow<S>> members;
  for (Index k = 0; k < count; ++k) {
    const std::string name = "members/" + std::to_string(k);
    if (!in.exists(name)) refuse(file, fmt::format("{}: not found; expected {} members", name, count));
    const auto group = in.group(name);
    if (is_ensemble(group)) refuse(file, name + ": is an ensemble itself; expected one flow");
    members.push_back(read_one<S>(file + ": " + name, group, dim, condition_dim, budget).flow);
  }
  if (in.exists("members/" + std::to_string(count)))
    refuse(file, fmt::format("members: more than the {} that the base has as components", count));
  return flow_mixture(std::move(members), weights, solver);
}

// solver: how the file says that the model is evaluated.
template <class S> ReadFlow<S> read_flow(const std::string& file, const Hdf5File& in, const SolverOptions& solver) {
  const auto [dim, condition_dim] = read_dims(file, in);
  SizeBudget budget(file, in);
  budget.take("dim, condition_dim", {dim + condition_dim});
  if (is_ensemble(in)) return {read_ensemble<S>(file, in, dim, condition_dim, solver, budget), {}};
  return read_one<S>(file, in, dim, condition_dim, budget);
}

template <class S> Model<S> read_native(const std::string& file, const Hdf5File& in) {
  auto card = read_card_of(file, in);
  auto read = read_flow<S>(file, in, card.evaluation);
  Model<S> model{std::move(read.flow), std::move(card)};
  check_digest(file, in, model.card, model.flow, read.theta);
  return model;
}

// The kinds of the chain's transforms; empty if they are those that blocks, norms and then layers make.
template <class S> std::vector<std::string> transforms_of(const Flow<S>& flow) {
  const std::size_t blocks = flow.blocks().size(), norms = flow.norms().size(), layers = layers_of(flow).size();
  bool native = norms == 0 || norms == blocks + 1;
  native = native && blocks + layers > 0 && flow.chain.size() == blocks + norms + layers;
  std::vector<std::string> kinds;
  for (std::size_t i = 0; i < flow.chain.size(); ++i) {
    kinds.push_back(flow.chain[i].kind());
    if (i < blocks + norms)
      native = native && kinds.back() == (norms > 0 && i % 2 == 0 ? "batch_norm" : "cnf");
    else
      native = native && is_layer(flow.chain[i]);
  }
  return native ? std::vector<std::string>{} : kinds;
}

void refuse_other(const std::string& file, const std::string& what, const std::string& found, const std::string& has) {
  if (found != has) refuse(file, fmt::format("{}: {}; the flow has {}", what, found, has));
}

// The number of data sets in a group and in the groups within it.
std::size_t arrays_in(const Hdf5Group& group) {
  std::size_t count = 0;
  for (const auto& name : group.children()) {
    const std::string path = group.path() + "/" + name;
    count += group.is_group(path) ? arrays_in(group.group(path)) : 1;
  }
  return count;
}

void refuse_other(const std::string& file, const std::string& what, std::size_t found, std::size_t has) {
  refuse_other(file, what, std::to_string(found), std::to_string(has));
}

// Reads the parameters of the file into a copy of this flow.
template <class S>
Flow<S> filled(const std::string& file, const Hdf5File& in, const ModelCard& card, const Flow<S>& flow) {
  if (is_ensemble(in) || flow.members()) refuse(file, "an ensemble has no single flow to read into; use read_model");
  const auto [dim, condition_dim] = read_dims(file, in);
  refuse_other(file, "columns", std::to_string(dim), std::to_string(flow.dim()));
  refuse_other(file, "conditions", std::to_string(condition_dim), std::to_string(flow.condition_dim()));
  std::vector<std::string> transforms;
  if (in.has_attribute("transforms")) transforms = in.attribute<std::vector<std::string>>("transforms");
  refuse_other(file, "transforms", fmt::format("[{}]", fmt::join(transforms, ", ")),
               fmt::format("[{}]", fmt::join(transforms_of(flow), ", ")));
  Flow<S> out = flow;
  const auto block_groups = groups_of(in, "blocks"), norm_groups = groups_of(in, "norms");
  const auto blocks = out.blocks();
  const auto norms = out.norms();
  refuse_other(file, "blocks", block_groups.size(), blocks.size());
  refuse_other(file, "norms", norm_groups.size(), norms.size());
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    check_field(file, block_groups[i], *blocks[i]->field);
    read_times(file, block_groups[i], *blocks[i]);
    refuse_other(file, block_groups[i].path() + ": clock", to_string(blocks[i]->clock),
                 to_string(flow.blocks()[i]->clock));
    refuse_other(file, block_groups[i].path() + ": train_end_time", blocks[i]->train_end_time,
                 flow.blocks()[i]->train_end_time);
  }
  for (std::size_t i = 0; i < norms.size(); ++i) read_norm(file, norm_groups[i], *norms[i]);
  const auto layer_groups = groups_of(in, "transforms");
  const auto layers = layers_of(flow);
  refuse_other(file, "layers", layer_groups.size(), layers.size());
  for (std::size_t i = 0; i < layers.size(); ++i) {
    refuse_other(file, layer_groups[i].path() + ": kind", layer_groups[i].template attribute<std::string>("kind"),
                 layers[i]->kind());
    check_attributes(file, layer_groups[i], layers[i]->describe(), "transform");
  }
  SizeBudget budget(file, in);
  check_digest(file, in, card, out, read_rest(file, in, out, budget));
  refuse_other(file, "base", fmt::format("{} of {} components", to_string(out.base->kind()), out.base->components()),
               fmt::format("{} of {} components", to_string(flow.base->kind()), flow.base->components()));
  refuse_other(file, "arrays of parameters", arrays_in(in.group("parameters")), flow.parameters().size());
  return out;
}

}  // namespace

bool is_ffjord_file(const Hdf5File& file) { return !file.has_attribute("format") && file.has_attribute("layer_type"); }

namespace {

// Writes the description of one flow into the root of a file, or into the group of a member.
template <class S> void write_flow(Hdf5Group& out, const Flow<S>& flow) {
  out.set_attribute("logit", flow.logit());
  out.write_vector("mean", flow.mean()), out.write_vector("scale", flow.scale());
  out.write_vector("condition_mean", flow.condition_mean), out.write_vector("condition_scale", flow.condition_scale);
  const auto blocks = flow.blocks();
  for (std::size_t i = 0; i < blocks.size(); ++i)
    write_attributes(out.create_group("blocks/" + std::to_string(i)), blocks[i]->describe());
  const auto norms = flow.norms();
  for (std::size_t i = 0; i < norms.size(); ++i)
    write_attributes(out.create_group("norms/" + std::to_string(i)), norms[i]->describe());
  const auto layers = layers_of(flow);
  for (std::size_t i = 0; i < layers.size(); ++i) {
    auto group = out.create_group("transforms/" + std::to_string(i));
    group.set_attribute("kind", layers[i]->kind());
    write_attributes(group, layers[i]->describe());
  }
  write_marginals(out, flow.data_side);
  auto base = out.create_group("base");
  base.set_attribute("kind", to_string(flow.base->kind()));
  base.set_attribute("components", static_cast<std::int64_t>(flow.base->components()));
  // The file has one row of L a row, and write_matrix one column a row.
  if (const auto* linear = flow.linear()) out.write_matrix("linear", Matrix<double>(linear->lower().transpose()));
  if (const auto* bounds = flow.bounds()) write_bounds(out.create_group("bounds"), *bounds);
  if (const auto* periods = flow.periods()) write_periods(out.create_group("period"), *periods);
  if (const auto transforms = transforms_of(flow); !transforms.empty()) out.set_attribute("transforms", transforms);
  write_parameters(out, flow);
}

// The units of an ensemble are those of its first member. recipes: of the members, or none.
template <class S>
void write_ensemble(Hdf5File& out, const FlowMixture<S>& mixture, const std::vector<std::string>& recipes) {
  auto base = out.create_group("base");
  base.set_attribute("kind", to_string(mixture.kind()));
  base.set_attribute("components", static_cast<std::int64_t>(mixture.components()));
  base.write_vector("weights", mixture.weights());
  for (Index k = 0; k < mixture.components(); ++k) {
    auto group = out.create_group("members/" + std::to_string(k));
    write_flow(group, mixture.members()[static_cast<std::size_t>(k)]);
    if (k < std::ssize(recipes)) group.write_string("recipe", recipes[static_cast<std::size_t>(k)]);
  }
}

// Writes all but the digest.
template <class S> void write_parts(Hdf5File& out, const Model<S>& model) {
  const auto& flow = model.flow;
  out.set_attribute("format", "pathline");
  out.set_attribute("format_version", format_of(flow));
  out.set_attribute("version", PATHLINE_VERSION);
  out.set_attribute("precision", std::is_same_v<S, float> ? "float" : "double");
  out.set_attribute("dim", static_cast<std::int64_t>(flow.dim()));
  out.set_attribute("condition_dim", static_cast<std::int64_t>(flow.condition_dim()));
  out.write_string("recipe", model.card.recipe);
  out.write_strings("columns", model.card.columns);
  out.write_strings("condition_columns", model.card.condition_columns);
  if (!model.card.discrete.empty()) out.write_strings("discrete", model.card.discrete);
  if (model.card.condition_range.size() > 0) out.write_matrix("condition_range", model.card.condition_range);
  out.write_strings("metrics", model.card.metrics);
  write_evaluation(out.create_group("evaluation"), model.card.evaluation);
  if (const auto* mixture = flow.members())
    write_ensemble(out, *mixture, model.card.members);
  else
    write_flow(out, flow);
}

// To be called last, because the digest covers everything in the file.
void write_digest(Hdf5File& out, const std::string& file) { out.set_attribute("digest", content_digest(out, file)); }

// The answers are those of the flow that a reader of the file will have, in double whatever S is.
std::optional<KnownAnswers> answers_of(const Hdf5File& out, const std::string& file, const SolverOptions& solver) {
  try {
    return known_answers(read_flow<double>(file, out, solver).flow);
  } catch (const InputError&) {  // a user-defined field or transform
    return std::nullopt;
  }
}

}  // namespace

std::string ModelCard::warning() const {
  if (format_version != 1) return "";
  return fmt::format(
      "{}: is of format 1, whose digest does not cover the layers, the activation, the base and the solver: a change "
      "of "
      "them is not seen. `pathline reseal {}` rewrites it",
      file, file);
}

template <class S> void write_model(Hdf5File& out, const Model<S>& model) {
  write_parts(out, model);
  write_answers(out, model.card, nullptr);
  write_digest(out, model.card.file);
}

template <class S> void write_model(const std::string& file, const Model<S>& model) {
  auto out = Hdf5File::create_sealed(file);
  write_parts(out, model);
  const auto answers = answers_of(out, file, model.card.evaluation);
  write_answers(out, model.card, answers ? &*answers : nullptr);
  write_digest(out, model.card.file);
  out.commit();
}

template <class S> Model<S> read_model(const std::string& file) {
  const auto in = Hdf5File::open(file);
  if (!is_ffjord_file(in)) {
    check_format(file, in);
    try {
      return read_native<S>(file, in);
    } catch (const DigestError&) {
      throw;
    } catch (const InputError& error) {
      throw with_digest(file, in, error);
    }
  }
  try {
    return {read_ffjord<S>(file),
            {.version = PATHLINE_VERSION,
             .precision = "float",
             .recipe = "",
             .digest = content_digest(in, file),
             .columns = {},
             .condition_columns = {},
             .metrics = {},
             .file = file}};
  } catch (const InputError& error) {
    throw in_file(file, error);
  }
}

template <class S> ModelCard read_parameters_into(const std::string& file, Flow<S>& flow) {
  const auto in = Hdf5File::open(file);
  if (is_ffjord_file(in)) refuse(file, "is a network of FFJORD; use read_model");
  check_format(file, in);
  try {
    auto card = read_card_of(file, in);
    auto read = filled(file, in, card, flow);
    for (std::size_t i = 0; i < flow.blocks().size(); ++i) {  // the fields of the flow stay the caller's objects
      auto& own = flow.blocks()[i]->field;
      own->set_theta(read.blocks()[i]->field->theta());
      read.blocks()[i]->field = own;
    }
    flow = std::move(read);
    return card;
  } catch (const InputError& error) {
    throw with_digest(file, in, error);
  }
}

ModelCard read_card(const std::string& file) {
  const auto in = Hdf5File::open(file);
  if (is_ffjord_file(in)) return read_model<float>(file).card;
  check_format(file, in);
  return read_card_of(file, in);
}

#define PATHLINE_INSTANTIATE(S)                                             \
  template Model<S> read_model<S>(const std::string&);                      \
  template ModelCard read_parameters_into<S>(const std::string&, Flow<S>&); \
  template void write_model<S>(Hdf5File&, const Model<S>&);                 \
  template void write_model<S>(const std::string&, const Model<S>&);
PATHLINE_INSTANTIATE(float)
PATHLINE_INSTANTIATE(double)
#undef PATHLINE_INSTANTIATE

}  // namespace pathline
