// The score of a flow.
#include <algorithm>
#include <cmath>
#include <limits>

#include "core/tile.hpp"
#include "flow/data_side_context.hpp"
#include "flow/flow_tiles.hpp"
#include "flow/tile_images.hpp"
#include "pathline/flow/flow_mixture.hpp"

namespace pathline {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Adds one image of point b: the gradient of log(p_1 + p_2) is the mean of both gradients with the weights p_1 and p_2.
void add_image(Score& to, Index b, double log_prob, const Vector<double>& score) {
  const double before = to.log_prob[b], sum = log_add(before, log_prob);
  to.log_prob[b] = sum;
  if (before == -kInfinity)
    to.score.col(b) = score;
  else
    to.score.col(b) = std::exp(before - sum) * to.score.col(b) + std::exp(log_prob - sum) * score;
}

}  // namespace

// The gradient of log p_R at one periodic image of the points of a tile: see Periods.
template <class S> struct Flow<S>::TileScore {
  Matrix<double> score;  // NaN where the density is 0
  RowVector<double> log_prob;
  SolveReport report, backward;
};

// Pulls back the loss -log p, whose log-determinants have the weight -1, and reverses the sign of its gradient.
template <class S> typename Flow<S>::TileScore Flow<S>::tile_score(ConstMatrixRef<double> x,
                                                                   const TransformContext<S>& context,
                                                                   ChainTape<S>& tape) const {
  const Index batch = x.cols();
  RowVector<double> outer = RowVector<double>::Zero(batch), inner = outer;
  const RowVector<double> weight = -RowVector<double>::Ones(batch);
  ChainTape<double> outer_tape;
  DataSideContext data;
  Vector<double> no_theta;
  Matrix<double> y = x, no_condition(0, 0);
  data_side.apply(Direction::data_to_base, y, &outer, data.at(context.first_sample), &outer_tape);
  Matrix<S> z = y.template cast<S>();
  TileScore out{
      Matrix<double>(), RowVector<double>(), chain.apply(Direction::data_to_base, z, &inner, context, &tape), {}};
  if (!out.report.ok()) return out;
  const Matrix<double> z0 = z.template cast<double>();
  const Matrix<double> c0 = context.condition.template cast<double>();
  out.log_prob = base->log_density(z0, c0) + inner + outer;
  Vector<double> unused(base->theta().size());
  base->pullback(z0, c0, -1, y, unused);
  z = y.template cast<S>();
  Matrix<S> c_bar = Matrix<S>::Zero(context.condition.rows(), context.condition.cols());
  out.backward = chain.pullback(tape, {z, weight, no_theta, c_bar}, context);
  y = z.template cast<double>();
  data_side.pullback(outer_tape, {y, weight, no_theta, no_condition}, data.at(context.first_sample));
  out.score = -y;
  for (Index b = 0; b < batch; ++b)
    if (std::isinf(outer[b])) out.score.col(b).setConstant(std::nan(""));
  if (out.log_prob.array().isNaN().any()) out.report.status = SolveStatus::not_finite;
  return out;
}

template <class S>
Score Flow<S>::score(ConstMatrixRef<double> x, ConstMatrixRef<double> c, const ScoreOptions& options) const {
  check(x, c, options.first);
  if (const auto* mixture = members()) return mixture->score(x, c, options);
  const Index n = x.cols();
  Score out{Matrix<double>(dim(), n), RowVector<double>(n), {}, {}, 0, 0};
  const SolveOptions<S> solve{options.solver, options.trace, options.adjoint};
  chain.check(solve);
  std::vector<SolveReport> backward(static_cast<std::size_t>(Tiles{n, std::max<Index>(options.tile, 1)}.count()));
  out.report = for_each_tile<S>(*this, n, c, TileOptions(options), solve, out.nfe,
                                [&](Index begin, Index batch, const TransformContext<S>& context, TileWorker<S>& w) {
                                  SolveReport report;
                                  auto& back = backward[static_cast<std::size_t>(begin / options.tile)];
                                  back = {};
                                  out.log_prob.segment(begin, batch).setConstant(-kInfinity);
                                  out.score.middleCols(begin, batch).setZero();
                                  for (const auto& image : images(x.middleCols(begin, batch))) {
                                    const auto at = context_of(image.points, context, w.image_condition);
                                    const auto got = tile_score(image.x, at, w.tape);
                                    report.add(got.report);
                                    if (!report.ok()) return report;
                                    back.add(got.backward);
                                    for (std::size_t k = 0; k < image.points.size(); ++k)
                                      add_image(out, begin + image.points[k], got.log_prob[static_cast<Index>(k)],
                                                got.score.col(static_cast<Index>(k)));
                                  }
                                  return report;
                                });
  if (n == 0) out.backward.status = SolveStatus::success;
  for (const auto& r : backward) out.backward.add(r);
  for (std::size_t tile = 0; tile < backward.size(); ++tile)
    if (const auto begin = static_cast<Index>(tile) * options.tile; !backward[tile].ok())
      throw tile_error(options.first + begin, std::min(n - begin, options.tile), backward[tile]);
  out.backward_nfe = n == 0 ? 0 : static_cast<double>(out.backward.evaluations) / static_cast<double>(backward.size());
  return out;
}

#define PATHLINE_INSTANTIATE(S)                                                                                \
  template typename Flow<S>::TileScore Flow<S>::tile_score(ConstMatrixRef<double>, const TransformContext<S>&, \
                                                           ChainTape<S>&) const;                               \
  template Score Flow<S>::score(ConstMatrixRef<double>, ConstMatrixRef<double>, const ScoreOptions&) const;
PATHLINE_INSTANTIATE(float)
PATHLINE_INSTANTIATE(double)
#undef PATHLINE_INSTANTIATE

}  // namespace pathline
