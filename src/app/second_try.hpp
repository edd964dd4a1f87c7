// Points whose solve failed, solved again with other settings.
#pragma once

#include <optional>
#include <vector>

#include "app/density_flags.hpp"
#include "app/row_densities.hpp"

namespace pathline {

// Evaluates points whose solve failed again: in double precision, with more steps, a smaller tolerance, another method.
class SecondTry {
 public:
  SecondTry(const DensityFlags& f, const EvaluationOptions& options);

  // Replaces the log-densities of the failed points that succeed now, and removes these points from got.failed.
  void operator()(const Matrix<double>& x, const Matrix<double>& c, LogProbOfRows& got);
  Index rescued() const { return rescued_; }

 private:
  bool succeeds(const Matrix<double>& x, const Matrix<double>& c, double& log_prob);

  const DensityFlags& f_;
  std::vector<EvaluationOptions> settings_;
  std::optional<Flow<double>> flow_;
  Index rescued_ = 0, in_vain_ = 0;
};

}  // namespace pathline
