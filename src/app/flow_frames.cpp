#include "app/flow_frames.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "app/column_ends.hpp"
#include "app/grid.hpp"
#include "app/particle_paths.hpp"
#include "pathline/core/error.hpp"
#include "pathline/flow/flow_mixture.hpp"

namespace pathline {
namespace {

constexpr double kUnseen = std::numeric_limits<double>::infinity();
constexpr Index kFramePart = 4096;

plot::Range range_over(const std::vector<Matrix<double>>& particles, Index row) {
  std::vector<double> v;
  for (const auto& at : particles) v.insert(v.end(), at.row(row).begin(), at.row(row).end());
  std::erase_if(v, [](double x) { return !std::isfinite(x); });
  if (v.empty()) return {-1, 1};
  std::sort(v.begin(), v.end());
  const auto out = v.size() / 500;
  const double low = v[out], high = v[v.size() - 1 - out], pad = high > low ? 0.06 * (high - low) : 0.5;
  return {low - pad, high + pad};
}

// Computes points [first, first + count) by f; a part that fails is halved, and a point that fails alone is left out.
void in_halves(Index first, Index count, const std::function<void(Index, Index)>& f) {
  try {
    f(first, count);
  } catch (const NumericalError&) {
    if (count == 1) return;
    in_halves(first, count / 2, f), in_halves(first + count / 2, count - count / 2, f);
  }
}

template <class S> class Builder {
 public:
  Builder(const Flow<S>& flow, const FlowFrameOptions& options, const Matrix<double>& condition, int threads)
      : flow_(flow), options_(options), condition_(condition) {
    // This accuracy suffices for pictures and interpolated values.
    evaluation_.solver.rtol = evaluation_.solver.atol = 1e-4, evaluation_.threads = threads;
  }

  FlowFrames build(const std::function<void(double)>& progress) {
    if (flow_.dim() <= 2) {
      refuse_ensemble(flow_, "animate");
      if (flow_.end_time() == 0)
        throw InputError("the model solves no ODE, so that there is no time at which its density could be shown");
    }
    std::vector<double> parts;
    for (Index k = 0; k < options_.frames; ++k)
      parts.push_back(static_cast<double>(k) / static_cast<double>(options_.frames - 1));
    const double end = flow_.end_time() > 0 ? flow_.end_time() : 1;
    for (const double part : parts) out_.times.push_back(part * end);
    out_.particles = particle_paths(
        flow_, parts, {.particles = options_.particles, .seed = options_.seed, .evaluation = evaluation_}, condition_);
    for (Index row = 0; row < flow_.dim(); ++row) {
      out_.ranges.push_back(within_ends(flow_, row, range_over(out_.particles, row)));
      out_.ends.push_back(column_ends(flow_, row));
    }
    for (std::size_t k = 0; k < out_.times.size(); ++k) {
      if (flow_.dim() <= 2 && options_.cells > 0) add_density(out_.times[k]);
      if (flow_.dim() == 2 && options_.velocity_cells > 0) add_velocity(out_.times[k]);
      progress(static_cast<double>(k + 1) / static_cast<double>(options_.frames));
    }
    if (std::any_of(out_.velocity.begin(), out_.velocity.end(), [](const auto& v) { return !v.allFinite(); }))
      out_.velocity.clear();
    return std::move(out_);
  }

 private:
  Matrix<double> conditions(Index n) const { return condition_.replicate(1, condition_.rows() > 0 ? n : 1); }

  Grid grid(Index cells) const {
    std::vector<Grid::Axis> axes;
    for (const auto& range : out_.ranges) axes.push_back({range.low, range.high, cells});
    return Grid(axes);
  }

  RowVector<double> log_density(double time, const Matrix<double>& x) const {
    RowVector<double> log_p = RowVector<double>::Constant(x.cols(), -kUnseen);
    for (Index first = 0; first < x.cols(); first += kFramePart)
      in_halves(first, std::min(kFramePart, x.cols() - first), [&](Index begin, Index n) {
        log_p.segment(begin, n) = flow_.log_prob_at(time, x.middleCols(begin, n), conditions(n), evaluation_).log_prob;
      });
    return log_p.unaryExpr([](double v) { return std::isnan(v) ? -kUnseen : v; });
  }

  void add_density(double time) {
    const Grid cells = grid(options_.cells);
    out_.log_density.push_back(log_density(time, cells.points(0, cells.size())));
  }

  // Computes the velocity by differencing the map over a short time, which works for any chain of transforms.
  void add_velocity(double time) {
    const double end = flow_.end_time(), step = 1e-3 * end, to = time + step <= end ? time + step : time - step;
    auto exact = evaluation_;
    exact.density = false, exact.solver.rtol = exact.solver.atol = 1e-6;
    const Grid cells = grid(options_.velocity_cells);
    const Matrix<double> x = cells.points(0, cells.size());
    Matrix<double> v = Matrix<double>::Constant(2, x.cols(), std::nan(""));
    try {
      v = (flow_.transform(x, time, to, conditions(x.cols()), exact).points - x) / (to - time);
    } catch (const std::exception&) {  // outside of a bound, or too stiff: the report then shows the stored paths
    }
    out_.velocity.push_back(std::move(v));
  }

  const Flow<S>& flow_;
  const FlowFrameOptions& options_;
  const Matrix<double>& condition_;
  EvaluationOptions evaluation_;
  FlowFrames out_;
};

}  // namespace

std::string note_of_rest(const FlowFrames& frames) {
  for (std::size_t k = 0; k < frames.ranges.size(); ++k) {
    const auto row = static_cast<Index>(k);
    const double least = 1e-3 * (frames.ranges[k].high - frames.ranges[k].low);
    for (const auto& at : frames.particles)
      if (!((at.row(row) - frames.particles.front().row(row)).cwiseAbs().maxCoeff() < least)) return "";
  }
  return "nothing moves: no network was trained; `pathline train TABLE --iterations 2000` trains one";
}

template <class S> FlowFrames flow_frames(const Flow<S>& flow, const FlowFrameOptions& options,
                                          const Matrix<double>& condition, int threads,
                                          const std::function<void(double)>& progress) {
  return Builder<S>(flow, options, condition, threads).build(progress);
}

template FlowFrames flow_frames<float>(const Flow<float>&, const FlowFrameOptions&, const Matrix<double>&, int,
                                       const std::function<void(double)>&);
template FlowFrames flow_frames<double>(const Flow<double>&, const FlowFrameOptions&, const Matrix<double>&, int,
                                        const std::function<void(double)>&);

}  // namespace pathline
