#include "pathline/data/split.hpp"

#include <cmath>
#include <numeric>
#include <sstream>
#include <utility>

#include "data/column_label.hpp"
#include "pathline/core/error.hpp"
#include "pathline/core/random.hpp"

namespace pathline {
namespace {

template <class T> std::string text(T value) {
  std::ostringstream out;
  out << value;
  return out.str();
}

void check_fraction(const char* field, double fraction) {
  if (!(fraction >= 0 && fraction < 1))
    throw InputError(std::string(field) + " = " + text(fraction) + ": must be in [0, 1)");
}

void check_finite(ConstMatrixRef<double> values, const std::vector<std::string>& columns) {
  for (Index n = 0; n < values.cols(); ++n)
    for (Index i = 0; i < values.rows(); ++i)
      if (!std::isfinite(values(i, n)))
        throw InputError("row " + text(n + 1) + ", " + column_label(i, columns) + " = " + text(values(i, n)) +
                         ": must be finite");
}

// round(fraction N), which must not make an empty part of a fraction > 0.
Index part_size(const char* field, double fraction, Index rows) {
  const auto size = static_cast<Index>(std::llround(fraction * static_cast<double>(rows)));
  if (fraction > 0 && size == 0)
    throw InputError(std::string(field) + " = " + text(fraction) + " of " + text(rows) +
                     " rows: must give at least one row");
  return size;
}

std::vector<Index> permutation(Index n, std::uint64_t seed) {
  std::vector<Index> order(static_cast<std::size_t>(n));
  std::iota(order.begin(), order.end(), Index{0});
  Engine engine = make_stream(seed, "dataset.split");
  for (Index i = n - 1; i > 0; --i) std::swap(order[i], order[uniform_index(engine, i + 1)]);  // Fisher, Yates
  return order;
}

}  // namespace

DataSplit split_data(ConstMatrixRef<double> values, std::vector<std::string> columns, const SplitOptions& options) {
  check_fraction("validation_fraction", options.validation_fraction);
  check_fraction("test_fraction", options.test_fraction);
  const double held_out = options.validation_fraction + options.test_fraction;
  if (!(held_out < 1)) throw InputError("validation_fraction + test_fraction = " + text(held_out) + ": must be < 1");
  check_finite(values, columns);

  const Index rows = values.cols();
  const Index validation = part_size("validation_fraction", options.validation_fraction, rows);
  const Index test = part_size("test_fraction", options.test_fraction, rows);
  const Index train = rows - validation - test;
  if (train < 2) throw InputError("training rows = " + text(train) + " of " + text(rows) + ": must be >= 2");

  const std::vector<Index> order = permutation(rows, options.seed);
  const auto part = [&](Index begin, Index count) {
    return Matrix<double>(values(Eigen::all, std::vector<Index>(order.begin() + begin, order.begin() + begin + count)));
  };
  return {.train = part(0, train),
          .validation = part(train, validation),
          .test = part(train + validation, test),
          .columns = std::move(columns)};
}

void check_split(const DataSplit& split) {
  if (split.train.cols() < 2) throw InputError("training rows = " + text(split.train.cols()) + ": must be >= 2");
  const std::pair<const char*, const Matrix<double>*> parts[] = {
      {"training", &split.train}, {"validation", &split.validation}, {"test", &split.test}};
  for (const auto& [name, part] : parts) {
    if (part->rows() != split.train.rows())
      throw InputError(std::string(name) + ": has " + text(part->rows()) + " columns; the training part has " +
                       text(split.train.rows()));
    try {
      check_finite(*part, split.columns);
    } catch (const InputError& error) {
      throw InputError(std::string(name) + ": " + error.what());
    }
  }
}

}  // namespace pathline
