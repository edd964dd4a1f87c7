// Checks of the density against the data, or the target, on which it was trained.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <boost/math/distributions/normal.hpp>

#include "pathline/verify/check.hpp"
#include "verify/subject.hpp"
#include "verify/two_sample.hpp"

namespace pathline {
namespace {

constexpr const char* kNoData = "no data was given";

Matrix<double> stacked(const Matrix<double>& x, const Matrix<double>& c) {
  Matrix<double> out(x.rows() + c.rows(), x.cols());
  out.topRows(x.rows()) = x;
  if (c.rows() > 0) out.bottomRows(c.rows()) = c;
  return out;
}

struct Mean {
  double value = 0, error = 0;
};
Mean mean_of(const RowVector<double>& values) {
  const double n = static_cast<double>(values.size()), mean = values.mean();
  return {mean, std::sqrt((values.array() - mean).square().sum() / (n * (n - 1)))};
}

// The figure of the training: the mean of -log p over the data, or of log q - log p~ over draws.
Mean figure_of_training(const Subject& s, Index n) {
  if (s.target) {
    const Matrix<double> none(0, 0), x = default_samples(s, n, "verify.likelihood", none);
    return mean_of(default_log_prob(s, x, none) - s.target->log_density(x, nullptr));
  }
  const auto data = draw_data(s, n, "verify.likelihood");
  return mean_of(-default_log_prob(s, data.x, data.c));
}

}  // namespace

// One-sided with data, because those may contain the rows of the training, which a small model fits better than others.
Check check_likelihood(const Subject& s) {
  constexpr Index kPoints = 4000;
  if (!s.target && s.x.cols() < 2) return skipped(kNoData);
  if (!s.trained || s.trained->of_target != (s.target != nullptr))
    return skipped("the model does not say how well it did in training");
  const auto now = figure_of_training(s, kPoints);
  const double error = std::hypot(now.error, s.trained->error);
  const double ratio = (now.value - s.trained->nll) / error;
  if (!std::isfinite(ratio)) return at_least(std::nan(""), kLeastP, "the mean is not finite");
  const double tail =
      boost::math::cdf(boost::math::complement(boost::math::normal(), s.target ? std::abs(ratio) : ratio));
  return at_least(
      s.target ? std::min(1.0, 2 * tail) : tail, kLeastP,
      fmt::format("p-value of {} {:.4f} +- {:.4f} nats against {:.4f} +- {:.4f} in training",
                  s.target ? "E[log q - log p~]" : "NLL", now.value, now.error, s.trained->nll, s.trained->error));
}

Check check_energy(const Subject& s) {
  constexpr Index kMost = 500;
  if (s.x.cols() < 20) return skipped(s.x.cols() == 0 ? kNoData : "there are fewer than 20 rows of data");
  // With a condition the draws have conditions of other rows, so that the two samples are independent.
  const Index n = std::min(kMost, s.c.rows() > 0 ? s.x.cols() / 2 : s.x.cols());
  auto data = draw_data(s, s.c.rows() > 0 ? 2 * n : n, "verify.energy");
  const Matrix<double> other = s.c.rows() > 0 ? Matrix<double>(data.c.rightCols(n)) : data.c;
  Matrix<double> a = stacked(data.x.leftCols(n), s.c.rows() > 0 ? Matrix<double>(data.c.leftCols(n)) : data.c);
  Matrix<double> b = stacked(default_samples(s, n, "verify.energy", other), other);
  const Vector<double> centre = a.rowwise().mean();
  const Vector<double> scale =
      ((a.colwise() - centre).rowwise().squaredNorm() / static_cast<double>(n)).cwiseSqrt().cwiseMax(1e-300);
  for (auto* m : {&a, &b}) *m = (m->colwise() - centre).array().colwise() / scale.array();
  Engine engine = make_stream(s.seed, "verify.energy", 1);
  const auto test = energy_test(a, b, engine, 100000);
  return at_least(test.p, kLeastP,
                  fmt::format("p-value of {} draws and {} data, energy distance {:.2g}, {} exchanges", n, n,
                              test.statistic, test.exchanges));
}

Check check_coverage(const Subject& s) {
  constexpr Index kMost = 2000;
  if (s.x.cols() < 20) return skipped(s.x.cols() == 0 ? kNoData : "there are fewer than 20 rows of data");
  const auto data = draw_data(s, kMost, "verify.coverage");
  const Index draws = data.c.rows() > 0 ? data.x.cols() : kMost;
  const auto x = default_samples(s, draws, "verify.coverage", data.c);
  const auto of_data = default_log_prob(s, data.x, data.c);
  RowVector<double> of_draws = default_log_prob(s, x, data.c);
  const auto test = kolmogorov_smirnov(of_data, of_draws);
  std::sort(of_draws.begin(), of_draws.end());
  const auto covered = [&](double part) {  // the fraction of the data in the region that contains this fraction of the draws
    const double edge = of_draws[static_cast<Index>((1 - part) * static_cast<double>(draws))];
    return 100 * static_cast<double>((of_data.array() >= edge).count()) / static_cast<double>(of_data.size());
  };
  return at_least(test.p, kLeastP,
                  fmt::format("p-value; the regions with 50, 90 and 99 % of the draws have {:.1f}, {:.1f} and {:.1f} % "
                              "of {} data",
                              covered(0.5), covered(0.9), covered(0.99), of_data.size()));
}

Check check_marginals(const Subject& s) {
  constexpr Index kMost = 2000;
  if (s.x.cols() < 20) return skipped(s.x.cols() == 0 ? kNoData : "there are fewer than 20 rows of data");
  const auto data = draw_data(s, kMost, "verify.marginals");
  const Index draws = data.c.rows() > 0 ? data.x.cols() : kMost;
  const auto x = default_samples(s, draws, "verify.marginals", data.c);
  const double d = static_cast<double>(s.flow.dim());
  double least = 1, distance = 0;
  Index column = 0;
  for (Index i = 0; i < s.flow.dim(); ++i) {
    const auto test = kolmogorov_smirnov(data.x.row(i), x.row(i));
    if (!(test.p >= least)) least = test.p, distance = test.distance, column = i;
  }
  return at_least(
      std::min(1.0, d * least), kLeastP,
      fmt::format("p-value, the least of {} columns: column {}, distance {:.3f}", s.flow.dim(), column + 1, distance));
}

Check check_calibration(const Subject& s) {
  constexpr Index kMost = 300, kDraws = 63;
  if (s.flow.condition_dim() == 0) return skipped("the model has no condition");
  if (s.x.cols() < 20) return skipped(s.x.cols() == 0 ? kNoData : "there are fewer than 20 rows of data");
  const auto data = draw_data(s, kMost, "verify.calibration");
  const Index n = data.x.cols(), d = s.flow.dim();
  Matrix<double> c(data.c.rows(), n * kDraws);
  for (Index b = 0; b < n; ++b) c.middleCols(b * kDraws, kDraws).colwise() = data.c.col(b);
  const auto x = default_samples(s, n * kDraws, "verify.calibration", c);
  Engine engine = make_stream(s.seed, "verify.calibration", 1);
  double least = 1;
  for (Index i = 0; i < d; ++i) {
    RowVector<double> place(n);  // the rank of each datum among the draws, randomized within its step
    for (Index b = 0; b < n; ++b) {
      const auto below = (x.row(i).segment(b * kDraws, kDraws).array() < data.x(i, b)).count();
      place[b] = (static_cast<double>(below) + uniform(engine)) / (kDraws + 1);
    }
    const auto test = kolmogorov_smirnov_uniform(place);
    if (!(test.p >= least)) least = test.p;
  }
  return at_least(std::min(1.0, static_cast<double>(d) * least), kLeastP,
                  fmt::format("p-value of the ranks of {} data among {} draws at their condition", n, kDraws));
}

}  // namespace pathline
