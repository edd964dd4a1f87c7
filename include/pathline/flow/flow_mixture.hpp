/// \file
/// The density of an ensemble: a mixture of flows.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "pathline/flow/flow.hpp"

namespace pathline {

/// p(x | c) = sum_k w_k p_k(x | c), where each p_k is a flow with its own base, chain and maps to the units of the data.
///
/// As a base distribution it stands in the coordinates z of the first member's data side, x = T(z), so that a Flow with
/// this base, that data side and no transform has the units, bounds and periods of the data, as any other flow. There is
/// no map from one base to the data, and nothing that can be trained: the members are trained one by one.
template <class S> class FlowMixture final : public Base {
 public:
  /// members: one at least, of the same columns, conditions, bounds and periods, none of them a mixture of flows.
  /// weights: one for each, > 0; they are divided by their sum. solver: how log_density, pullback and sample solve.
  /// InputError otherwise.
  FlowMixture(std::vector<Flow<S>> members, const Vector<double>& weights, const SolverOptions& solver);

  const std::vector<Flow<S>>& members() const { return members_; }
  const Vector<double>& weights() const { return weights_; }

  /// As Flow's functions of these names, in the units of the data: every member solves with these options.
  [[nodiscard]] LogProb<S> log_prob(ConstMatrixRef<double> x, ConstMatrixRef<double> c,
                                    const EvaluationOptions& options) const;
  [[nodiscard]] Score score(ConstMatrixRef<double> x, ConstMatrixRef<double> c, const ScoreOptions& options) const;
  [[nodiscard]] Samples<S> sample(Index n, std::uint64_t seed, const EvaluationOptions& options,
                                  ConstMatrixRef<double> c) const;
  void set_periods(const std::optional<Periods>& periods);  ///< of every member

  std::unique_ptr<Base> clone() const override { return std::make_unique<FlowMixture>(*this); }
  BaseKind kind() const override { return BaseKind::flow_mixture; }
  Index components() const override { return std::ssize(members_); }
  RowVector<double> log_density(ConstMatrixRef<double> z, ConstMatrixRef<double> c) const override;
  void pullback(ConstMatrixRef<double> z, ConstMatrixRef<double> c, double weight, MatrixRef<double> z_bar,
                VectorRef<double> theta_bar) const override;
  Matrix<double> condition_pullback(ConstMatrixRef<double> z, ConstMatrixRef<double> c, double weight) const override;
  void sample(Engine& engine, MatrixRef<double> z, ConstMatrixRef<double> c) const override;

 private:
  std::vector<Index> draw_members(Engine& engine, Index n) const;
  Matrix<double> condition_in_units(ConstMatrixRef<double> c) const;

  std::vector<Flow<S>> members_;
  Vector<double> weights_;
  SolverOptions solver_;
};

/// The flow whose density is the mixture of these flows: see FlowMixture.
template <class S> [[nodiscard]] Flow<S> flow_mixture(std::vector<Flow<S>> members, const Vector<double>& weights,
                                                      const SolverOptions& solver = EvaluationOptions{}.solver);

/// Throws InputError, "time: the model is an ensemble of 2 flows, ...", if the density of `flow` is such a mixture. name:
/// the argument, option or function that needs one map from a base to the data.
template <class S> void refuse_ensemble(const Flow<S>& flow, const std::string& name);

extern template class FlowMixture<float>;
extern template class FlowMixture<double>;
extern template Flow<float> flow_mixture<float>(std::vector<Flow<float>>, const Vector<double>&, const SolverOptions&);
extern template Flow<double> flow_mixture<double>(std::vector<Flow<double>>, const Vector<double>&,
                                                  const SolverOptions&);
extern template void refuse_ensemble<float>(const Flow<float>&, const std::string&);
extern template void refuse_ensemble<double>(const Flow<double>&, const std::string&);

}  // namespace pathline
