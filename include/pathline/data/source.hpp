/// \file
/// Sources of training data: a toy distribution, which never repeats a sample, or a table that is split in three parts.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "pathline/core/random.hpp"
#include "pathline/core/types.hpp"
#include "pathline/data/split.hpp"
#include "pathline/data/standardizer.hpp"
#include "pathline/data/toy.hpp"
#include "pathline/io/table.hpp"

namespace pathline {

/// A source is immutable after construction, so threads may share it.
class DataSource {
 public:
  virtual ~DataSource() = default;

  Index dim() const { return validation_.rows(); }
  const std::vector<std::string>& columns() const { return columns_; }  ///< d names

  /// Fills out (d x B) with training samples. They are a function of the engine's state alone, so that a resumed run
  /// sees the same batches as an uninterrupted one.
  virtual void batch(Engine& engine, MatrixRef<double> out) const = 0;

  /// d x N. The held-out samples depend only on the seed and the sizes, and are never part of a batch. Either matrix
  /// has no columns if its size or fraction was set to 0.
  const Matrix<double>& validation() const { return validation_; }
  const Matrix<double>& test() const { return test_; }

  /// 1 x N, >= 0: the weight of each held-out sample; empty: all samples weigh alike. Batches are drawn by the weights.
  const RowVector<double>& validation_weights() const { return validation_weights_; }
  const RowVector<double>& test_weights() const { return test_weights_; }

  /// What the user should know before the training: what the reader of a table noted, and what was found in the data.
  const std::vector<std::string>& notes() const { return notes_; }

  /// The training rows of a table, d x N, each once; null for a toy. Their weights: 1 x N, or empty.
  virtual const Matrix<double>* training() const { return nullptr; }
  const RowVector<double>& training_weights() const { return training_weights_; }

  /// Statistics of the training data only: of all rows of a table, or of 2^16 separate draws of a toy.
  const Standardizer& standardizer() const { return standardizer_; }

  /// True only for the toys of find_toy. They lie within [-6, 6]^2, so that quadrature gives a conditional density.
  virtual bool is_toy() const { return false; }

  /// The number of rows that batches are drawn from; nullopt for a toy, which has an unlimited supply.
  virtual std::optional<Index> training_rows() const { return std::nullopt; }

  /// The exact log-density of x (d x N; result 1 x N) and the entropy, in nats. They are known for toys only.
  /// threads: as EvaluationOptions::threads.
  virtual std::optional<RowVector<double>> log_density(ConstMatrixRef<double> /*x*/, int /*threads*/ = 1) const {
    return std::nullopt;
  }
  virtual std::optional<double> entropy() const { return std::nullopt; }

 protected:
  Matrix<double> validation_, test_;
  RowVector<double> training_weights_, validation_weights_, test_weights_;
  std::vector<std::string> notes_;
  std::vector<std::string> columns_;
  Standardizer standardizer_;
};

struct SourceOptions {
  std::uint64_t seed = 0;                              ///< for the held-out draws of a toy and the split of a table
  Index validation_size = 10000;                       ///< toys: draws, >= 0
  Index test_size = 10000;                             ///< toys: draws, >= 0
  double validation_fraction = SplitOptions{}.validation_fraction;  ///< tables
  double test_fraction = SplitOptions{}.test_fraction;              ///< tables
  ConstantColumns constant = ConstantColumns::refuse;  ///< tables
  std::vector<std::string> columns = {};               ///< tables in files: the columns to read; empty = all
  std::vector<std::string> condition = {};             ///< tables in files: those of the columns that are conditions
  std::vector<std::string> discrete = {};              ///< tables in files: those of the columns that get noise later
  std::vector<std::string> period = {};                ///< tables in files: columns whose period is known, for findings
  TableOptions table = {};                             ///< tables in files: how they are read
  std::string validation = {}, test = {};  ///< tables in files: files that are these parts, instead of a fraction
  std::string weights = {};                ///< tables in files: the column with the weight of each row; empty = none
};

/// A toy distribution. Batches are fresh draws; validation, test and standardizer use separate random streams.
[[nodiscard]] std::unique_ptr<DataSource> make_source(const Toy& toy, const SourceOptions& options = {});

/// Values (d x N) in memory. A batch of B <= N rows is drawn without replacement; a larger one holds every row
/// floor(B / N) times and the rest without replacement. InputError as split_data and fit_standardizer.
[[nodiscard]] std::unique_ptr<DataSource> make_source(ConstMatrixRef<double> values, std::vector<std::string> columns,
                                                      const SourceOptions& options = {});

/// The same for a split that was made before; notes are those of the source. Throws InputError as check_split and
/// fit_standardizer.
[[nodiscard]] std::unique_ptr<DataSource> make_source(DataSplit split,
                                                      ConstantColumns constant = ConstantColumns::refuse,
                                                      std::vector<std::string> notes = {});

/// The source with this name: one of toy_names(), or a file that read_table accepts. Errors begin with the file's name;
/// an unknown name gets the list of toys. A column named log_density is refused, because it holds the true density and
/// not data. A column named weight or weights is refused unless it is chosen as the weights or by `columns`. Columns
/// named as the log-likelihood, log-prior or log-posterior of a sampler are left out unless `columns` names them.
[[nodiscard]] std::unique_ptr<DataSource> make_source(const std::string& toy_or_file,
                                                      const SourceOptions& options = {});

/// The same for a table in memory, which the source copies: bit for bit the source of a file with the same values,
/// names and order. name: what errors and notes call it. options.validation and options.test still name files.
[[nodiscard]] std::unique_ptr<DataSource> make_source(const TableView& table, const std::string& name,
                                        const SourceOptions& options = {});

}  // namespace pathline
