#include "pathline/data/source.hpp"

#include <cassert>
#include <filesystem>
#include <unordered_set>
#include <utility>

#include "pathline/core/error.hpp"
#include "pathline/io/table.hpp"

namespace pathline {
namespace {

void check_size(const char* field, Index size) {
  if (size < 0) throw InputError(std::string(field) + " = " + std::to_string(size) + ": must be >= 0");
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
  }

  bool is_toy() const override { return true; }
  void batch(Engine& engine, MatrixRef<double> out) const override { toy_.sample(engine, out); }
  std::optional<RowVector<double>> log_density(ConstMatrixRef<double> x, int threads) const override {
    return toy_.log_density(x, threads);
  }
  std::optional<double> entropy() const override { return toy_.entropy(); }

 private:
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
  TableSource(DataSplit split, ConstantColumns constant) : train_(std::move(split.train)) {
    validation_ = std::move(split.validation);
    test_ = std::move(split.test);
    columns_ = std::move(split.columns);
    for (Index i = static_cast<Index>(columns_.size()); i < train_.rows(); ++i)
      columns_.push_back("x" + std::to_string(i + 1));
    standardizer_ = fit_standardizer(train_, columns_, constant);
  }

  void batch(Engine& engine, MatrixRef<double> out) const override {
    assert(out.rows() == dim());
    const Index rows = train_.cols(), whole = out.cols() / rows * rows;
    for (Index b = 0; b < whole; ++b) out.col(b) = train_.col(b % rows);
    choose(engine, out.rightCols(out.cols() - whole));
  }

  std::optional<Index> training_rows() const override { return train_.cols(); }

 private:
  // Robert Floyd's sampling without replacement: every subset alike, in time and memory of the batch
  // (Bentley and Floyd, CACM 30 (1987) 754).
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

  Matrix<double> train_;  // d x N
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

std::unique_ptr<DataSource> make_source(DataSplit split, ConstantColumns constant) {
  check_split(split);
  return std::make_unique<TableSource>(std::move(split), constant);
}

std::unique_ptr<DataSource> make_source(const std::string& toy_or_file, const SourceOptions& options) {
  const bool a_word = toy_or_file.find_first_of("./\\:") == std::string::npos;
  if (pathline::is_toy(toy_or_file) || (a_word && !std::filesystem::exists(toy_or_file))) {
    const auto& toy = find_toy(toy_or_file);
    if (!options.columns.empty()) throw InputError("data.columns applies to tables; '" + toy_or_file + "' is built in");
    return make_source(toy, options);
  }
  Table table = read_table(toy_or_file, options.columns);
  // As `data sample --log-density` writes it: a function of the other columns has no density beside them.
  for (std::size_t i = 0; i < table.columns.size(); ++i)
    if (table.columns[i] == "log_density")
      throw InputError(toy_or_file + ": column " + std::to_string(i + 1) +
                       " is log_density, the true density that `density` compares with; use a table "
                       "without it, or rename the column");
  try {
    return make_source(table.values, std::move(table.columns), options);
  } catch (const InputError& error) {
    throw InputError(toy_or_file + ": " + error.what());
  }
}

}  // namespace pathline
