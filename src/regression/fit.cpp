#include "pathline/regression/fit.hpp"

#include "core/memory.hpp"
#include "core/option_check.hpp"

namespace pathline {

Vector<double> decay_mask(const std::vector<Parameter>& parameters) {
  Index size = 0;
  for (const auto& p : parameters) size += p.size();
  Vector<double> mask(size);
  for (const auto& p : parameters) mask.segment(p.offset, p.size()).setConstant(p.decays ? 1 : 0);
  return mask;
}

template <class S> std::vector<double> fit(Regressor<S>& model, const Matrix<S>& x, const Matrix<S>& y,
                                           const RegressionLoss& loss, const FitOptions& o) {
  require(o.batch >= 0, "batch", o.batch, ">= 0");
  require_memory("batch", o.batch, sizeof(S) * static_cast<double>(o.batch) * static_cast<double>(x.rows() + y.rows()));
  Vector<double> theta = model.theta();
  Matrix<S> some_x(x.rows(), o.batch), some_y(y.rows(), o.batch);
  auto value = [&](Index iteration, const Vector<double>& at, Vector<double>& gradient) {
    model.set_theta(at);
    if (o.batch > 0) {
      Engine engine = make_stream(o.seed, "regression.batch", static_cast<std::uint64_t>(iteration));
      for (Index b = 0; b < o.batch; ++b) {
        const Index row = uniform_index(engine, x.cols());
        some_x.col(b) = x.col(row), some_y.col(b) = y.col(row);
      }
    }
    const auto& g = o.batch > 0 ? model.gradient(some_x, some_y, loss) : model.gradient(x, y, loss);
    gradient = g.theta;
    return g.loss;
  };
  auto losses = minimize(theta, value, o.optimizer, decay_mask(model.parameters()));
  model.set_theta(theta);
  return losses;
}

template std::vector<double> fit<float>(Regressor<float>&, const Matrix<float>&, const Matrix<float>&,
                                        const RegressionLoss&, const FitOptions&);
template std::vector<double> fit<double>(Regressor<double>&, const Matrix<double>&, const Matrix<double>&,
                                         const RegressionLoss&, const FitOptions&);

}  // namespace pathline
