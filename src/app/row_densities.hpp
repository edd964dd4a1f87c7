// The log-densities of the rows of a table, of which single ones may fail.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "app/integrated_density.hpp"

namespace pathline {

// A point whose solve fails even when it is solved alone.
struct FailedPoint {
  Index column;  // its column in the part of the table
  std::string reason;
  bool late;  // whether the time limit was reached, as it would be with a smaller tolerance, too
};

// The log-densities of a part of the table.
struct LogProbOfRows {
  RowVector<double> log_prob;
  double nfe = 0;
  std::vector<FailedPoint> failed;  // in their order
  RowVector<double> error = {};     // the bars, where they are wanted
  Index unresolved = 0;             // points whose integral over other columns has too few nodes
};

// Evaluates a part of a table. table, before: the name of the table and the number of rows before the part, for errors.
// InputError for a point that is not finite; a point whose solve fails is NaN, and is listed in `failed`.
template <class S> LogProbOfRows log_prob_of_rows(const IntegratedDensity<S>& density, const Matrix<double>& x,
                                                  const Matrix<double>& c, const EvaluationOptions& options,
                                                  const std::string& table, Index before);

// An error may name a point, counted from the start of the table. This adds the name of the table and says which row it
// is, or else which rows the part has.
std::string error_in_rows(const std::string& table, Index before, Index count, std::string_view what);

#define PATHLINE_EXTERN(S)                                                                              \
  extern template LogProbOfRows log_prob_of_rows<S>(const IntegratedDensity<S>&, const Matrix<double>&, \
                                                    const Matrix<double>&, const EvaluationOptions&,    \
                                                    const std::string&, Index);
PATHLINE_EXTERN(float)
PATHLINE_EXTERN(double)
#undef PATHLINE_EXTERN

}  // namespace pathline
