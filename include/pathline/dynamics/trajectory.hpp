/// \file
/// Observed trajectories: states at irregular times.
#pragma once

#include <string>
#include <vector>

#include "pathline/io/table.hpp"

namespace pathline {

struct Trajectory {
  double id = 0;
  std::vector<double> times;  ///< T >= 2, increasing
  Matrix<double> states;      ///< d x T
};

struct TrajectoryTable {
  std::vector<Trajectory> list;      ///< in the order of their first rows
  std::vector<std::string> columns;  ///< d names of the state; "x1", ... for a table without names
};

/// Reads trajectories from a table with one row per observation, in any order. id and time are columns; an empty id
/// makes the table one trajectory. state: the columns of the state; empty = all others. Throws InputError for a table
/// without such columns, two observations of one trajectory at the same time, or a trajectory with a single row.
[[nodiscard]] TrajectoryTable read_trajectories(const std::string& input, const std::string& id,
                                                const std::string& time, const std::vector<std::string>& state = {},
                                                const TableOptions& options = {});

/// Writes the trajectories as such a table, with columns `id`, `time` and the state's.
void write_trajectories(const std::string& output, const TrajectoryTable& table, const std::string& id = "id",
                        const std::string& time = "t");

}  // namespace pathline
