/// \file
/// A trained density with its metadata, and the HDF5 file that stores it.
///
/// The file (format 2, 3 with bounds, linear or marginals, 4 with transforms, or 5 for an ensemble or affine couplings)
/// can be read by h5dump and h5py. models/README.md has the formulas that give the density:
/// \verbatim
///   bytes 0 to 511   checksum of all other bytes (HDF5's user block), verified before the HDF5 library opens the file
///   attributes       format "pathline", format_version 2 to 5, version (of pathline), precision, digest, dim,
///                    condition_dim, logit
///   /recipe          the resolved recipe, TOML; empty for an imported model
///   /columns, /condition_columns   names
///   /discrete        names of the columns of integers, of a model with such
///   /condition_range (2, dc), optional: the lowest and highest value of each condition in the training data
///   /mean, /scale    d: x = mean + scale z; /condition_mean, /condition_scale
///   /marginals/<i>   x, z: knots of the map of column i; attributes low_shape, low_scale, high_shape, high_scale of its
///                    tails; absent without marginal maps
///   /linear          L (d, d), of a model of nearly collinear columns: x = mean + scale L z
///   /bounds          low, high, inset (d each), of a model with bounds: columns without one have infinite ends
///   /period          start, length (d each; length 0: not periodic), of a model with periodic columns
///   /blocks/<i>      attributes: end_time, clock, train_end_time, field (mlp, potential or user), and the field's
///                    architecture, which is absent for a user-defined field
///   /transforms/<i>  attributes: kind (spline_coupling, affine_coupling, planar or radial), and what describes it: the
///                    transforms in closed form between the blocks and the data, from the base to the data
///   /norms/<i>       mean, variance: running statistics; attribute epsilon
///   /base            attributes: kind, components
///   /evaluation      attributes: stepper, rtol, atol, steps, max_steps: how density and sample solve by default
///   /parameters/...  every array of Flow::parameters() at its name, dots for slashes: blocks/0/layers/0/_layer/weight
///   /answers         points (n, d), condition (n, dc) if there is one, log_density (n): a few points, for `pathline
///                    verify`; attributes nll, nll_error, of_target: TrainedFigure, of a trained model
///   /members/<i>     of an ensemble: what describes member i, in place of all that describes the one flow of another
///                    model: attribute logit and all from /mean to /base and /parameters. The root has /base with the
///                    kind flow_mixture, the number of members as components, and weights (k); /members/<i>/recipe is
///                    that of the member's run, if it is known
///   /metrics         one JSON object a string: the lines of metrics.jsonl
///   /training/...    last.h5 only: the state of the optimizer (checkpoint/training_state.hpp)
/// \endverbatim
/// Format 1 is read too: it has no checksum and no /evaluation (the recipe has it), its digest does not cover the
/// architecture, and norms' weights are (d, 1).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "pathline/checkpoint/known_answers.hpp"
#include "pathline/flow/flow.hpp"
#include "pathline/io/hdf5.hpp"

namespace pathline {

struct ModelCard {
  std::string version, precision;  ///< of the pathline that wrote it; "float" or "double"
  std::string recipe;              ///< TOML, or empty
  /// 16 hexadecimal digits, a hash of all groups, attributes and data sets but metrics and training. read_model()
  /// checks it; write_model() computes it and ignores this.
  std::string digest;
  std::vector<std::string> columns, condition_columns;
  std::vector<std::string> metrics;
  std::string file = {};  ///< it was read from; for errors
  /// How density() and sample() solve by default. A file of format 1 has it in its recipe; an imported network has the
  /// defaults of EvaluationOptions.
  SolverOptions evaluation = EvaluationOptions{}.solver;
  std::int64_t format_version = 0;  ///< of the file that was read
  /// dc x 2: the lowest and highest value of each condition in the training data. Empty: not known.
  Matrix<double> condition_range = {};
  /// Those of the columns that hold integers: the model has the density of n + u, with u uniform in [0, 1).
  std::vector<std::string> discrete = {};
  /// Of an ensemble: the recipe of the run of each member, from which comes the same member again; may be empty.
  std::vector<std::string> members = {};
  std::optional<TrainedFigure> trained = {};  ///< how well it did at the end of the training
  /// Of the file that was read; null for an older one. write_model(file, model) computes them and ignores these.
  std::optional<KnownAnswers> answers = {};

  /// What a reader of this model should know: one line, or empty. A file of format 1 may have been changed.
  [[nodiscard]] std::string warning() const;
};

template <class S> struct Model {
  Flow<S> flow;
  ModelCard card;
};

/// True for a network that tools/ffjord_to_hdf5.py wrote, false for a model of pathline.
[[nodiscard]] bool is_ffjord_file(const Hdf5File& file);

/// Reads either kind of file. S is the arithmetic, whatever the precision of the file. Throws InputError naming the
/// file and what is missing, has another shape or format, is not finite, or does not match the digest.
template <class S> [[nodiscard]] Model<S> read_model(const std::string& file);

/// Sets everything that training changes in a flow: its parameters, by their names, its end times, the running
/// statistics of batch norms, and its units. This reads a model whose vector field is a class of the user's own,
/// because a file contains the weights but not the class:
///
///     pathline::Flow<double> flow(pathline::Cnf<double>(pathline::make_field<double>(Relaxation{}, 3, {{"a", 0.0}})));
///     pathline::read_parameters_into("run/model.h5", flow);
///
/// The vector fields of the flow stay the objects that they are. Throws InputError as read_model, and for a flow that
/// the file does not describe (another number of columns, blocks or parameters, another name or shape of a parameter,
/// another architecture, base or kind of transform); the flow is then as before.
template <class S> ModelCard read_parameters_into(const std::string& file, Flow<S>& flow);

[[nodiscard]] ModelCard read_card(const std::string& file);  ///< reads everything but the arrays

/// Writes into a file that was created and is not committed yet, without /answers.
template <class S> void write_model(Hdf5File& out, const Model<S>& model);
template <class S> void write_model(const std::string& file, const Model<S>& model);

#define PATHLINE_EXTERN(S)                                                         \
  extern template Model<S> read_model<S>(const std::string&);                      \
  extern template ModelCard read_parameters_into<S>(const std::string&, Flow<S>&); \
  extern template void write_model<S>(Hdf5File&, const Model<S>&);                 \
  extern template void write_model<S>(const std::string&, const Model<S>&);
PATHLINE_EXTERN(float)
PATHLINE_EXTERN(double)
#undef PATHLINE_EXTERN

}  // namespace pathline
