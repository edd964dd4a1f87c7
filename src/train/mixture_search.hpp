// The search for the number of components and of members of a Gaussian mixture, by the validation log-density.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "pathline/train/base_choice.hpp"
#include "train/fit_time.hpp"

namespace pathline {

// As many components as one core evaluates at 50,000 densities a second.
Index most_components(Index dim);

// The standard error of robust_gain(a, b), whose outermost differences it clamps.
double gain_error(const RowVector<double>& a, const RowVector<double>& b);

// A fit with the log-density of the validation rows.
struct MixtureCandidate {
  BaseFitOptions fit;
  GaussianMixture mixture;
  RowVector<double> log_density;
};

// Every function that fits takes the moment (of seconds_now()) until which it may take, and appends a line for each
// mixture to `reasons`.
class MixtureSearch {
 public:
  // Keeps the rows and the options. name: of the space of the rows, for the reasons: "" or " after marginal maps".
  MixtureSearch(const BaseRows& rows, const BaseChoiceOptions& options, std::string name)
      : rows_(&rows), options_(&options), name_(std::move(name)) {}

  // Begins with the fit that a search over some of the rows found best, or with fewer components where a fit of all
  // rows would take too long. time: that of fits of all rows, as predicted from the fits of some.
  void begin_with(BaseFitOptions found, const FitTime& time, double until, std::vector<std::string>& reasons);

  // Fits 1, 2, 4, ... components up to `most`, until two numbers in a row are no better. False if that ended it: more
  // components are not better either.
  bool double_from_one(Index most, double until, std::vector<std::string>& reasons);

  // Doubles the components of the best fit, up to `most`, as long as it is better.
  void double_from_best(Index most, double until, std::vector<std::string>& reasons);
  bool ended_by_time() const { return ended_by_time_; }  // only the time ended the last double_from_best()

  // Compares means of two fits: with twice as many components that mean may be better although one of them is not.
  void try_pairs(Index most, double until, std::vector<std::string>& reasons);

  // Adds members from other starts as long as their mean is better; those after the best mean are left out. As one
  // start may be a bad one, a few in a row may gain nothing.
  void add_members(Index most, double until, std::vector<std::string>& reasons);

  const MixtureCandidate& best() const { return *best_; }
  void set_best(MixtureCandidate best, double member_seconds);
  double member_seconds() const;                                   // of one more member of the best
  const RowVector<double>& gaussian() const { return gaussian_; }  // the log-density of one component
  const FitTime& time() const { return time_; }
  double gain(const RowVector<double>& a, const RowVector<double>& b) const;  // robust_gain() of validation rows
  double nll(const MixtureCandidate& c) const;

 private:
  bool is_in_time(Index components, double seconds) const;
  bool try_components(Index components, double prior_rows, double seconds, std::vector<std::string>& reasons);
  double predicted_seconds(const BaseFitOptions& fit) const;
  MixtureCandidate fitted(const BaseFitOptions& fit);
  std::optional<RowVector<double>> density_with_member(MixtureCandidate& mean, double until);
  bool add_member(MixtureCandidate& to, double until);

  const BaseRows* rows_;
  const BaseChoiceOptions* options_;
  std::string name_;
  std::optional<MixtureCandidate> best_, last_;
  RowVector<double> gaussian_;
  FitTime time_;
  bool ended_by_time_ = false;
  double member_seconds_ = 0;  // as known from elsewhere
};

}  // namespace pathline
