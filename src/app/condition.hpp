// The conditions of a command: given as text or as a table, and compared with those of the training.
#pragma once

#include <string>
#include <vector>

#include "app/flags.hpp"
#include "pathline/checkpoint/model.hpp"

namespace pathline {

// The condition's values, the same for every point: "0.5,1.2" in the model's order, or "mass=91.2,charge=1" by name.
// dc x 1; 0 x 0 without one. InputError for another number of values, and naming what is missing or unknown.
Matrix<double> parse_condition(const std::string& text, const ModelCard& card, Index condition_dim);

// The conditions of a table, found by their names; a table without names, or with none of the model's, has them in the
// model's order. dc x R. InputError naming the missing column.
Matrix<double> read_conditions(const std::string& file, const ModelCard& card, Index condition_dim,
                               const CommonFlags& common);

// Counts conditions that are outside the range of the training data by more than a tenth of its width, where the
// network extrapolates.
class ConditionCheck {
 public:
  explicit ConditionCheck(const ModelCard& card) : card_(card) {}
  void add(ConstMatrixRef<double> c);  // dc x n
  void warn() const;                   // nothing if all are near the training data

 private:
  const ModelCard& card_;
  Index seen_ = 0, far_ = 0, column_ = 0;
  double value_ = 0;
};

}  // namespace pathline
