// Where points to evaluate come from: a grid, or a table with the model's columns.
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
  // Prints what is known only at the end of the points.
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

// The columns of the points and of the condition are found by their names. Where there are no names, or none is the
// model's, the points are taken in their order; the condition has to be given then, for nobody knows which columns it
// was among. A column `log_density` that the model has not is the truth, and no point.
class TablePoints final : public PointSource {
 public:
  // condition: dc x 1 for all points, or empty for that of the table. InputError for a column that is not there.
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
