// What a table contains that has no density, or whose density is not what the user expects; found before training.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "pathline/core/types.hpp"
#include "pathline/data/split.hpp"

namespace pathline {

// The values of a column: how many there are, how many differ, and which are frequent.
struct ValueCounts {
  Index rows = 0, distinct = 0;
  // Those in more than a twentieth of the rows, and those in more than a thousandth that are ten times as frequent as
  // the values beside them; the most frequent first.
  std::vector<std::pair<double, Index>> frequent;
  bool integers = true;
};
ValueCounts count_values(std::vector<double> values);

// One sentence per finding: point masses, few values, columns of integers, numbers of rows, columns that are nearly
// collinear with conditions or nearly curved functions of others.
// Throws InputError for collinear columns. x: d x N training rows; columns: d names, or none. Conditions may depend on
// each other, but no other column may be a linear function of them. Integers in the discrete columns are expected, and
// edges in the limited ones, which have bounds or a period.
std::vector<std::string> table_findings(ConstMatrixRef<double> x, const std::vector<std::string>& columns,
                                        const std::vector<std::string>& condition,
                                        const std::vector<std::string>& discrete,
                                        const std::vector<std::string>& limited = {});

// Whether a table without names has the layout of a Markov chain: positive integers first, some of them above 1, then a
// number that grows with the distance of the other columns from their mean (rank correlation above 0.5). x: d x N.
bool looks_like_chain(ConstMatrixRef<double> x);

// Kish's effective sample size, (sum w)^2 / sum w^2 (Kish 1965, Survey Sampling, section 11.7).
double effective_sample_size(const RowVector<double>& weights);
// The size of the training rows, and a warning for a part in which a few rows decide: one has more than a third of the
// weight, or the effective sample size is below 5, and is less than a quarter of the rows.
std::vector<std::string> weights_notes(const std::string& column, const DataSplit& split);

}  // namespace pathline
