#include "pathline/checkpoint/dynamics_file.hpp"

#include <fmt/format.h>

#include "checkpoint/size_budget.hpp"
#include "pathline/core/error.hpp"
#include "pathline/core/version.hpp"
#include "pathline/io/hdf5.hpp"

namespace pathline {
namespace {

constexpr const char* kDynamicsKind = "dynamics";

}  // namespace

std::unique_ptr<VectorField<double>> SavedDynamics::field() const {
  Engine unused = make_stream(0, "dynamics.file");
  auto out = make_dynamics<double>(spec, unused);
  if (out->theta().size() != theta.size())
    throw InputError(fmt::format("theta has {} numbers: must be {}", theta.size(), out->theta().size()));
  out->set_theta(theta);
  return out;
}

void write_dynamics(const std::string& file, const SavedDynamics& m) {
  auto out = Hdf5File::create_sealed(file);
  out.set_attribute("kind", kDynamicsKind), out.set_attribute("version", PATHLINE_VERSION);
  out.set_attribute("field", to_string(m.spec.kind));
  out.set_attribute("hidden", std::vector<std::int64_t>(m.spec.hidden.begin(), m.spec.hidden.end()));
  out.set_attribute("activation", to_string(m.spec.activation)), out.set_attribute("time", m.spec.time);
  out.set_attribute("stepper", to_string(m.solver.stepper));
  out.set_attribute("rtol", m.solver.rtol), out.set_attribute("atol", m.solver.atol);
  out.set_attribute("steps", static_cast<std::int64_t>(m.solver.steps));
  out.write_strings("columns", m.columns), out.write_vector("theta", m.theta);
  const auto field = m.field();  // a range-for over a temporary's member would outlive it
  for (const auto& p : field->parameters())
    out.write_values<double>("parameters/" + p.name, p.cols == 1 ? Hdf5Shape{p.rows} : Hdf5Shape{p.rows, p.cols},
                             m.theta.data() + p.offset);
  out.commit();
}

SavedDynamics read_dynamics(const std::string& file) {
  const auto in = Hdf5File::open(file);
  if (!in.has_attribute("kind") || in.attribute<std::string>("kind") != kDynamicsKind)
    throw InputError(file + ": is not a model of `pathline dynamics fit`");
  SavedDynamics m;
  m.spec.kind = parse_dynamics(in.attribute<std::string>("field"));
  const auto hidden = in.attribute<std::vector<std::int64_t>>("hidden");
  m.spec.hidden.assign(hidden.begin(), hidden.end());
  m.spec.activation = parse_activation(in.attribute<std::string>("activation"));
  m.spec.time = in.attribute<bool>("time");
  m.solver = {.stepper = parse_stepper(in.attribute<std::string>("stepper")),
              .rtol = in.attribute<double>("rtol"),
              .atol = in.attribute<double>("atol"),
              .steps = in.attribute<std::int64_t>("steps")};
  m.columns = in.read_strings("columns"), m.theta = in.read_vector<double>("theta");
  m.spec.dim = static_cast<Index>(m.columns.size());
  SizeBudget budget(file, in);
  budget.check_steps(m.solver.steps);
  budget.take_layers("hidden", {.dim = m.spec.dim, .hidden = m.spec.hidden});
  (void)m.field();  // refuses a theta of another size
  return m;
}

}  // namespace pathline
