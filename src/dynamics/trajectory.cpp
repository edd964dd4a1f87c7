#include "pathline/dynamics/trajectory.hpp"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "pathline/core/error.hpp"

namespace pathline {
namespace {

// The names of a table's columns; "1", "2", ... for one without, by which TableReader::select finds them too.
std::vector<std::string> names_of(const TableReader& reader) {
  if (!reader.columns().empty()) return reader.columns();
  std::vector<std::string> out;
  for (Index i = 1; i <= reader.dim(); ++i) out.push_back(std::to_string(i));
  return out;
}

// The rows of one trajectory in the order of their times.
Trajectory make_trajectory(const std::string& input, double id, const Matrix<double>& states,
                           const RowVector<double>& times, std::vector<Index> rows) {
  std::stable_sort(rows.begin(), rows.end(), [&](Index a, Index b) { return times[a] < times[b]; });
  if (rows.size() < 2)
    throw InputError(fmt::format("{}: trajectory {} has 1 row: needs at least 2 observations", input, id));
  Trajectory out{.id = id, .times = {}, .states = Matrix<double>(states.rows(), static_cast<Index>(rows.size()))};
  for (std::size_t k = 0; k < rows.size(); ++k) {
    const double t = times[rows[k]];
    if (k > 0 && !(t > out.times.back()))
      throw InputError(fmt::format("{}: trajectory {} has two observations at the time {}", input, id, t));
    out.times.push_back(t);
    out.states.col(static_cast<Index>(k)) = states.col(rows[k]);
  }
  return out;
}

}  // namespace

TrajectoryTable read_trajectories(const std::string& input, const std::string& id, const std::string& time,
                                  const std::vector<std::string>& state, const TableOptions& options) {
  const auto reader = TableReader::open(input, options);
  TrajectoryTable out;
  out.columns = state;
  if (state.empty())
    for (const auto& name : names_of(*reader))
      if (name != id && name != time) out.columns.push_back(name);
  if (out.columns.empty()) throw InputError(input + ": no column is left for the state");
  std::vector<std::string> wanted = out.columns;
  wanted.push_back(time);
  if (!id.empty()) wanted.push_back(id);
  reader->select(wanted);
  const Table table = read_table(*reader, input);
  if (reader->columns().empty() && state.empty())
    for (std::size_t i = 0; i < out.columns.size(); ++i) out.columns[i] = fmt::format("x{}", i + 1);

  const Index d = static_cast<Index>(out.columns.size());
  const RowVector<double> times = table.values.row(d);
  std::map<double, std::size_t> place;  // of an id in `rows`
  std::vector<std::pair<double, std::vector<Index>>> rows;
  for (Index r = 0; r < table.values.cols(); ++r) {
    const double key = id.empty() ? 0 : table.values(d + 1, r);
    const auto [found, is_new] = place.try_emplace(key, rows.size());
    if (is_new) rows.push_back({key, {}});
    rows[found->second].second.push_back(r);
  }
  const Matrix<double> states = table.values.topRows(d);
  for (auto& [key, list] : rows) out.list.push_back(make_trajectory(input, key, states, times, std::move(list)));
  return out;
}

void write_trajectories(const std::string& output, const TrajectoryTable& table, const std::string& id,
                        const std::string& time) {
  std::vector<std::string> columns = {id, time};
  columns.insert(columns.end(), table.columns.begin(), table.columns.end());
  const auto writer = TableWriter::create(output, columns, static_cast<Index>(columns.size()));
  for (const auto& trajectory : table.list) {
    const Index count = trajectory.states.cols();
    Matrix<double> rows(2 + trajectory.states.rows(), count);
    rows.row(0).setConstant(trajectory.id);
    rows.row(1) = ConstRowVectorMap<double>(trajectory.times.data(), count);
    rows.bottomRows(trajectory.states.rows()) = trajectory.states;
    writer->append(rows);
  }
  writer->commit();
}

}  // namespace pathline
