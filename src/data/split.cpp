#include "pathline/data/split.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <sstream>
#include <tuple>
#include <unordered_map>
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

// weights: of `rows` rows, or empty. part: "training: " in messages.
void check_weights(const std::string& part, const RowVector<double>& weights, Index rows) {
  if (weights.size() == 0) return;
  if (weights.size() != rows)
    throw InputError(part + text(weights.size()) + " weights and " + text(rows) +
                     " rows; expected one weight for each row");
  for (Index n = 0; n < rows; ++n)
    if (!(weights(n) >= 0 && std::isfinite(weights(n))))
      throw InputError(part + "row " + text(n + 1) + ", weight = " + text(weights(n)) + ": must be finite and >= 0");
}

void check_some_weight(const DataSplit& split) {
  const auto has_none = [](const RowVector<double>& weights) { return weights.size() > 0 && !(weights.sum() > 0); };
  if (has_none(split.train_weights)) throw InputError("training: every row has the weight 0");
  const std::pair<const char*, const RowVector<double>*> held_out[] = {{"validation", &split.validation_weights},
                                                                       {"test", &split.test_weights}};
  for (const auto& [part, weights] : held_out)
    if (has_none(*weights))
      throw InputError(std::string(part) +
                       ": every row has the weight 0, so that no model can be measured by them; leave out the rows of "
                       "weight 0 before the split, or make this part larger");
}

// Returns round(fraction N). Throws InputError if a fraction > 0 gives an empty part.
Index part_size(const char* field, double fraction, Index rows) {
  const auto size = static_cast<Index>(std::llround(fraction * static_cast<double>(rows)));
  if (fraction > 0 && size == 0)
    throw InputError(std::string(field) + " = " + text(fraction) + " of " + text(rows) +
                     " rows: must give at least one row; use more rows or a larger fraction, or 0 to hold none out");
  return size;
}

std::vector<Index> permutation(Index n, std::uint64_t seed) {
  std::vector<Index> order(static_cast<std::size_t>(n));
  std::iota(order.begin(), order.end(), Index{0});
  Engine engine = make_stream(seed, "dataset.split");
  for (Index i = n - 1; i > 0; --i) std::swap(order[i], order[uniform_index(engine, i + 1)]);  // Fisher, Yates
  return order;
}

// How many rows of `order`, from `begin` on, make a part of about `count` whose end does not cut a group.
Index whole_groups(const std::vector<Index>& order, const std::vector<Index>& groups, Index begin, Index count) {
  Index end = begin + count;
  const auto cut = [&](Index at) {
    return at > 0 && at < std::ssize(order) &&
           groups[static_cast<std::size_t>(order[at])] == groups[static_cast<std::size_t>(order[at - 1])];
  };
  while (count > 0 && cut(end)) ++end;
  return end - begin;
}

// The rows of a permutation with the others of its group behind each.
std::vector<Index> with_groups_together(const std::vector<Index>& order, const std::vector<Index>& groups) {
  std::unordered_map<Index, std::vector<Index>> rows;
  for (std::size_t row = 0; row < groups.size(); ++row) rows[groups[row]].push_back(static_cast<Index>(row));
  std::vector<Index> out;
  for (const Index row : order) {
    auto& group = rows[groups[static_cast<std::size_t>(row)]];
    out.insert(out.end(), group.begin(), group.end());
    group.clear();
  }
  return out;
}

}  // namespace

DataSplit split_data(ConstMatrixRef<double> values, std::vector<std::string> columns, const SplitOptions& options,
                     const RowVector<double>& weights) {
  check_fraction("validation_fraction", options.validation_fraction);
  check_fraction("test_fraction", options.test_fraction);
  const double held_out = options.validation_fraction + options.test_fraction;
  if (!(held_out < 1)) throw InputError("validation_fraction + test_fraction = " + text(held_out) + ": must be < 1");
  check_finite(values, columns);
  check_weights("", weights, values.cols());

  const Index rows = values.cols();
  Index validation = part_size("validation_fraction", options.validation_fraction, rows);
  Index test = part_size("test_fraction", options.test_fraction, rows);
  std::vector<Index> order = permutation(rows, options.seed);
  Index train = rows - validation - test;
  if (const auto& groups = options.groups; !groups.empty()) {
    if (std::ssize(groups) != rows)
      throw InputError("groups: " + text(groups.size()) + " numbers and " + text(rows) +
                       " rows; expected one for each row");
    order = with_groups_together(order, groups);
    train = whole_groups(order, groups, 0, std::max<Index>(train, 0));
    validation = std::min(whole_groups(order, groups, train, validation), rows - train);
    test = rows - train - validation;
    if ((options.validation_fraction > 0 && validation == 0) || (options.test_fraction > 0 && test == 0))
      throw InputError(
          "too few different rows for a validation and a test part; set SplitOptions.validation_fraction "
          "and SplitOptions.test_fraction, or give these parts as files");
  }
  if (train < 2) throw InputError("training rows = " + text(train) + " of " + text(rows) + ": must be >= 2");

  const auto chosen = [&](Index begin, Index count) {
    return std::vector<Index>(order.begin() + begin, order.begin() + begin + count);
  };
  const auto part = [&](Index begin, Index count) { return Matrix<double>(values(Eigen::all, chosen(begin, count))); };
  const auto weight = [&](Index begin, Index count) {
    return weights.size() == 0 ? RowVector<double>() : RowVector<double>(weights(chosen(begin, count)));
  };
  DataSplit out{.train = part(0, train),
                .validation = part(train, validation),
                .test = part(train + validation, test),
                .columns = std::move(columns),
                .train_weights = weight(0, train),
                .validation_weights = weight(train, validation),
                .test_weights = weight(train + validation, test)};
  check_some_weight(out);
  return out;
}

std::vector<Index> first_alike(ConstMatrixRef<double> values) {
  const auto hash = [&](Index row) {
    std::uint64_t h = 0;
    for (const double x : values.col(row)) h = (h ^ std::hash<double>{}(x)) * 0x9E3779B97F4A7C15u, h ^= h >> 29;
    return static_cast<std::size_t>(h);
  };
  const auto equal = [&](Index a, Index b) { return values.col(a) == values.col(b); };
  std::unordered_map<Index, Index, decltype(hash), decltype(equal)> seen(2 * static_cast<std::size_t>(values.cols()),
                                                                         hash, equal);
  std::vector<Index> first(static_cast<std::size_t>(values.cols()));
  for (Index row = 0; row < values.cols(); ++row)
    first[static_cast<std::size_t>(row)] = seen.try_emplace(row, row).first->second;
  return first;
}

void check_split(const DataSplit& split) {
  if (split.train.cols() < 2) throw InputError("training rows = " + text(split.train.cols()) + ": must be >= 2");
  const std::tuple<const char*, const Matrix<double>*, const RowVector<double>*> parts[] = {
      {"training", &split.train, &split.train_weights},
      {"validation", &split.validation, &split.validation_weights},
      {"test", &split.test, &split.test_weights}};
  for (const auto& [name, part, weights] : parts) {
    check_weights(std::string(name) + ": ", *weights, part->cols());
    if (part->rows() != split.train.rows())
      throw InputError(std::string(name) + ": has " + text(part->rows()) + " columns; the training part has " +
                       text(split.train.rows()));
    try {
      check_finite(*part, split.columns);
    } catch (const InputError& error) {
      throw InputError(std::string(name) + ": " + error.what());
    }
  }
  check_some_weight(split);
}

}  // namespace pathline
