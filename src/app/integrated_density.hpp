// A density integrated over whole columns that are left out, and over the unit cells of discrete columns.
#pragma once

#include <optional>
#include <vector>

#include "pathline/checkpoint/model.hpp"
#include "pathline/flow/flow.hpp"

namespace pathline {

// The columns that are integrated out, by their indices.
struct Integration {
  std::vector<Index> out;           // whole columns
  std::vector<Index> discrete;      // an integer n stands for its cell [n, n + 1), in which the model was trained
  std::optional<double> time = {};  // the density at this time of the flow; none: at the end, that of the data
  bool empty() const { return out.empty() && discrete.empty(); }
};

// The indices of the discrete columns of the model that are not integrated out.
std::vector<Index> discrete_columns(const ModelCard& card, const std::vector<Index>& out = {});

// The density by a tensor product of quadratures. A column that is integrated out takes, in the variable s that has no
// bounds, x = x(s), the trapezoid rule in t, s = median + width sinh(t), which reaches far into heavy tails and
// converges exponentially for densities that are smooth; a periodic column takes it over its period. A cell takes
// Gauss-Legendre nodes: 8 of one discrete column, fewer of each if there are more.
template <class S> class IntegratedDensity {
 public:
  // InputError for more than two columns that are integrated out. Their ranges are those of 4,096 draws under the
  // condition (dc x 1, or no rows), and a quarter of the width more on each side.
  IntegratedDensity(const Flow<S>& flow, Integration columns, const Matrix<double>& condition,
                    const EvaluationOptions& options);

  Index nodes() const { return log_weight_.size(); }  // evaluations of each point
  // As Flow::log_prob of x (d x N), whose rows of the columns that are integrated out are not used. Of several nodes
  // there are no latent points.
  LogProb<S> log_prob(const Matrix<double>& x, const Matrix<double>& c, const EvaluationOptions& options) const;

 private:
  struct Rule;
  void multiply(const Rule& rule);
  LogProb<S> log_prob_at(ConstMatrixRef<double> x, ConstMatrixRef<double> c, const EvaluationOptions& options) const;
  Matrix<double> draws(const Matrix<double>& condition, const EvaluationOptions& options) const;

  const Flow<S>& flow_;
  Integration columns_;
  Matrix<double> nodes_;          // columns (those out, then the discrete ones) x nodes
  RowVector<double> log_weight_;  // 1 x nodes
};

extern template class IntegratedDensity<float>;
extern template class IntegratedDensity<double>;

}  // namespace pathline
