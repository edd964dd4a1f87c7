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
  auto recovery = group.create_group("recovery");
  recovery.set_attribute("rate", s.recovery.rate);
  recovery.set_attribute("skipped", static_cast<std::int64_t>(s.recovery.skipped));
  recovery.set_attribute("rollbacks", static_cast<std::int64_t>(s.recovery.rollbacks));
  recovery.set_attribute("all_skipped", static_cast<std::int64_t>(s.recovery.all_skipped));
  recovery.set_attribute("all_rollbacks", static_cast<std::int64_t>(s.recovery.all_rollbacks));
  recovery.set_attribute("well", static_cast<std::int64_t>(s.recovery.well));
  recovery.set_attribute("log_norm", s.recovery.log_norm);
  recovery.set_attribute("norms", static_cast<std::int64_t>(s.recovery.norms));
  if (!s.good) return;
  auto good = group.create_group("good");
  good.set_attribute("iteration", static_cast<std::int64_t>(s.good->iteration));
  good.set_attribute("adam_steps", static_cast<std::int64_t>(s.good->adam.steps));
  good.set_attribute("ema_updates", static_cast<std::int64_t>(s.good->ema.updates));
  good.write_vector("theta", s.good->theta);
  good.write_vector("adam_m", s.good->adam.m), good.write_vector("adam_v", s.good->adam.v);
  good.write_vector("ema", s.good->ema.average);
  good.write_vector("first_steps", s.good->first_steps);
  good.write_vector("statistics", s.good->statistics);
}

namespace {

RecoveryState read_recovery(const Hdf5Group& group) {
  RecoveryState s;
  s.rate = group.attribute<double>("rate");
  s.skipped = group.attribute<std::int64_t>("skipped"), s.rollbacks = group.attribute<std::int64_t>("rollbacks");
  s.all_skipped = group.attribute<std::int64_t>("all_skipped");
  s.all_rollbacks = group.attribute<std::int64_t>("all_rollbacks");
  s.well = group.attribute<std::int64_t>("well");
  s.log_norm = group.attribute<double>("log_norm"), s.norms = group.attribute<std::int64_t>("norms");
  return s;
}

GoodState read_good(const Hdf5Group& group) {
  GoodState s;
  s.iteration = group.attribute<std::int64_t>("iteration");
  s.adam.steps = group.attribute<std::int64_t>("adam_steps");
  s.ema.updates = group.attribute<std::int64_t>("ema_updates");
  s.theta = group.read_vector<double>("theta");
  s.adam.m = group.read_vector<double>("adam_m"), s.adam.v = group.read_vector<double>("adam_v");
  s.ema.average = group.read_vector<double>("ema");
  s.first_steps = group.read_vector<double>("first_steps"), s.statistics = group.read_vector<double>("statistics");
  return s;
}

}  // namespace

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
  if (group.exists("recovery")) s.recovery = read_recovery(group.group("recovery"));  // not of an older pathline
  if (group.exists("good")) s.good = read_good(group.group("good"));
  std::vector<const Vector<double>*> like_theta{&s.adam.m, &s.adam.v};
  if (s.good) like_theta.insert(like_theta.end(), {&s.good->theta, &s.good->adam.m, &s.good->adam.v});
  for (const auto* v : like_theta)
    if (v->size() != s.theta.size()) throw InputError(file + ": training: arrays of different sizes");
  for (const auto* ema : {&s.ema, s.good ? &s.good->ema : &s.ema})
    if (ema->average.size() != 0 && ema->average.size() != s.theta.size())
      throw InputError(file + ": training: arrays of different sizes");
  return s;
}

}  // namespace pathline
