/// \file
/// The training loop. It takes a flow, data, stages of objectives and options, and works on any VectorField, Objective,
/// DataSource or Target of the user's.
///
///     // A density of the columns of x (d x N), in memory; no file is written.
///     auto field = std::make_shared<pathline::Mlp<float>>(pathline::MlpOptions{.dim = x.rows()});
///     pathline::Engine engine = pathline::make_stream(0, "weights");
///     field->initialize(engine);
///     pathline::Trainer<float> trainer(pathline::Flow<float>(pathline::Cnf<float>(field)),
///                                      pathline::matrix_data(x), pathline::maximum_likelihood<float>());
///     const auto result = trainer.run();                   // result.test.nll, nats
///     const pathline::Flow<float>& flow = trainer.best();  // flow.log_prob(y), flow.sample(1000, 1)
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "pathline/objective/objective.hpp"
#include "pathline/optim/adam.hpp"
#include "pathline/optim/schedule.hpp"
#include "pathline/train/evaluate.hpp"
#include "pathline/train/training_data.hpp"

namespace pathline {

/// Densities with which to compare the model on the test samples of a run: one Gaussian and a mixture of Gaussians.
struct Yardstick {
  double gaussian_nll = 0, mixture_nll = 0;  ///< nats, in the units of the data
  Index components = 1;                      ///< of the mixture
  /// By how much the model's test NLL is above that of the mixture, row by row, with its standard error.
  double excess = 0, excess_error = 0;
};

/// The length of a run with a time limit, once it is known: see TrainerOptions::seconds.
struct RunLength {
  Index iterations, cooldown;
};

/// What callbacks see after each iteration. validation is set after the iterations that validate.
struct TrainingProgress {
  Index iteration = 0, iterations = 0;  ///< done, and of all stages
  std::size_t stage = 0, stages = 1;
  std::string kind;  ///< of the stage's objective
  double loss = 0;   ///< what is minimized, of this batch: an NLL in nats for likelihood
  double nfe = 0, backward_nfe = 0;
  double gradient_norm = 0, learning_rate = 0;
  double samples_per_second = 0, seconds = 0, seconds_left = 0;  ///< seconds: of the whole run, earlier parts too
  const Evaluation* validation = nullptr;
  bool best = false;  ///< this validation is the best so far
};

struct TrainingResult {
  Index iterations = 0, best_iteration = 0;
  bool has_best = false;  ///< a flow was validated, and the best was kept
  bool interrupted = false, stopped_early = false;
  Evaluation validation, test;         ///< of the best model; test has no points if the run was interrupted
  std::optional<double> entropy;       ///< of the data, nats, where it is known
  std::optional<Yardstick> yardstick;  ///< where train_recipe trained on a table
  double seconds = 0;                  ///< spent on training and validation
};

/// One stage of training: an objective and the iterations that minimize it.
template <class S> struct Stage {
  std::shared_ptr<Objective<S>> objective;
  Index iterations = 0;      ///< >= 0; 0: what the other stages leave of TrainerOptions::iterations
  Index batch = 0;           ///< >= 0; 0: TrainerOptions::batch
  double learning_rate = 0;  ///< >= 0; 0: the optimizer's
};

struct TrainerOptions {
  Index iterations = 3000;  ///< >= 0: of all stages together
  Index batch = 256;        ///< >= 1: the batch size

  /// The learning rate is ten times the paper's: with the warm-up, the clipped gradient and the cosine below it trains
  /// a toy in a tenth of the iterations.
  AdamOptions adam{.learning_rate = 1e-2};
  /// The learning rate's course within a stage; the warm-up takes at most half of a stage. Its learning_rate and
  /// iterations come from the stage and are refused here.
  Schedule schedule{.kind = Schedule::Kind::cosine, .warmup = 100};
  double clip = 1;    ///< >= 0: the longest gradient, by Euclidean norm; 0: no limit
  double ema = 0.99;  ///< in [0, 1): decay of the weights' moving average, which is the model; 0: none
  /// Parameters whose names start with one of these are not trained: "blocks.0.". Each has to be the beginning of a
  /// name, except "base.", because a normal base has no parameters.
  std::vector<std::string> frozen = {};

  Index evaluate_every = 250;    ///< >= 1: iterations between two validations
  Index validation_rows = 0;     ///< >= 0: the validation rows at most, evenly spaced; 0: all
  Index checkpoint_every = 500;  ///< >= 1: iterations between two writes of last.h5
  Index patience = 0;            ///< >= 0: validations without an improvement that end a stage; 0: never
  /// Validates the flow before the first iteration too. A flow that begins well, from a fitted base, is then never
  /// replaced by a worse one.
  bool validate_first = false;

  /// >= 0: nats; the model keeps the cheapest solver whose mean error on the validation samples is at most this (see
  /// choose_evaluation), and the test uses it; 0: the solver of `evaluation`.
  double max_error = 0;
  /// Solver, trace and tile of validations and of the test. Its other options are refused: seed and threads are below.
  EvaluationOptions evaluation = {};
  /// >= 1: the number of draws of the flow for a validation, where a target takes the place of data
  Index validation_draws = SourceOptions{}.validation_size;
  Index test_draws = SourceOptions{}.test_size;  ///< >= 1: the same, for the test
  std::uint64_t seed = 0;                        ///< of the draws for validations and the test
  int threads = 1;                               ///< >= 0, 0: one per core. Objectives and evaluations use them

  /// Where model.h5 (the best by validation), last.h5 (to resume from) and metrics.jsonl are written; made if it is not
  /// there. Empty: nothing is written.
  std::string directory = {};
  /// Continue the run in the directory, from its last.h5, or from previous.h5 if that is damaged.
  bool resume = false;
  bool replace = false;     ///< replace a run that is in the directory
  std::string recipe = {};  ///< a text that is kept in the files, if any are written
  /// >= 0: seconds within which the run ends, validations and the test included; 0: no limit. `iterations` is then the
  /// largest number of iterations. The last stage has a trapezoid as its schedule: when cooldown_share of the seconds are left,
  /// the iterations that fit into them become its cooldown. A run with the length that was found, and without a limit,
  /// is bitwise the same.
  double seconds = 0;
  double cooldown_share = 0.3;  ///< in (0, 1)
  bool cpu_time = false;        ///< whether seconds are CPU time, summed over the threads, and not wall-clock time
  double seconds_spent = 0;     ///< the part of `seconds` that was spent before the trainer was made
  std::function<std::string(const RunLength&)> recipe_of = {};  ///< replaces `recipe` once the length is known
  bool estimate_time = false;  ///< tries one iteration of every later stage, for TrainingProgress::seconds_left
};

enum class TrainingAction { proceed, stop };

/// Each function may be null. A callback that returns TrainingAction::stop ends the run after this iteration; what was
/// done is saved, and a resumed run continues from there.
template <class S> struct TrainingCallbacks {
  using Callback = std::function<TrainingAction(const TrainingProgress& progress, const Flow<S>& flow)>;
  Callback iteration = {};   ///< after each iteration, with the flow as it is trained
  Callback validation = {};  ///< after each validation, with the flow that was validated: of the averaged weights
  std::function<void(const std::string&)> note = {};  ///< receives what the user should know: a damaged last.h5
};

/// Results are bitwise the same on any number of threads, and when a run is stopped and resumed.
template <class S> class Trainer {
 public:
  /// The flow is copied. Its mean, scale and logit become the data's (TrainingData::set_units). With options.resume the
  /// weights and the state of the run are read from the directory into the flow, which has to be of the same
  /// architecture; the data have to be the same.
  ///
  /// InputError for an option out of its range, an objective that cannot train the flow, data that do not fit it and a
  /// directory that holds a run already.
  Trainer(const Flow<S>& flow, TrainingData data, std::vector<Stage<S>> stages, TrainerOptions options = {},
          TrainingCallbacks<S> callbacks = {});
  Trainer(const Flow<S>& flow, TrainingData data, std::shared_ptr<Objective<S>> objective, TrainerOptions options = {},
          TrainingCallbacks<S> callbacks = {});
  ~Trainer();
  Trainer(Trainer&&) noexcept;
  Trainer& operator=(Trainer&&) noexcept;

  /// Trains until all iterations are done, patience is out or a callback stops it; called again after a stop, it
  /// continues.
  ///
  /// An iteration whose solve fails, whose loss or gradient is not finite or whose gradient explodes is skipped. After
  /// three in a row, and after a validation that goes wrong, the run goes back to the last state that was good, with
  /// 0.3 of its learning rate. The metrics and the callback `note` say so. A file that cannot be written is written
  /// again later. NumericalError naming the first iteration that went wrong, with advice, if going back three times did
  /// not help: last.h5 then has the last checkpoint. InputError if a file cannot be written at the end either.
  TrainingResult run();

  [[nodiscard]] const Flow<S>& flow() const;  ///< as it is trained
  /// The best by validation, or the last where there is no validation data; the flow as it is before the first
  /// validation.
  [[nodiscard]] const Flow<S>& best() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

extern template class Trainer<float>;
extern template class Trainer<double>;

}  // namespace pathline
