#include "pathline/transform/planar.hpp"

#include <cmath>
#include <limits>

#include <boost/math/tools/roots.hpp>

namespace pathline {
namespace {

const double kRest = std::log(std::exp(1.0) - 1);  // m(kRest) = 0

// m(x) = -1 + log(1 + e^x), without overflow.
double bounded_below(double x) { return -1 + std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x))); }

// The root of a + c tanh(a) = t for c > -1: between t - |c| and t + |c|, where the left side increases.
double solve_scalar(double c, double t) {
  if (!std::isfinite(t)) return std::numeric_limits<double>::quiet_NaN();
  const double reach = std::abs(c) * (1 + 1e-12) + 1e-300;
  const auto f = [&](double a) {
    const double h = std::tanh(a);
    return std::pair<double, double>(a + c * h - t, 1 + c * (1 - h * h));
  };
  return boost::math::tools::newton_raphson_iterate(f, t, t - reach, t + reach, std::numeric_limits<double>::digits);
}

}  // namespace

template <class S> Planar<S>::Planar(Index dim)
    : ExplicitTransform<S>(dim),
      w(Vector<double>::Constant(dim, 1 / std::sqrt(static_cast<double>(dim)))),
      u(kRest * w) {}

template <class S> void Planar<S>::initialize(Engine& engine, double strength) {
  const double d = static_cast<double>(this->dim());
  for (Index i = 0; i < this->dim(); ++i) w[i] = normal(engine) / std::sqrt(d);
  u = (kRest + strength * normal(engine)) / w.squaredNorm() * w;
  b = normal(engine);
}

template <class S> std::vector<Parameter> Planar<S>::parameters() const {
  const Index d = this->dim();
  return {{"w", d, 1, 0, false}, {"u", d, 1, d, false}, {"b", 1, 1, 2 * d, false}};
}

template <class S> Vector<double> Planar<S>::theta() const {
  Vector<double> out(parameter_count());
  out << w, u, b;
  return out;
}

template <class S> void Planar<S>::set_theta(ConstVectorRef<double> theta) {
  const Index d = this->dim();
  w = theta.head(d), u = theta.segment(d, d), b = theta[2 * d];
}

template <class S> double Planar<S>::along() const { return bounded_below(w.dot(u)); }

template <class S> Vector<double> Planar<S>::direction() const {
  return u + (along() - w.dot(u)) / w.squaredNorm() * w;
}

template <class S>
void Planar<S>::forward(const Matrix<double>& z, Matrix<double>& y, RowVector<double>& log_det) const {
  const RowVector<double> h = ((w.transpose() * z).array() + b).tanh();
  y.noalias() = direction() * h;
  y += z;
  log_det = (along() * (1 - h.array().square())).log1p();
}

template <class S> Matrix<double> Planar<S>::inverse(const Matrix<double>& y) const {
  const double c = along();
  RowVector<double> h = (w.transpose() * y).array() + b;
  for (Index i = 0; i < h.size(); ++i) h[i] = std::tanh(solve_scalar(c, h[i]));
  return y - direction() * h;
}

template <class S> Matrix<double> Planar<S>::pull(const Matrix<double>& z, const Matrix<double>& y_bar,
                                                  const RowVector<double>& l_bar, VectorRef<double> theta_bar) const {
  const Index d = this->dim();
  const double c = along();
  const Vector<double> moves = direction();
  const RowVector<double> h = ((w.transpose() * z).array() + b).tanh();
  const RowVector<double> slope = 1 - h.array().square(), share = l_bar.array() / (1 + c * slope.array());
  // The cotangent of a = w^T z + b, through y and through L, with tanh'' = -2 tanh tanh'.
  const RowVector<double> a_bar =
      (moves.transpose() * y_bar).array() * slope.array() - 2 * c * share.array() * h.array() * slope.array();
  if (theta_bar.size() > 0) {
    const double s = w.dot(u), n = w.squaredNorm(), slope_m = 1 / (1 + std::exp(-s));
    const Vector<double> moves_bar = y_bar * h.transpose();
    const double c_bar = share.dot(slope), g = w.dot(moves_bar);
    const double s_bar = (slope_m - 1) / n * g + c_bar * slope_m;
    theta_bar.head(d) += z * a_bar.transpose() + (c - s) / n * moves_bar + s_bar * u - 2 * (c - s) / (n * n) * g * w;
    theta_bar.segment(d, d) += moves_bar + s_bar * w;
    theta_bar[2 * d] += a_bar.sum();
  }
  return y_bar + w * a_bar;
}

// (I + tanh' w u'^T)^-1 by the formula of Sherman & Morrison.
template <class S> Matrix<double> Planar<S>::solve_transpose(const Matrix<double>& z, const Matrix<double>& v) const {
  const RowVector<double> slope = 1 - ((w.transpose() * z).array() + b).tanh().square();
  const RowVector<double> scale = slope.array() * (direction().transpose() * v).array() / (1 + along() * slope.array());
  return v - w * scale;
}

template class Planar<float>;
template class Planar<double>;

}  // namespace pathline
