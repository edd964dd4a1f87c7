#include "pathline/checkpoint/regression_file.hpp"

#include "checkpoint/size_budget.hpp"
#include "pathline/core/error.hpp"
#include "pathline/core/version.hpp"
#include "pathline/io/hdf5.hpp"

namespace pathline {
namespace {

constexpr const char* kRegressionKind = "regression";

const char* name(RegressorOptions::Lift lift) { return lift == RegressorOptions::Lift::pad ? "pad" : "linear"; }
const char* name(RegressorOptions::Readout r) { return r == RegressorOptions::Readout::first ? "first" : "linear"; }

}  // namespace

Matrix<double> SavedRegression::predict(ConstMatrixRef<double> x) const {
  Engine unused = make_stream(0, "regression.file");
  const auto model = make_regressor<double>(spec, unused);
  model->set_theta(theta);
  const Matrix<double> z = (x.colwise() - x_mean).array().colwise() / x_scale.array();
  return (model->predict(z).array().colwise() * y_scale.array()).colwise() + y_mean.array();
}

void write_regression(const std::string& file, const SavedRegression& m) {
  auto out = Hdf5File::create_sealed(file);
  const auto& s = m.spec;
  out.set_attribute("kind", kRegressionKind), out.set_attribute("version", PATHLINE_VERSION);
  out.set_attribute("model", to_string(s.kind));
  out.set_attribute("lift", name(s.maps.lift)), out.set_attribute("readout", name(s.maps.readout));
  out.set_attribute("augmented", static_cast<std::int64_t>(s.augmented));
  out.set_attribute("hidden", std::vector<std::int64_t>(s.hidden.begin(), s.hidden.end()));
  out.set_attribute("activation", to_string(s.activation));
  out.set_attribute("blocks", static_cast<std::int64_t>(s.blocks)), out.set_attribute("share_weights", s.share_weights);
  out.set_attribute("stepper", to_string(s.solve.solver.stepper));
  out.set_attribute("rtol", s.solve.solver.rtol), out.set_attribute("atol", s.solve.solver.atol);
  out.set_attribute("steps", static_cast<std::int64_t>(s.solve.solver.steps));
  out.write_strings("inputs", m.inputs), out.write_strings("targets", m.targets);
  out.write_vector("x_mean", m.x_mean), out.write_vector("x_scale", m.x_scale);
  out.write_vector("y_mean", m.y_mean), out.write_vector("y_scale", m.y_scale);
  out.write_vector("theta", m.theta);
  out.commit();
}

SavedRegression read_regression(const std::string& file) {
  const auto in = Hdf5File::open(file);
  if (!in.has_attribute("kind") || in.attribute<std::string>("kind") != kRegressionKind)
    throw InputError(file + ": is not a model of `pathline fit`");
  SavedRegression m;
  auto& s = m.spec;
  s.kind = parse_regressor(in.attribute<std::string>("model"));
  s.maps.lift =
      in.attribute<std::string>("lift") == "pad" ? RegressorOptions::Lift::pad : RegressorOptions::Lift::linear;
  s.maps.readout = in.attribute<std::string>("readout") == "first" ? RegressorOptions::Readout::first
                                                                   : RegressorOptions::Readout::linear;
  s.augmented = in.attribute<std::int64_t>("augmented");
  const auto hidden = in.attribute<std::vector<std::int64_t>>("hidden");
  s.hidden.assign(hidden.begin(), hidden.end());
  s.activation = parse_activation(in.attribute<std::string>("activation"));
  s.blocks = in.attribute<std::int64_t>("blocks"), s.share_weights = in.attribute<bool>("share_weights");
  s.solve.solver = {.stepper = parse_stepper(in.attribute<std::string>("stepper")),
                    .rtol = in.attribute<double>("rtol"),
                    .atol = in.attribute<double>("atol"),
                    .steps = in.attribute<std::int64_t>("steps")};
  m.inputs = in.read_strings("inputs"), m.targets = in.read_strings("targets");
  m.x_mean = in.read_vector<double>("x_mean"), m.x_scale = in.read_vector<double>("x_scale");
  m.y_mean = in.read_vector<double>("y_mean"), m.y_scale = in.read_vector<double>("y_scale");
  m.theta = in.read_vector<double>("theta");
  const auto n = static_cast<Index>(m.inputs.size()), k = static_cast<Index>(m.targets.size());
  if (m.x_mean.size() != n || m.x_scale.size() != n || m.y_mean.size() != k || m.y_scale.size() != k)
    throw InputError(file + ": the scales do not fit the columns");
  s.maps.inputs = n, s.maps.outputs = k;
  SizeBudget budget(file, in);
  budget.check_steps(s.solve.solver.steps);
  budget.take("augmented", {s.augmented}), budget.take("blocks", {s.blocks});
  const bool several = s.kind == RegressorKind::resnet && !s.share_weights;
  budget.take_layers("hidden", {.dim = n + s.augmented, .hidden = s.hidden}, several ? s.blocks : 1);
  Engine unused = make_stream(0, "regression.file");
  make_regressor<double>(s, unused)->set_theta(m.theta);  // refuses a theta of another size
  return m;
}

}  // namespace pathline
