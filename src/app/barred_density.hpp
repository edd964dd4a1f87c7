// Log-densities with error bars, as the command `density` writes them.
#pragma once

#include <optional>
#include <string>

#include "app/density_flags.hpp"
#include "app/row_densities.hpp"
#include "pathline/flow/error_bar.hpp"

namespace pathline {

// The log-densities come from the model in float or double, and again from the model in double where --max-error
// requires it.
template <class S> class BarredDensity {
 public:
  // Keeps the references. integrated: whether `density` integrates over columns. InputError for options without bars.
  BarredDensity(const DensityFlags& f, const Flow<S>& flow, const IntegratedDensity<S>& density,
                const EvaluationOptions& options, bool integrated);
  bool wanted() const { return flags_.error || flags_.max_error; }

  // As log_prob_of_rows. Where a solve fails, every point is evaluated alone: its bar is then that of its own solve and
  // the difference of the two, and infinite if that one fails too.
  LogProbOfRows operator()(const Matrix<double>& x, const Matrix<double>& c, const EvaluationOptions& options,
                           const std::string& table, Index before) const;

  void count(const RowVector<double>& error);  // counts the bars above --max-error
  int finish(const std::string& table) const;  // warns of them; the exit code: 1 if there are any

 private:
  BarredLogProb bars(const Matrix<double>& x, const Matrix<double>& c, const EvaluationOptions& options) const;

  const DensityFlags& flags_;
  const Flow<S>& flow_;
  const IntegratedDensity<S>& density_;
  std::optional<Flow<double>> wide_;
  Index points_ = 0, above_ = 0;
  double largest_ = 0;
};

extern template class BarredDensity<float>;
extern template class BarredDensity<double>;

}  // namespace pathline
