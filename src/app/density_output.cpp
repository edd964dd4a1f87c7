#include "app/density_output.hpp"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>

#include "app/column_names.hpp"
#include "app/report.hpp"

namespace pathline {
namespace {

// One comment for each row if a row failed, or else none. It has no comma, which would end a cell.
std::vector<std::string> comments_of(const LogProbOfRows& got) {
  if (got.failed.empty()) return {};
  std::vector<std::string> out(static_cast<std::size_t>(got.log_prob.size()));
  for (const auto& point : got.failed) {
    auto& comment = out[static_cast<std::size_t>(point.column)] = "  # " + point.reason;
    std::replace(comment.begin(), comment.end(), ',', ';');
  }
  return out;
}

}  // namespace

DensityOutput::DensityOutput(const DensityFlags& f, const ModelCard& card, const std::optional<Grid>& grid, Index dim,
                             Index condition_dim)
    : lines_(f.output.empty() && !f.summary),
      with_error_(f.error || f.max_error),
      grid_(grid),
      names_(column_names(card, dim)) {
  for (Index i = 0; i < dim; ++i)
    if (!grid || std::find(grid->integrated().begin(), grid->integrated().end(), i) == grid->integrated().end())
      written_.push_back(i);
  if (f.output.empty()) return;
  const auto format = table_format(f.output);
  if (format == TableFormat::hdf5) {
    file_ = std::make_unique<Hdf5File>(Hdf5File::create(f.output));
    if (grid) return;
    points_ = file_->create_extendible<double>("points", {dim});
    if (condition_dim > 0) condition_ = file_->create_extendible<double>("condition", {condition_dim});
    density_ = file_->create_extendible<double>("log_density", {});
    if (with_error_) error_ = file_->create_extendible<double>("error", {});
    status_ = file_->create_extendible<std::int64_t>("status", {});
    status_->set_attribute("meaning", "0: evaluated, 1: the solve failed; failed_rows and failed_reasons say where");
    return;
  }
  with_points_ = format == TableFormat::csv;
  std::vector<std::string> columns;
  if (with_points_) {
    for (const Index i : written_) columns.push_back(names_[static_cast<std::size_t>(i)]);
    columns.insert(columns.end(), card.condition_columns.begin(), card.condition_columns.end());
  }
  columns.push_back("log_density");
  if (with_error_) columns.push_back("error");
  table_ = TableWriter::create(f.output, columns, static_cast<Index>(columns.size()));
}

void DensityOutput::append(const Matrix<double>& x, const Matrix<double>& c, const LogProbOfRows& got) {
  const auto& log_prob = got.log_prob;
  const auto comments = comments_of(got);
  if (lines_) {
    fmt::memory_buffer text;
    for (Index i = 0; i < log_prob.size(); ++i) {
      const auto& comment = comments.empty() ? std::string() : comments[static_cast<std::size_t>(i)];
      fmt::format_to(std::back_inserter(text), "{:.9g}", log_prob[i]);
      if (with_error_) fmt::format_to(std::back_inserter(text), " {:.2g}", got.error[i]);
      fmt::format_to(std::back_inserter(text), "{}\n", comment);
    }
    write_result({text.data(), text.size()});
  } else if (file_ && grid_) {
    values_.insert(values_.end(), log_prob.begin(), log_prob.end());
    errors_.insert(errors_.end(), got.error.begin(), got.error.end());
  } else if (file_) {
    points_->append(x), density_->append(Matrix<double>(log_prob));
    if (condition_) condition_->append(c);
    if (error_) error_->append(Matrix<double>(got.error));
    Matrix<std::int64_t> status = Matrix<std::int64_t>::Zero(1, log_prob.size());
    for (const auto& point : got.failed) status(0, point.column) = 1;
    status_->append(status);
  } else if (table_) {
    const Index columns = with_points_ ? std::ssize(written_) : 0, conditions = with_points_ ? c.rows() : 0;
    Matrix<double> rows(columns + conditions + 1 + with_error_, x.cols());
    if (with_points_) rows.topRows(columns) = x(written_, Eigen::all);
    if (conditions > 0) rows.middleRows(columns, conditions) = c;  // without a condition, c may have no columns
    rows.row(columns + conditions) = log_prob;
    if (with_error_) rows.row(columns + conditions + 1) = got.error;
    table_->append(rows, comments);
  }
}

void DensityOutput::commit() {
  if (lines_) flush_results();
  if (file_ && grid_) write_array();
  points_.reset(), condition_.reset(), density_.reset(), error_.reset(), status_.reset();
  if (file_) file_->commit();
  if (table_) table_->commit();
}

// Writes log_density (n1, n2, ...), the cell centres as axes/<column>, and the values of the other columns as
// attributes.
void DensityOutput::write_array() {
  Hdf5Shape shape;
  std::vector<std::string> axes, fixed, integrated;
  std::vector<double> fixed_at;
  for (const Index i : grid_->extended()) {
    const auto& axis = grid_->axes()[static_cast<std::size_t>(i)];
    std::vector<double> centres;
    for (Index k = 0; k < axis.count; ++k) centres.push_back(axis.centre(k));
    axes.push_back(names_[static_cast<std::size_t>(i)]), shape.push_back(axis.count);
    std::string name = axes.back();
    std::replace(name.begin(), name.end(), '/', '_');  // a path of HDF5 would begin a group there
    file_->write_values<double>("axes/" + name, {axis.count}, centres.data());
  }
  for (const Index i : grid_->integrated()) integrated.push_back(names_[static_cast<std::size_t>(i)]);
  for (const Index i : written_)
    if (const auto& axis = grid_->axes()[static_cast<std::size_t>(i)]; axis.slice())
      fixed.push_back(names_[static_cast<std::size_t>(i)]), fixed_at.push_back(axis.low);
  file_->write_values<double>("log_density", shape, grid_->as_array(values_).data());
  if (with_error_) file_->write_values<double>("error", shape, grid_->as_array(errors_).data());
  auto array = file_->dataset("log_density");
  array.set_attribute("axes", axes);
  if (!fixed.empty()) array.set_attribute("fixed", fixed), array.set_attribute("fixed_at", fixed_at);
  if (!integrated.empty()) array.set_attribute("integrated", integrated);
}

void write_grid(Hdf5File& file, const Grid& grid) {
  std::vector<double> low, high;
  std::vector<std::int64_t> count;
  for (const auto& axis : grid.axes()) low.push_back(axis.low), high.push_back(axis.high), count.push_back(axis.count);
  file.set_attribute("grid_low", low), file.set_attribute("grid_high", high), file.set_attribute("grid_count", count);
}

}  // namespace pathline
