#include "app/particle_paths.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "pathline/flow/flow_mixture.hpp"

namespace pathline {
namespace {

// The points before the first transform, and after each, in the coordinates of the base.
template <class S>
std::vector<Matrix<S>> after_each_map(const Flow<S>& flow, const Matrix<S>& z0, const Matrix<S>& condition) {
  std::vector<Matrix<S>> out{z0};
  TransformScratch<S> scratch;
  const SolveOptions<S> options;
  for (std::size_t i = 0; i < flow.chain.size(); ++i) {
    Matrix<S> z = out.back();
    flow.chain[i].apply(Direction::base_to_data, z, nullptr, {scratch, options, condition}, nullptr);
    out.push_back(std::move(z));
  }
  return out;
}

template <class S> std::vector<Matrix<double>> in_straight_lines(const Flow<S>& flow, const Matrix<S>& z0,
                                                                 const Matrix<S>& condition,
                                                                 const std::vector<double>& parts) {
  const auto stations = after_each_map(flow, z0, condition);
  const double maps = static_cast<double>(stations.size() - 1);
  std::vector<Matrix<double>> out;
  for (const double part : parts) {
    const double at = part * maps, before = std::min(std::floor(at), std::max(maps - 1, 0.0));
    const auto k = static_cast<std::size_t>(before);
    const auto &from = stations[k], &to = stations[std::min(k + 1, stations.size() - 1)];
    out.push_back(flow.in_data_units((from + static_cast<S>(at - before) * (to - from)).template cast<double>()));
  }
  return out;
}

template <class S> std::vector<Matrix<double>> of_one_flow(const Flow<S>& flow, const std::vector<double>& parts,
                                                           const ParticlePathOptions& o,
                                                           const Matrix<double>& condition) {
  const Matrix<double> c = condition.replicate(1, condition.rows() > 0 ? o.particles : 1);
  const auto z0 = flow.draw_base(o.particles, o.seed, o.evaluation.tile, 0, c);
  if (flow.end_time() == 0) return in_straight_lines(flow, z0, flow.standardized_condition(c), parts);
  std::vector<double> times;
  for (const double part : parts) times.push_back(part * flow.end_time());
  std::vector<Matrix<double>> out;
  auto fast = o.evaluation;
  fast.density = false;
  flow.trajectory(z0, times, out, fast, c);
  return out;
}

}  // namespace

template <class S> std::string way_of_particles(const Flow<S>& flow) {
  const auto* ensemble = flow.members();
  const Flow<S>* closed = !ensemble && flow.end_time() == 0 ? &flow : nullptr;
  if (ensemble)
    for (const auto& member : ensemble->members())
      if (member.end_time() == 0) closed = &member;
  std::string out;
  if (ensemble)
    out = fmt::format("each of the {} flows of the ensemble moves its share of the particles", ensemble->components());
  if (closed)
    out += fmt::format("{}between the {} maps of a flow without an ODE the particles are shown on straight lines",
                       out.empty() ? "" : "; ", closed->chain.size());
  return out;
}

template <class S> std::vector<Matrix<double>> particle_paths(const Flow<S>& flow, const std::vector<double>& parts,
                                                              const ParticlePathOptions& options,
                                                              const Matrix<double>& condition) {
  const auto* ensemble = flow.members();
  if (!ensemble) return of_one_flow(flow, parts, options, condition);
  std::vector<Matrix<double>> out(parts.size(), Matrix<double>(flow.dim(), options.particles));
  const double all = ensemble->weights().sum();
  double weight = 0;
  Index begin = 0;
  for (std::size_t m = 0; m < ensemble->members().size(); ++m) {
    weight += ensemble->weights()[static_cast<Index>(m)];
    const Index end = std::lround(weight / all * static_cast<double>(options.particles));
    if (end == begin) continue;
    auto share = options;
    share.particles = end - begin, share.seed += m;
    const auto paths = of_one_flow(ensemble->members()[m], parts, share, condition);
    for (std::size_t k = 0; k < parts.size(); ++k) out[k].middleCols(begin, end - begin) = paths[k];
    begin = end;
  }
  return out;
}

template std::string way_of_particles<float>(const Flow<float>&);
template std::string way_of_particles<double>(const Flow<double>&);
template std::vector<Matrix<double>> particle_paths<float>(const Flow<float>&, const std::vector<double>&,
                                                           const ParticlePathOptions&, const Matrix<double>&);
template std::vector<Matrix<double>> particle_paths<double>(const Flow<double>&, const std::vector<double>&,
                                                            const ParticlePathOptions&, const Matrix<double>&);

}  // namespace pathline
