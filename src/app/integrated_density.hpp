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

template <class S> struct IntegratedLogProb : LogProb<S> {
  Index unresolved = 0;  // points whose integral the largest number of nodes does not resolve
};

// The density by a tensor product of quadratures. A column that is integrated out takes, in the variable s that has no
// bounds, x = x(s), the trapezoid rule in t, s = median + width sinh(t), which reaches far into heavy tails and
// converges exponentially for densities that are smooth; a periodic column takes it over its period. Where a column is
// narrow given the others, or has sharp peaks, the first nodes miss it. Their number is doubled until a step holds less
// than half of the integral at most of the draws, and for each point until its integral no longer changes. A cell takes
// Gauss-Legendre nodes, which are doubled where no column is integrated out until its mass no longer changes.
template <class S> class IntegratedDensity {
 public:
  // InputError for more than two columns that are integrated out. Their ranges are those of 4,096 draws under the
  // condition (dc x 1, or no rows), and a quarter of the width more on each side.
  IntegratedDensity(const Flow<S>& flow, Integration columns, const Matrix<double>& condition,
                    const EvaluationOptions& options);

  // As Flow::log_prob of x (d x N), whose rows of the columns that are integrated out are not used. Of several nodes
  // there are no latent points.
  IntegratedLogProb<S> log_prob(const Matrix<double>& x, const Matrix<double>& c,
                                const EvaluationOptions& options) const;

 private:
  struct Rule;
  struct Nodes;
  struct Sums;
  Rule rule(std::size_t k, int level) const;
  Nodes nodes(int level) const;
  Sums sums(const Nodes& nodes, const Matrix<double>& x, const Matrix<double>& c,
            const EvaluationOptions& options) const;
  int most_doublings() const;
  int cell_nodes(int level) const;  // of each discrete column
  LogProb<S> log_prob_at(ConstMatrixRef<double> x, ConstMatrixRef<double> c, const EvaluationOptions& options) const;
  Matrix<double> draws(const Matrix<double>& condition, const EvaluationOptions& options) const;
  bool resolves(int level, const Matrix<double>& draws, const Matrix<double>& condition,
                const EvaluationOptions& options) const;

  const Flow<S>& flow_;
  Integration columns_;
  std::vector<RowVector<double>> drawn_;  // of each column that is integrated out, sorted, in the variable s
  int level_ = 0;                         // at which every point begins: the number of doublings
  bool resolved_ = true;                  // whether this level resolves the draws
};

extern template class IntegratedDensity<float>;
extern template class IntegratedDensity<double>;

}  // namespace pathline
