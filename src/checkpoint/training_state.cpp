#include "pathline/checkpoint/training_state.hpp"

#include "pathline/core/error.hpp"

namespace pathline {

void write_training_state(Hdf5File& out, const TrainingState& s) {
  auto group = out.create_group("training");
  group.set_attribute("iteration", static_cast<std::int64_t>(s.iteration));
  group.set_attribute("adam_steps", static_cast<std::int64_t>(s.adam.steps));
  group.set_attribute("ema_updates", static_cast<std::int64_t>(s.ema.updates));
  group.set_attribute("best", s.best);
  group.set_attribute("best_iteration", static_cast<std::int64_t>(s.best_iteration));
  group.set_attribute("evaluations_since_best", static_cast<std::int64_t>(s.evaluations_since_best));
  group.set_attribute("seconds", s.seconds);
  group.set_attribute("data_hash", s.data_hash);
  group.write_vector("theta", s.theta);
  group.write_vector("adam_m", s.adam.m), group.write_vector("adam_v", s.adam.v);
  group.write_vector("ema", s.ema.average);
  group.write_vector("first_steps", s.first_steps);
}

TrainingState read_training_state(const std::string& file) {
  const auto in = Hdf5File::open(file);
  if (!in.exists("training")) throw InputError(file + ": contains no training state to resume; expected a last.h5");
  const auto group = in.group("training");
  TrainingState s;
  s.iteration = group.attribute<std::int64_t>("iteration");
  s.adam.steps = group.attribute<std::int64_t>("adam_steps");
  s.ema.updates = group.attribute<std::int64_t>("ema_updates");
  s.best = group.attribute<double>("best");
  s.best_iteration = group.attribute<std::int64_t>("best_iteration");
  s.evaluations_since_best = group.attribute<std::int64_t>("evaluations_since_best");
  s.seconds = group.attribute<double>("seconds");
  s.data_hash = group.attribute<std::uint64_t>("data_hash");
  s.theta = group.read_vector<double>("theta");
  s.adam.m = group.read_vector<double>("adam_m"), s.adam.v = group.read_vector<double>("adam_v");
  s.ema.average = group.read_vector<double>("ema");
  s.first_steps = group.read_vector<double>("first_steps");
  for (const auto* v : {&s.adam.m, &s.adam.v})
    if (v->size() != s.theta.size()) throw InputError(file + ": training: arrays of different sizes");
  return s;
}

}  // namespace pathline
