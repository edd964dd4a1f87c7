/// \file
/// The data of a training run: a source, and which of its columns condition the density of the others.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "pathline/data/source.hpp"
#include "pathline/objective/objective.hpp"
#include "pathline/transform/marginals.hpp"

namespace pathline {

struct TrainingDataOptions {
  std::vector<std::string> condition = {};  ///< columns of the source that condition the density of the others
  /// The flow starts from (x - mean) / scale of the training data. A column that hardly differs from a linear function
  /// of those before it is replaced by that difference (see Linear).
  bool standardize = true;
  double dequantize = 0;                    ///< >= 0: width of the uniform noise added to discrete data; 0: none
  std::vector<std::string> discrete = {};   ///< columns of integers: each gets noise of width 1 if dequantize is 0
  /// Whether each column is mapped to a normal distribution by its quantiles first, after bounds or the logit, as fitted
  /// to the training rows: see Marginals. Only the columns of a table, of 50 rows or more.
  bool marginals = false;
  /// Columns to model that lie within bounds: the flow starts from their logarithm or logit (see Bounds), and the
  /// density is 0 outside. Not together with a logit. The upper bound of a column with noise is wider by the width of
  /// the noise.
  std::vector<ColumnBounds> bounds = {};
  /// Columns to model that repeat: see Periods. Values outside of one period are moved into it.
  std::vector<ColumnPeriod> period = {};
  double logit = 0;                         ///< in [0, 0.5): the flow starts from logit(alpha + (1 - 2 alpha) x); 0: no
  std::uint64_t seed = 0;                   ///< of the batches and of the noise
  std::string name = "data";                ///< what messages call the source: a file's name
};

/// A value: copies share the source, which does not change.
class TrainingData {
 public:
  struct Points {
    Matrix<double> x, c;  ///< d x N, dc x N
  };

  /// InputError naming the column for a condition that the source does not have or that leaves no column, for data
  /// outside [0, 1] with a logit, and for data outside of their bounds. A user's own data is a class derived from
  /// DataSource.
  explicit TrainingData(std::shared_ptr<const DataSource> source, const TrainingDataOptions& options = {});

  /// No data: for objectives that need none. Columns x1 ... xd, and no rows.
  [[nodiscard]] static TrainingData none(Index dim, std::uint64_t seed = 0);

  Index dim() const { return static_cast<Index>(columns_.size()); }
  Index condition_dim() const { return static_cast<Index>(condition_columns_.size()); }
  const std::vector<std::string>& columns() const { return columns_; }
  const std::vector<std::string>& condition_columns() const { return condition_columns_; }
  TrainingData with_marginals() const;  ///< the same data, with TrainingDataOptions::marginals
  /// The same data with at most so many validation and test rows, evenly spaced.
  [[nodiscard]] TrainingData with_held_out_rows(Index validation, Index test) const;
  /// Names of the columns of integers, to which noise U(0, 1) is added.
  const std::vector<std::string>& discrete_columns() const;
  const std::string& name() const { return options_.name; }
  bool empty() const { return empty_; }  ///< made by none()

  /// B training samples: a function of the seed and the iteration alone. Without data, B columns of NaN. Noise has been
  /// added to discrete columns, and periodic columns are unfolded (see Periods).
  [[nodiscard]] Batch batch(Index iteration, Index size) const;
  [[nodiscard]] std::optional<Points> training() const;  ///< every row once, as some batch may hold them; not of a toy
  const Points& validation() const { return validation_; }
  const Points& test() const { return test_; }
  /// The weight of each row of training(), of each validation and of each test sample, 1 x N; empty: all weigh alike.
  const RowVector<double>& training_weights() const { return source_->training_weights(); }
  const RowVector<double>& validation_weights() const {
    return validation_weights_ ? *validation_weights_ : source_->validation_weights();
  }
  const RowVector<double>& test_weights() const { return test_weights_ ? *test_weights_ : source_->test_weights(); }

  /// What the user should know before the training: DataSource::notes, and what the options make of the data.
  const std::vector<std::string>& notes() const { return notes_; }
  /// One line that describes the data: rows, split, columns with their ranges, conditions. Empty for a toy.
  [[nodiscard]] std::string summary() const;
  /// dc x 2: the lowest and highest value of each condition in the training data.
  Matrix<double> condition_range() const;

  /// Of the columns, dequantized and through bounds or the logit where the options ask for them, and of the condition;
  /// mean 0 and scale 1 with standardize = false.
  const Standardizer& standardizer() const { return standardizer_; }
  const Standardizer& condition_standardizer() const { return condition_standardizer_; }

  /// Sets the flow's mean, scale, bounds and logit, and the mean and scale of its condition, as far as the options ask
  /// for them.
  template <class S> void set_units(Flow<S>& flow) const {
    if (options_.standardize) {
      flow.standardize(standardizer_.mean, standardizer_.scale);
      flow.set_linear(linear_);
      flow.condition_mean = condition_standardizer_.mean, flow.condition_scale = condition_standardizer_.scale;
    }
    if (options_.logit > 0) flow.set_logit(options_.logit);
    if (bounds_) flow.set_bounds(bounds_);
    if (periods_) flow.set_periods(periods_);
    if (marginals_) set_marginals(flow.data_side, *marginals_);
  }
  const std::optional<Bounds<double>>& bounds() const { return bounds_; }  ///< of the columns
  const std::optional<Periods>& periods() const { return periods_; }

  std::uint64_t hash() const;             ///< of a table's columns and rows as they were split; 0 for a toy
  std::optional<double> entropy() const;  ///< nats, of a toy without a condition
  /// log p(x), or log p(x | c), of a toy. threads: as EvaluationOptions::threads.
  std::optional<RowVector<double>> log_density(const Points& points, int threads = 1) const;

 private:
  Points split(ConstMatrixRef<double> rows) const;
  Points prepared(ConstMatrixRef<double> rows, const char* purpose, Index iteration = 0) const;
  Matrix<double> before_marginals(ConstMatrixRef<double> x) const;
  void fit_marginals();
  Standardizer fit_transformed() const;
  Index bounded_column(const char* key, const std::string& name) const;
  void set_bounds(const Matrix<double>& training);
  void set_periods(const Matrix<double>& training);
  void check_inside(const Matrix<double>& x) const;
  Points training_sample() const;
  Points some_training(RowVector<double>& weights) const;
  Matrix<double> sample_before_marginals() const;
  void take_apart_dependent_columns();
  Standardizer part(const std::vector<Index>& rows, bool standardize) const;

  std::shared_ptr<const DataSource> source_;
  TrainingDataOptions options_;
  bool empty_ = false;
  std::vector<std::string> columns_, condition_columns_;
  std::vector<Index> rows_, condition_rows_;  ///< in the source
  std::optional<Marginals> marginals_;
  Standardizer standardizer_, condition_standardizer_;
  Vector<double> noise_;  ///< d: width of the noise added to each column; 0: none
  std::optional<Bounds<double>> bounds_;
  std::optional<Periods> periods_;
  std::optional<Linear<double>> linear_;
  std::vector<std::string> notes_;
  Points validation_, test_;
  std::optional<RowVector<double>> validation_weights_, test_weights_;  ///< of fewer rows than the source has
};

struct MatrixDataOptions {
  Matrix<double> condition = {};                    ///< dc x N: the condition of each sample; no rows for none
  RowVector<double> weights = {};                   ///< 1 x N, >= 0: the weight of each sample; empty: all weigh alike
  std::vector<std::string> columns = {};            ///< d names; empty: x1, x2, ...
  std::vector<std::string> condition_columns = {};  ///< dc names; empty: c1, c2, ...
  double validation_fraction = SplitOptions{}.validation_fraction;  ///< in [0, 1); together < 1
  double test_fraction = SplitOptions{}.test_fraction;
  std::vector<Index> groups = {};  ///< N numbers, or none: see SplitOptions
  bool standardize = TrainingDataOptions{}.standardize;
  double dequantize = TrainingDataOptions{}.dequantize;
  std::vector<std::string> discrete = {};  ///< names of columns
  double logit = TrainingDataOptions{}.logit;
  std::vector<ColumnBounds> bounds = {};  ///< of columns by name: see TrainingDataOptions
  std::vector<ColumnPeriod> period = {};  ///< the same
  std::uint64_t seed = 0;  ///< of the split, the batches and the noise
};

/// The samples of a matrix in memory, split by the options' fractions. x: d x N, one sample a column. InputError naming
/// the option or the sample for a number of conditions, weights or names that does not fit x, for a name that occurs
/// twice, and as split_data and TrainingData.
///
///     pathline::Matrix<double> x = ...;                  // 2 x N
///     const auto data = pathline::matrix_data(x);        // 80 % train, 10 % validate, 10 % test
///     const auto weighted = pathline::matrix_data(x, {.weights = w, .columns = {"mass", "spin"}, .seed = 7});
[[nodiscard]] TrainingData matrix_data(ConstMatrixRef<double> x, const MatrixDataOptions& options = {});

/// The same with the condition as an argument; c: dc x N. options.condition must be empty.
[[nodiscard]] TrainingData matrix_data(ConstMatrixRef<double> x, ConstMatrixRef<double> c,
                                       const MatrixDataOptions& options = {});

/// The same with parts that were split before; validation and test may be empty. InputError for options.condition,
/// options.weights and options.groups, which belong to one matrix. The fractions are not used.
[[nodiscard]] TrainingData matrix_data(const TrainingData::Points& training, const TrainingData::Points& validation,
                                       const TrainingData::Points& test = {}, const MatrixDataOptions& options = {});

}  // namespace pathline
