// The figures over all points of `pathline density`: its summary, and its warnings.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "app/density_flags.hpp"
#include "app/grid.hpp"
#include "app/mean_nfe.hpp"
#include "app/row_densities.hpp"
#include "train/density_statistics.hpp"

namespace pathline {

// The figures of the summary, collected part by part, over the points whose solve succeeded.
struct DensityTotals {
  Moments nll, kl;
  MeanNfe nfe;
  double mass = 0;
  PointSample sample{256};  // points whose solver error is measured
  std::vector<std::int64_t> failed_rows;
  std::vector<std::string> failed_reasons;
  Index rows = 0;
  Index unresolved = 0;  // as in LogProbOfRows
  std::string without_error;  // why the error of a solve is not that of the result: "not estimated for integrals"

  // tile: the tile size of the solves.
  void add(const Matrix<double>& points, const Matrix<double>& conditions, const LogProbOfRows& got,
           const RowVector<double>& known, Index tile);

 private:
  void add_evaluated(const Matrix<double>& points, const Matrix<double>& conditions, const RowVector<double>& log_prob,
                     const RowVector<double>& known);
};

// Prints the summary, and warns if the solve is too coarse for its figures. grid: of --grid, or none.
template <class S> void print_summary(const DensityFlags& f, const Flow<S>& flow, const DensityTotals& t,
                                      const std::optional<Grid>& grid, const EvaluationOptions& options);

// Warns of a solver that is coarser than that of the model, if it is too coarse for these points.
void warn_of_error(const DensityFlags& f, const ModelCard& card, const DensityTotals& t,
                   const EvaluationOptions& options);

// Warns of points from another table or in other units, whose log-densities are finite but meaningless.
template <class S> void warn_of_far_points(const Flow<S>& flow, const ModelCard& card, const DensityTotals& t);

// Warns of integrals over other columns whose nodes are too far apart.
void warn_of_unresolved(const DensityTotals& t);

// Reports the points that failed, at the end of the table. The exit code: 1 if there are any.
int report_failed(const DensityTotals& t, Index rescued, const std::string& table, bool quiet);

#define PATHLINE_EXTERN(S)                                                                         \
  extern template void print_summary<S>(const DensityFlags&, const Flow<S>&, const DensityTotals&, \
                                        const std::optional<Grid>&, const EvaluationOptions&);     \
  extern template void warn_of_far_points<S>(const Flow<S>&, const ModelCard&, const DensityTotals&);
PATHLINE_EXTERN(float)
PATHLINE_EXTERN(double)
#undef PATHLINE_EXTERN

}  // namespace pathline
