#include "app/point_source.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "core/name_list.hpp"
#include "io/text_stream.hpp"
#include "pathline/core/error.hpp"
#include "pathline/core/nearest.hpp"

namespace pathline {
bool GridPoints::read(Matrix<double>& x, Matrix<double>& c, Index most) {
  const Index n = std::min(most, grid_.size() - next_);
  if (n <= 0) return false;
  x = grid_.points(next_, n);
  c = condition_.replicate(1, condition_.rows() > 0 ? n : 1);
  next_ += n;
  return true;
}

TablePoints::TablePoints(const std::string& input, const CommonFlags& common, const ModelCard& card, Index dim,
                         Matrix<double> condition, Index condition_dim)
    : input_(is_standard_input(input) ? "standard input" : input),
      reader_(TableReader::open(input, common.table_options(card.columns))),
      condition_(std::move(condition)),
      common_(common) {
  const auto& names = reader_->columns();
  const bool given = condition_.cols() > 0 || condition_dim == 0;
  auto wanted = card.columns;
  wanted.insert(wanted.end(), card.condition_columns.begin(), card.condition_columns.end());
  if (!contains(wanted, "log_density") && contains(names, "log_density")) known_row_ = place_of(names, "log_density");
  if (std::none_of(wanted.begin(), wanted.end(), [&](const auto& name) { return contains(names, name); })) {
    take_by_order(card, dim, condition_dim);
    return;
  }
  for (const auto& name : given ? card.columns : wanted)
    if (!contains(names, name))
      throw InputError(fmt::format("{}: has no column '{}' (nearest: '{}'); the model needs {}{}", input_, name,
                                   nearest(name, names), fmt::join(given ? card.columns : wanted, ", "),
                                   given ? "" : ", or --condition"));
  for (const auto& name : card.condition_columns)
    if (given && contains(names, name))
      common_.note(fmt::format("{}: column '{}' is not used because --condition is given", input_, name));
  auto selected = given ? card.columns : wanted;
  for (Index i = 0; i < dim; ++i) rows_.push_back(i);
  for (Index i = dim; i < static_cast<Index>(selected.size()); ++i) condition_rows_.push_back(i);
  if (known_row_ >= 0) known_row_ = static_cast<Index>(selected.size()), selected.push_back("log_density");
  reader_->select(selected);
}

void TablePoints::take_by_order(const ModelCard& card, Index dim, Index condition_dim) {
  const auto& names = reader_->columns();
  const bool given = condition_.cols() > 0 || condition_dim == 0;
  for (Index i = 0; i < reader_->dim(); ++i)
    if (i != known_row_) rows_.push_back(i);
  const std::string list = card.columns.empty() ? "" : fmt::format(" ({})", fmt::join(card.columns, ", "));
  if (!given)
    throw InputError(
        fmt::format("{}: {}; the model needs columns{} and its condition ({}) by name, or "
                    "--condition",
                    input_, names.empty() ? "the table has no column names" : "no column has a name of the model", list,
                    fmt::join(card.condition_columns, ", ")));
  if (static_cast<Index>(rows_.size()) != dim)
    throw InputError(fmt::format("{}: has {} columns{}; the model needs {}{}", input_, reader_->dim(),
                                 known_row_ < 0 ? "" : ", one of them log_density", dim, list));
  if (!names.empty() && !card.columns.empty())
    common_.note(fmt::format("{}: column names do not match those of the model{}; using column order", input_, list));
}

bool TablePoints::read(Matrix<double>& x, Matrix<double>& c, Index most) {
  if (!reader_->read(all_, most)) return false;
  x = all_(rows_, Eigen::all);
  if (condition_.rows() > 0)
    c = condition_.replicate(1, x.cols());
  else
    c = all_(condition_rows_, Eigen::all);
  return true;
}

RowVector<double> TablePoints::known() const {
  return known_row_ < 0 ? RowVector<double>() : RowVector<double>(all_.row(known_row_));
}

}  // namespace pathline
