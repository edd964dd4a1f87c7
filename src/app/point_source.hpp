// The source of the points to evaluate: a grid, or a table with the columns of the model.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/flags.hpp"
#include "app/grid.hpp"
#include "pathline/checkpoint/model.hpp"
#include "pathline/io/table.hpp"

namespace pathline {

class PointSource {
 public:
  virtual ~PointSource() = default;
  virtual bool read(Matrix<double>& x, Matrix<double>& c, Index most) = 0;  // d x n, dc x n
  virtual std::optional<Index> rows() const = 0;
  // The data's own log-density at the points last read, from a column `log_density`; empty if there is none.
  virtual RowVector<double> known() const { return {}; }
  // Prints notes that are known only after the last point.
  virtual void finish() const {}
};

class GridPoints final : public PointSource {
 public:
  GridPoints(Grid grid, Matrix<double> condition) : grid_(std::move(grid)), condition_(std::move(condition)) {}
  bool read(Matrix<double>& x, Matrix<double>& c, Index most) override;
  std::optional<Index> rows() const override { return grid_.size(); }

 private:
  Grid grid_;
  Matrix<double> condition_;
  Index next_ = 0;
};

// The columns of the points and of the condition are found by name. Without names, or if none is a name of the model,
// the columns are taken in order as the points; the condition must then be given, because its columns cannot be told
// from the others. A column `log_density`, unless the model has it, is the true log-density.
class TablePoints final : public PointSource {
 public:
  // condition: dc x 1 for all points, or empty to take that of the table. InputError for a missing column.
  TablePoints(const std::string& input, const CommonFlags& common, const ModelCard& card, Index dim,
              Matrix<double> condition, Index condition_dim);
  bool read(Matrix<double>& x, Matrix<double>& c, Index most) override;
  std::optional<Index> rows() const override { return reader_->rows(); }
  RowVector<double> known() const override;
  void finish() const override { report_notes(*reader_, input_, common_); }

 private:
  void take_by_order(const ModelCard& card, Index dim, Index condition_dim);

  std::string input_;
  std::unique_ptr<TableReader> reader_;
  Matrix<double> condition_, all_;
  const CommonFlags& common_;
  Index known_row_ = -1;
  std::vector<Index> rows_, condition_rows_;
};

}  // namespace pathline
