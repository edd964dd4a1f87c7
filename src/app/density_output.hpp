// Where the log-densities of `pathline density` are written.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/density_flags.hpp"
#include "app/grid.hpp"
#include "app/row_densities.hpp"
#include "pathline/checkpoint/model.hpp"
#include "pathline/io/hdf5.hpp"
#include "pathline/io/table.hpp"

namespace pathline {

// Writes the log-densities as lines to the standard output, or to a file whose suffix gives the format. CSV has the
// points and the condition before the log-density, HDF5 has `points`, `condition`, `log_density` and `status`, NPY has
// the log-densities alone. If a log-density is NaN because its solve failed, the reason follows as a comment on its
// line. With --error or --max-error, the error bar follows the log-density; HDF5 has it as `error`. The log-densities on
// a grid are an array in HDF5, with one axis for each column that has several values.
class DensityOutput {
 public:
  // Keeps the reference to the grid.
  DensityOutput(const DensityFlags& f, const ModelCard& card, const std::optional<Grid>& grid, Index dim,
                Index condition_dim);
  void append(const Matrix<double>& x, const Matrix<double>& c, const LogProbOfRows& got);
  Hdf5File* file() { return file_.get(); }  // null if it is not an HDF5 file
  void commit();

 private:
  void write_array();

  bool lines_, with_error_, with_points_ = false;
  const std::optional<Grid>& grid_;
  std::vector<std::string> names_;
  std::vector<Index> written_;           // the columns that points have
  std::vector<double> values_, errors_;  // on a grid, in its order
  std::unique_ptr<Hdf5File> file_;
  std::optional<Hdf5Dataset> points_, condition_, density_, error_, status_;
  std::unique_ptr<TableWriter> table_;
};

// Writes how to arrange the log-densities as an array: the count of each axis, where the first axis runs fastest.
void write_grid(Hdf5File& file, const Grid& grid);

}  // namespace pathline
