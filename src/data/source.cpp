#include "pathline/data/source.hpp"

#include <algorithm>
#include <cassert>
#include <unordered_set>
#include <utility>

#include <fmt/format.h>

#include "core/memory.hpp"
#include "core/option_check.hpp"
#include "pathline/core/error.hpp"

namespace pathline {
namespace {

void check_size(const char* field, Index size) {
  require(size >= 0, field, size, ">= 0");
  require_memory(field, size, 2 * sizeof(double) * static_cast<double>(size));
}

class ToySource final : public DataSource {
 public:
  ToySource(const Toy& toy, const SourceOptions& options) : toy_(toy) {
    check_size("validation_size", options.validation_size);
    check_size("test_size", options.test_size);
    validation_ = draws("dataset.validation", options.validation_size, options.seed);
    test_ = draws("dataset.test", options.test_size, options.seed);
    standardizer_ = fit_standardizer(draws("dataset.standardizer", 1 << 16, options.seed));
    columns_ = {"x1", "x2"};
    note_if_given("validation_fraction", options.validation_fraction, SourceOptions{}.validation_fraction);
    note_if_given("test_fraction", options.test_fraction, SourceOptions{}.test_fraction);
  }

  bool is_toy() const override { return true; }
  void batch(Engine& engine, MatrixRef<double> out) const override { toy_.sample(engine, out); }
  std::optional<RowVector<double>> log_density(ConstMatrixRef<double> x, int threads) const override {
    return toy_.log_density(x, threads);
  }
  std::optional<double> entropy() const override { return toy_.entropy(); }

 private:
  void note_if_given(const std::string& fraction, double value, double otherwise) {
    if (value != otherwise)
      notes_.push_back("SourceOptions." + fraction + " has no effect: '" + toy_.name() +
                       "' is built in and draws SourceOptions." + fraction.substr(0, fraction.find('_')) +
                       "_size points");
  }
  Matrix<double> draws(const char* purpose, Index count, std::uint64_t seed) const {
    Matrix<double> x(toy_.dim(), count);
    Engine engine = make_stream(seed, purpose);
    toy_.sample(engine, x);
    return x;
  }

  const Toy& toy_;
};

class TableSource final : public DataSource {
 public:
  TableSource(DataSplit split, ConstantColumns constant, std::vector<std::string> notes = {})
      : train_(std::move(split.train)) {
    notes_ = std::move(notes);
    validation_ = std::move(split.validation);
    test_ = std::move(split.test);
    training_weights_ = std::move(split.train_weights);
    validation_weights_ = std::move(split.validation_weights), test_weights_ = std::move(split.test_weights);
    columns_ = std::move(split.columns);
    for (Index i = static_cast<Index>(columns_.size()); i < train_.rows(); ++i)
      columns_.push_back(fmt::format("x{}", i + 1));
    standardizer_ = fit_standardizer(train_, columns_, constant, training_weights_);
    if (training_weights_.size() == 0) return;
    cumulative_ = training_weights_ / training_weights_.sum();
    for (Index i = 1; i < cumulative_.size(); ++i) cumulative_(i) += cumulative_(i - 1);
  }

  void batch(Engine& engine, MatrixRef<double> out) const override {
    assert(out.rows() == dim());
    if (cumulative_.size() > 0) return draw_by_weight(engine, out);
    const Index rows = train_.cols(), whole = out.cols() / rows * rows;
    for (Index b = 0; b < whole; ++b) out.col(b) = train_.col(b % rows);
    choose(engine, out.rightCols(out.cols() - whole));
  }

  std::optional<Index> training_rows() const override { return train_.cols(); }
  const Matrix<double>* training() const override { return &train_; }

 private:
  // Robert Floyd's sampling without replacement: all subsets are equally probable, and time and memory grow with the
  // batch only (Bentley and Floyd, CACM 30 (1987) 754).
  void choose(Engine& engine, MatrixRef<double> out) const {
    std::unordered_set<Index> chosen;
    const Index rows = train_.cols(), skipped = rows - out.cols();
    for (Index b = 0; b < out.cols(); ++b) {
      const Index candidate = uniform_index(engine, skipped + b + 1);
      const Index row = chosen.insert(candidate).second ? candidate : skipped + b;
      chosen.insert(row);
      out.col(b) = train_.col(row);
    }
  }

  // Stratified resampling (Kitagawa 1996, J. Comput. Graph. Stat. 5, appendix): sample b takes the row in which a
  // uniform number of [b, b + 1) / B falls, so that a row is expected B w / sum(w) times.
  void draw_by_weight(Engine& engine, MatrixRef<double> out) const {
    const double n = static_cast<double>(out.cols()), end = cumulative_(cumulative_.size() - 1);
    for (Index b = 0; b < out.cols(); ++b) {
      const double u = end * (static_cast<double>(b) + uniform(engine, 0, 1)) / n;
      const auto* at = std::upper_bound(cumulative_.data(), cumulative_.data() + cumulative_.size(), u);
      out.col(b) = train_.col(std::min<Index>(at - cumulative_.data(), last_drawn()));
    }
  }
  Index last_drawn() const {  // the last row with a weight > 0, for a number that rounds up to 1
    Index i = cumulative_.size() - 1;
    while (training_weights_(i) == 0) --i;
    return i;
  }

  Matrix<double> train_;          // d x N
  RowVector<double> cumulative_;  // cumulative sums of the normalized weights; empty: all are equal
};

}  // namespace

std::unique_ptr<DataSource> make_source(const Toy& toy, const SourceOptions& options) {
  return std::make_unique<ToySource>(toy, options);
}

std::unique_ptr<DataSource> make_source(ConstMatrixRef<double> values, std::vector<std::string> columns,
                                        const SourceOptions& options) {
  return std::make_unique<TableSource>(split_data(values, std::move(columns),
                                                  {.validation_fraction = options.validation_fraction,
                                                   .test_fraction = options.test_fraction,
                                                   .seed = options.seed}),
                                       options.constant);
}

std::unique_ptr<DataSource> make_source(DataSplit split, ConstantColumns constant, std::vector<std::string> notes) {
  check_split(split);
  return std::make_unique<TableSource>(std::move(split), constant, std::move(notes));
}

}  // namespace pathline
