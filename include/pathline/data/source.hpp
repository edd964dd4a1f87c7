// Where training data comes from: a toy, which never repeats a sample, or a table that was split.
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

namespace pathline {

// Immutable once made: threads may share one.
class DataSource {
 public:
  virtual ~DataSource() = default;

  Index dim() const { return validation_.rows(); }
  const std::vector<std::string>& columns() const { return columns_; }  // d names

  // Fills out (d x B) with training samples, which are a function of the engine's state alone: a run that is
  // resumed with the stream of its iteration sees the batch it would have seen.
  virtual void batch(Engine& engine, MatrixRef<double> out) const = 0;

  // d x N; the same for every run with the same seed and sizes, and never part of a batch. Either may have
  // no columns where a size or fraction of 0 was asked for.
  const Matrix<double>& validation() const { return validation_; }
  const Matrix<double>& test() const { return test_; }

  // Of the training data alone: of all its rows, or of 2^16 draws of their own.
  const Standardizer& standardizer() const { return standardizer_; }

  // Rows that batches choose from; nothing for a toy, which has no end of them.
  virtual std::optional<Index> training_rows() const { return std::nullopt; }

  // What is known of a toy and of nothing else, in nats: log p of x (d x N, gives 1 x N), and the entropy.
  virtual std::optional<RowVector<double>> log_density(ConstMatrixRef<double>) const { return std::nullopt; }
  virtual std::optional<double> entropy() const { return std::nullopt; }

 protected:
  Matrix<double> validation_, test_;
  std::vector<std::string> columns_;
  Standardizer standardizer_;
};

struct SourceOptions {
  std::uint64_t seed = 0;            // of the held-out draws of a toy and of the split of a table
  Index validation_size = 10000;     // toys: draws, >= 0
  Index test_size = 10000;           // toys: draws, >= 0
  double validation_fraction = 0.1;  // tables: see SplitOptions
  double test_fraction = 0.1;        // tables
  ConstantColumns constant = ConstantColumns::refuse;  // tables
  std::vector<std::string> columns = {};               // tables in files: those to read; all of them if empty
};

// A toy: batches are fresh draws; validation, test and standardizer come from streams of their own.
std::unique_ptr<DataSource> make_source(const Toy& toy, const SourceOptions& options = {});

// Values (d x N) in memory. A batch of B <= N rows is drawn without replacement; a larger one holds every row
// floor(B / N) times and the rest without replacement. InputError as split_data and fit_standardizer.
std::unique_ptr<DataSource> make_source(ConstMatrixRef<double> values, std::vector<std::string> columns,
                                        const SourceOptions& options = {});

// By name: a toy of toy_names(), else a file as read_table takes it. Errors begin with the file's name; a word
// that is neither gets find_toy's list. A file's column log_density is refused: it is the truth, and no data.
std::unique_ptr<DataSource> make_source(const std::string& toy_or_file, const SourceOptions& options = {});

}  // namespace pathline
