#include "pathline/train/training_data.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "core/hash.hpp"
#include "core/option_check.hpp"
#include "pathline/core/error.hpp"
#include "pathline/core/nearest.hpp"
#include "train/condition_density.hpp"
#include "train/dependence.hpp"
#include "train/spaced_rows.hpp"

namespace pathline {

namespace {

// The source of a run without data: its columns are named as those of a toy, and no sample is held out.
class NoData final : public DataSource {
 public:
  explicit NoData(Index dim) {
    validation_.resize(dim, 0), test_.resize(dim, 0);
    for (Index i = 0; i < dim; ++i) columns_.push_back(fmt::format("x{}", i + 1));
    standardizer_ = {Vector<double>::Zero(dim), Vector<double>::Ones(dim)};
  }
  void batch(Engine&, MatrixRef<double> out) const override { out.setConstant(std::nan("")); }
};

// The names and ranges of the first few columns, for a note.
std::string ranges_text(const std::vector<std::string>& columns, const Matrix<double>& range) {
  constexpr Index kMost = 12;
  std::string out;
  for (Index i = 0; i < std::min(range.rows(), kMost); ++i) {
    int digits = 6;
    const auto text = [&](double value) { return fmt::format("{:.{}g}", value, digits); };
    while (digits < 17 && range(i, 0) != range(i, 1) && text(range(i, 0)) == text(range(i, 1))) digits += 2;
    out += fmt::format("{}{} in [{}, {}]", i > 0 ? ", " : "", columns[static_cast<std::size_t>(i)], text(range(i, 0)),
                       text(range(i, 1)));
  }
  return range.rows() > kMost ? fmt::format("{}, and {} more", out, range.rows() - kMost) : out;
}

// Noise of width 1 on steps of another width would give a density, and "probabilities of integers", of neither.
void check_integers(const TrainingDataOptions& options, const std::string& column, const RowVector<double>& values) {
  for (const double v : values)
    if (std::abs(v - std::round(v)) > 1e-6)
      throw InputError(
          fmt::format("discrete: {}: column {}: {}: must be an integer; divide a column of equal steps by the step",
                      options.name, column, v));
}

// The lowest and the highest value of each row of all parts: d x 2.
Matrix<double> range_of(const std::vector<const Matrix<double>*>& parts, Index dim) {
  Matrix<double> range(dim, 2);
  range.col(0).setConstant(std::numeric_limits<double>::infinity()), range.col(1) = -range.col(0);
  for (const auto* part : parts) {
    if (part->cols() == 0) continue;
    range.col(0) = range.col(0).cwiseMin(part->rowwise().minCoeff());
    range.col(1) = range.col(1).cwiseMax(part->rowwise().maxCoeff());
  }
  return range;
}

}  // namespace

TrainingData TrainingData::with_marginals() const {
  TrainingDataOptions options = options_;
  options.marginals = true;
  return TrainingData(source_, options);
}

TrainingData TrainingData::with_held_out_rows(Index validation, Index test) const {
  TrainingData out = *this;
  const auto take = [](Points& points, Index most, RowVector<double> weights,
                       std::optional<RowVector<double>>& of_some) {
    if (points.x.cols() <= most) return;
    if (most == 0)
      points = {Matrix<double>(points.x.rows(), 0), Matrix<double>(points.c.rows(), 0)},
      weights = weights.head(0).eval();
    else
      points = spaced_points(points, most, weights);
    of_some = weights;
  };
  take(out.validation_, validation, validation_weights(), out.validation_weights_);
  take(out.test_, test, test_weights(), out.test_weights_);
  return out;
}

TrainingData TrainingData::none(Index dim, std::uint64_t seed) {
  TrainingData data(std::make_shared<NoData>(dim), {.standardize = false, .seed = seed});
  data.empty_ = true;
  return data;
}

TrainingData::TrainingData(std::shared_ptr<const DataSource> source, const TrainingDataOptions& options)
    : source_(std::move(source)), options_(options) {
  const auto& all = source_->columns();
  require(options.dequantize >= 0 && std::isfinite(options.dequantize), "dequantize", options.dequantize, ">= 0");
  require(options.logit >= 0 && options.logit < 0.5, "logit", options.logit, "in [0, 0.5)");
  for (const auto& name : options.condition) {
    const auto found = std::find(all.begin(), all.end(), name);
    if (found == all.end())
      throw InputError(
          fmt::format("condition: {} has no column '{}'{}", options.name, name, did_you_mean_column(name, all)));
    condition_rows_.push_back(found - all.begin());
    condition_columns_.push_back(name);
  }
  for (Index i = 0; i < static_cast<Index>(all.size()); ++i) {
    if (std::find(condition_rows_.begin(), condition_rows_.end(), i) != condition_rows_.end()) continue;
    rows_.push_back(i);
    columns_.push_back(all[static_cast<std::size_t>(i)]);
  }
  if (rows_.empty()) throw InputError("condition: every column is a condition; leave at least one to model");
  noise_ = Vector<double>::Constant(dim(), options.dequantize);
  for (const auto& name : options.discrete) {
    const auto found = std::find(columns_.begin(), columns_.end(), name);
    if (found == columns_.end())
      throw InputError(fmt::format("discrete: {} has no column '{}' to model{}", options.name, name,
                                   did_you_mean_column(name, columns_)));
    if (options.dequantize != 0) continue;
    const Index column = found - columns_.begin();
    noise_(column) = 1;
    if (const auto* training = source_->training()) check_integers(options, name, split(*training).x.row(column));
    for (const auto& part : {source_->validation(), source_->test()})
      check_integers(options, name, split(part).x.row(column));
  }
  notes_ = source_->notes();
  if (!options.bounds.empty() || !options.period.empty()) {
    if (options.logit > 0)
      throw InputError("bounds: bounds and periods cannot be combined with logit; give every column its bounds");
    const auto training = training_sample().x;
    set_bounds(training);
    if (!options.period.empty()) set_periods(training);
  }
  validation_ = prepared(source_->validation(), "train.dequantize.validation");
  test_ = prepared(source_->test(), "train.dequantize.test");
  for (auto* points : {&validation_, &test_})
    if (periods_) periods_->fold(points->x);
  standardizer_ = part(rows_, options.standardize);
  condition_standardizer_ = part(condition_rows_, options.standardize);
  if (options.standardize) take_apart_dependent_columns();
  if (options.marginals && !linear_) fit_marginals();  // maps of single columns would bend what is nearly collinear
  if (options.standardize && ((noise_.array() > 0).any() || options.logit > 0 || bounds_ || marginals_))
    standardizer_ = fit_transformed();
}

// `dequantize` states that all columns have steps of that width.
const std::vector<std::string>& TrainingData::discrete_columns() const {
  static const std::vector<std::string> none;
  return options_.dequantize == 0 ? options_.discrete : none;
}

Standardizer TrainingData::part(const std::vector<Index>& rows, bool standardize) const {
  const Index n = static_cast<Index>(rows.size());
  if (!standardize) return {Vector<double>::Zero(n), Vector<double>::Ones(n)};
  return {source_->standardizer().mean(rows), source_->standardizer().scale(rows)};
}

// The rows behind bounds or the logit, which is what a flow without marginal maps standardizes.
Matrix<double> TrainingData::before_marginals(ConstMatrixRef<double> x) const {
  if (bounds_) {
    Matrix<double> y = x;
    bounds_->to_base(y);
    return y;
  }
  if (options_.logit == 0) return x;
  const Matrix<double> t = (options_.logit + (1 - 2 * options_.logit) * x.array()).matrix();
  if (!(t.minCoeff() > 0 && t.maxCoeff() < 1))
    throw InputError("logit: the data must be in [0, 1] after the noise of dequantize is added");
  return (t.array() / (1 - t.array())).log().matrix();
}

// As many training rows as determine the quantiles of a column to a thousandth.
TrainingData::Points TrainingData::some_training(RowVector<double>& weights) const {
  constexpr Index kMostRows = 1 << 17;
  auto rows = training();
  if (!rows) throw InputError("marginals: only the rows of a table can be mapped by their quantiles, not a toy");
  weights = training_weights();
  return spaced_points(*rows, kMostRows, weights);
}

void TrainingData::fit_marginals() {
  RowVector<double> weights;
  const auto rows = some_training(weights);
  marginals_ = pathline::fit_marginals(before_marginals(rows.x), weights.transpose());
}

// Fitted to what the flow sees before it standardizes: 16,384 training rows with their noise, or the rows whose
// quantiles define the marginal maps.
Standardizer TrainingData::fit_transformed() const {
  if (marginals_) {
    RowVector<double> weights;
    Matrix<double> z = before_marginals(some_training(weights).x);
    TransformScratch<double> scratch;
    const SolveOptions<double> options;
    const Matrix<double> no_condition;
    marginals_->apply(Direction::data_to_base, z, nullptr, {scratch, options, no_condition}, nullptr);
    return fit_standardizer(z, columns_, ConstantColumns::refuse, weights);
  }
  return fit_standardizer(sample_before_marginals(), columns_);
}

// All training rows of a table, or 16,384 draws of a toy.
TrainingData::Points TrainingData::training_sample() const {
  if (const auto* rows = source_->training()) return split(*rows);
  Matrix<double> rows(static_cast<Index>(source_->columns().size()), source_->training_rows().value_or(1 << 14));
  Engine engine = make_stream(options_.seed, "train.bounds");
  source_->batch(engine, rows);
  return split(rows);
}

// 16,384 training rows with their noise, mapped through bounds or the logit.
Matrix<double> TrainingData::sample_before_marginals() const {
  Engine engine = make_stream(options_.seed, "train.standardizer");
  const Index rows = std::min<Index>(source_->training_rows().value_or(1 << 14), 1 << 14);
  Matrix<double> all(static_cast<Index>(source_->columns().size()), rows);
  source_->batch(engine, all);
  return before_marginals(prepared(all, "train.dequantize.standardizer").x);
}

// Replaces a column that is nearly a linear function of others by its difference to that function.
void TrainingData::take_apart_dependent_columns() {
  Matrix<double> x = sample_before_marginals();
  const bool other_units = (noise_.array() > 0).any() || options_.logit > 0 || bounds_;
  const auto units = other_units ? fit_standardizer(x, columns_) : standardizer_;
  x = (x.colwise() - units.mean).array().colwise() / units.scale.array();
  std::vector<Dependence> found;
  const Matrix<double> lower = dependences(x, found);
  if (found.empty()) return;
  linear_.emplace(lower);
  for (const auto& d : found)
    notes_.push_back(fmt::format(
        "{}: column {} is nearly a linear function of columns before it, within {:.1e} of its standard deviation; the "
        "flow starts from the difference",
        options_.name, columns_[static_cast<std::size_t>(d.column)], d.width));
}

// Adds U(0, width of the column) to each value of x, because discrete data has no density (Theis et al. 2016, section
// 3.1), and unfolds periodic columns.
TrainingData::Points TrainingData::prepared(ConstMatrixRef<double> rows, const char* purpose, Index iteration) const {
  auto points = split(rows);
  if (bounds_) check_inside(points.x);
  if (!periods_ && (noise_.array() == 0).all()) return points;
  Engine engine = make_stream(options_.seed, purpose, static_cast<std::uint64_t>(iteration));
  Matrix<double> noise(points.x.rows(), points.x.cols());
  fill_uniform<double>(engine, noise);
  points.x += noise_.asDiagonal() * noise;
  if (!periods_) return points;
  fill_uniform<double>(engine, noise);
  periods_->unfold(points.x, noise);
  return points;
}

TrainingData::Points TrainingData::split(ConstMatrixRef<double> rows) const {
  return {rows(rows_, Eigen::all), rows(condition_rows_, Eigen::all)};
}

Batch TrainingData::batch(Index iteration, Index size) const {
  Engine engine = make_stream(options_.seed, "train.batch", static_cast<std::uint64_t>(iteration));
  Matrix<double> rows(static_cast<Index>(source_->columns().size()), size);
  source_->batch(engine, rows);
  auto points = prepared(rows, "train.dequantize", iteration);
  return {std::move(points.x), std::move(points.c)};
}

std::optional<TrainingData::Points> TrainingData::training() const {
  const auto rows = source_->training_rows();
  if (!rows) return std::nullopt;
  if (const auto* rows_of_source = source_->training()) return prepared(*rows_of_source, "train.dequantize");
  auto all = batch(0, *rows);  // a batch of all rows contains each row once
  return Points{std::move(all.x), std::move(all.c)};
}

std::uint64_t TrainingData::hash() const {
  const auto rows = source_->training_rows();
  if (!rows) return 0;
  Hash hash;
  for (const auto& name : source_->columns()) hash.add(name.c_str(), name.size() + 1);
  Matrix<double> training(static_cast<Index>(source_->columns().size()), *rows);
  Engine engine = make_stream(options_.seed, "train.hash");
  if (const auto* all = source_->training())
    training = *all;
  else
    source_->batch(engine, training);  // every row once, in order
  const Matrix<double>* const parts[] = {&training, &source_->validation(), &source_->test()};
  for (const auto* part : parts) hash.add({part->data(), part->rows(), part->cols()});
  const RowVector<double>* const weights[] = {&source_->training_weights(), &source_->validation_weights(),
                                              &source_->test_weights()};
  for (const auto* part : weights)
    if (part->size() > 0) hash.add(part->data(), static_cast<std::size_t>(part->size()) * sizeof(double));
  return hash.value();
}

std::string TrainingData::summary() const {
  const auto train = training();
  if (!train) return "";
  const Index rows = train->x.cols() + validation_.x.cols() + test_.x.cols();
  Matrix<double> x = train->x, validation = validation_.x, test = test_.x;
  for (auto* part : {&x, &validation, &test})
    if (periods_) periods_->fold(*part);
  std::string out = fmt::format("{} rows ({} train, {} validation, {} test) of {} column{}: {}", rows, train->x.cols(),
                                validation_.x.cols(), test_.x.cols(), dim(), dim() > 1 ? "s" : "",
                                ranges_text(columns_, range_of({&x, &validation, &test}, dim())));
  if (condition_dim() > 0)
    out += fmt::format("; given {}", ranges_text(condition_columns_,
                                                 range_of({&train->c, &validation_.c, &test_.c}, condition_dim())));
  return out;
}

Matrix<double> TrainingData::condition_range() const {
  const auto train = training();
  const Matrix<double> c = train ? train->c : condition_dim() > 0 ? batch(0, 1 << 14).c : Matrix<double>(0, 0);
  return range_of({&c}, condition_dim());
}

std::optional<double> TrainingData::entropy() const {
  return condition_rows_.empty() && (noise_.array() == 0).all() ? source_->entropy() : std::nullopt;
}

// The log-density of a toy: p(x), or p(x | c) = p(x, c) / p(c) for one column given the other.
std::optional<RowVector<double>> TrainingData::log_density(const Points& points, int threads) const {
  if ((noise_.array() > 0).any() || !source_->entropy()) return std::nullopt;
  if (condition_rows_.empty()) return source_->log_density(points.x, threads);
  if (!source_->is_toy()) return std::nullopt;
  auto joint = [this](ConstMatrixRef<double> x) -> RowVector<double> { return *source_->log_density(x); };
  Matrix<double> both(2, points.x.cols());
  both.row(rows_[0]) = points.x.row(0), both.row(condition_rows_[0]) = points.c.row(0);
  return *source_->log_density(both, threads) - log_condition_density(joint, condition_rows_[0], points.c, threads);
}

}  // namespace pathline
