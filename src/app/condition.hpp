// The conditions of a command, given as text or as a table, and compared with those of the training data.
#pragma once

#include <string>

#include "app/flags.hpp"
#include "pathline/checkpoint/model.hpp"

namespace pathline {

// Parses one condition for all points: "0.5,1.2" in the order of the model, or "mass=91.2,charge=1" by name. Returns
// dc x 1, or 0 x 0 without a condition. InputError for a wrong number of values and for a missing or unknown name.
Matrix<double> parse_condition(const std::string& text, const ModelCard& card, Index condition_dim);

// Reads the conditions of a table, dc x R, by name. A table without names, or with none of the model, must have them in
// the order of the model. InputError naming a missing column.
Matrix<double> read_conditions(const std::string& file, const ModelCard& card, Index condition_dim,
                               const CommonFlags& common);

// Counts conditions that are outside the range of the training data by more than a tenth of its width, where the
// network extrapolates.
class ConditionCheck {
 public:
  explicit ConditionCheck(const ModelCard& card) : card_(card) {}
  void add(ConstMatrixRef<double> c);  // dc x n
  void warn() const;                   // prints nothing if all are near the training data

 private:
  const ModelCard& card_;
  Index seen_ = 0, far_ = 0, column_ = 0;
  double value_ = 0;
};

}  // namespace pathline
