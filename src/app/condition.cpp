#include "app/condition.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "app/flags.hpp"
#include "app/named_numbers.hpp"
#include "app/report.hpp"
#include "core/name_list.hpp"
#include "pathline/core/error.hpp"
#include "pathline/core/nearest.hpp"

namespace pathline {
namespace {

std::string list_of(const ModelCard& card) {
  return card.condition_columns.empty() ? "" : fmt::format(" ({})", fmt::join(card.condition_columns, ", "));
}

// "the model is conditional on mass; for example --condition mass=0.5", with values in the middle of those of the
// training.
std::string condition_needed(const ModelCard& card, Index dim) {
  const auto& names = card.condition_columns;
  std::string example;
  for (Index i = 0; i < dim; ++i) {
    const bool known = card.condition_range.rows() == dim;
    const double middle = known ? 0.5 * (card.condition_range(i, 0) + card.condition_range(i, 1)) : 0;
    example +=
        fmt::format("{}{}{:.3g}", i ? "," : "", names.empty() ? "" : names[static_cast<std::size_t>(i)] + "=", middle);
  }
  const std::string needed =
      names.empty() ? fmt::format("{} value{}", dim, dim > 1 ? "s" : "") : fmt::format("{}", fmt::join(names, ", "));
  return fmt::format("the model is conditional on {}; for example --condition {}", needed, example);
}

Matrix<double> named_condition(const std::string& text, const ModelCard& card) {
  const auto& names = card.condition_columns;
  if (names.empty()) throw InputError(fmt::format("--condition = {}: the condition of the model has no names", text));
  const auto found = named_numbers("--condition", text, names);
  Matrix<double> out(std::ssize(names), 1);
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (!found[i])
      throw InputError(
          fmt::format("--condition = {}: '{}' is missing; the model needs {}", text, names[i], fmt::join(names, ", ")));
    out(static_cast<Index>(i), 0) = *found[i];
  }
  return out;
}

}  // namespace

Matrix<double> parse_condition(const std::string& text, const ModelCard& card, Index condition_dim) {
  if (condition_dim == 0 && !text.empty())
    throw InputError(fmt::format("--condition = {}: the model has no condition", text));
  if (text.find('=') != std::string::npos) return named_condition(text, card);
  if (condition_dim > 0 && text.empty())
    throw InputError("--condition is required: " + condition_needed(card, condition_dim));
  const auto values = text.empty() ? std::vector<double>() : numbers_of("--condition", text);
  if (std::ssize(values) != condition_dim)
    throw InputError(fmt::format("--condition has {} values; the condition of the model has {}{}", values.size(),
                                 condition_dim, list_of(card)));
  return Eigen::Map<const Matrix<double>>(values.data(), condition_dim, condition_dim > 0 ? 1 : 0);
}

Matrix<double> read_conditions(const std::string& file, const ModelCard& card, Index condition_dim,
                               const CommonFlags& common) {
  if (condition_dim == 0) throw InputError("--conditions: the model has no condition");
  const auto reader = TableReader::open(file, common.table_options(card.condition_columns));
  const auto& wanted = card.condition_columns;
  const auto& names = reader->columns();
  const auto has = [&](const std::string& name) { return contains(names, name); };
  if (std::any_of(wanted.begin(), wanted.end(), has)) {
    for (const auto& name : wanted)
      if (!has(name))
        throw InputError(fmt::format("{}: has no column '{}' (nearest: '{}'); the model needs the conditions {}", file,
                                     name, nearest(name, names), fmt::join(wanted, ", ")));
    reader->select(wanted);
  } else if (reader->dim() != condition_dim) {
    throw InputError(fmt::format("{}: has {} columns{}; the model needs {} condition{}{}", file, reader->dim(),
                                 names.empty() ? " without names" : ", none of which is a condition of the model",
                                 condition_dim, condition_dim > 1 ? "s" : "", list_of(card)));
  } else if (!names.empty() && !wanted.empty()) {
    common.note(fmt::format("{}: column names do not match the conditions of the model{}; using column order", file,
                            list_of(card)));
  }
  const auto table = read_table(*reader, file);
  report_notes(*reader, file, common);
  return table.values;
}

void ConditionCheck::add(ConstMatrixRef<double> c) {
  seen_ += c.cols();
  if (card_.condition_range.rows() != c.rows()) return;
  for (Index b = 0; b < c.cols(); ++b)
    for (Index i = 0; i < c.rows(); ++i) {
      const double low = card_.condition_range(i, 0), high = card_.condition_range(i, 1), slack = 0.1 * (high - low);
      if (c(i, b) >= low - slack && c(i, b) <= high + slack) continue;
      if (far_ == 0) column_ = i, value_ = c(i, b);
      ++far_;
      break;
    }
}

void ConditionCheck::warn() const {
  if (far_ == 0) return;
  const auto at = static_cast<std::size_t>(column_);
  const std::string name = at < card_.condition_columns.size() ? card_.condition_columns[at] : "the condition";
  const std::string which =
      seen_ > far_ ? fmt::format("{} of {} conditions {}", far_, seen_, far_ == 1 ? "is" : "are") : "the condition is";
  report_warning(
      "{} far outside the training data ({} = {:g}; trained on [{:g}, {:g}]): the model extrapolates, and its density "
      "there is not to be trusted",
      which, name, value_, card_.condition_range(column_, 0), card_.condition_range(column_, 1));
}

}  // namespace pathline
