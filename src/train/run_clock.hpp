// The time that a run takes: how long an iteration of each stage lasts, and when a run with a time limit has to end.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "train/stage_plan.hpp"

namespace pathline {

class RunClock {
 public:
  // Keeps the options. now: the seconds since a fixed moment.
  RunClock(const TrainerOptions& options, std::size_t stages, std::function<double()> now)
      : options_(options), now_(std::move(now)), each_(stages, 0) {}

  void start(double seconds_before);  // seconds_before: of the earlier parts of the run
  double now() const { return now_(); }
  double seconds() const { return seconds_before_ + now() - started_; }  // of the whole run

  void iteration_took(std::size_t stage, double seconds);  // updates a running mean
  void validation_took(double seconds) { validation_ = seconds; }
  void estimate(std::size_t stage, double seconds) { each_[stage] = seconds; }  // of an iteration
  double each(std::size_t stage) const { return each_[stage]; }                 // seconds; 0 before the first iteration
  bool has_seen_none() const;  // no iteration of any stage is timed yet

  // The time that the plan takes from an iteration of this stage on.
  double seconds_left(const std::vector<StagePlan>& plan, std::size_t stage, Index iteration) const;
  // The part of TrainerOptions::seconds that is spent.
  double seconds_spent() const { return options_.seconds_spent + seconds(); }

  // Once the time that remains is no more than the share of the cooldown: how many iterations of the last stage fit
  // into it, one at least. Nothing before, and nothing before an iteration of that stage is timed. last: no more than
  // one iteration of the plan is left. test_share: the duration of the final test as a multiple of that of a
  // validation.
  std::optional<Index> cooldown(bool last, double test_share) const;

 private:
  const TrainerOptions& options_;
  std::function<double()> now_;
  double started_ = 0, seconds_before_ = 0;
  std::vector<double> each_;  // the time of an iteration of each stage
  double validation_ = 0;     // of the last one
};

}  // namespace pathline
