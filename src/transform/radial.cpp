#include "pathline/transform/radial.hpp"

#include <cmath>

namespace pathline {

// The quantities of the map at the points z (d x B) relative to the centre z0; the row vectors are 1 x B.
template <class S> struct Radial<S>::Shape {
  Shape(const Radial& t, const Matrix<double>& z)
      : alpha(t.alpha()), beta(t.beta()), away(z.colwise() - t.center), r(away.colwise().norm()) {
    reach = alpha + r.array();
    k = beta / reach.array();
    k_slope = -k.array() / reach.array();
    radial = 1 + alpha * beta / reach.array().square();
    unit = away;
    for (Index i = 0; i < r.size(); ++i) unit.col(i) /= r[i] > 0 ? r[i] : 1;
  }
  double alpha, beta;
  Matrix<double> away, unit;  // z - z0, and of length 1 (0 at z0)
  RowVector<double> r, reach;
  RowVector<double> k, k_slope;  // beta / (alpha + r) and its derivative by r
  RowVector<double> radial;      // the eigenvalue of dy/dz along the radius; 1 + k across it
};

template <class S> double Radial<S>::alpha() const { return std::exp(a); }
template <class S> double Radial<S>::beta() const {
  return -alpha() + std::max(b, 0.0) + std::log1p(std::exp(-std::abs(b)));
}

template <class S> Radial<S>::Radial(Index dim)
    : ExplicitTransform<S>(dim), center(Vector<double>::Zero(dim)), b(std::log(std::exp(1.0) - 1)) {}

template <class S> void Radial<S>::initialize(Engine& engine, double strength) {
  for (Index i = 0; i < this->dim(); ++i) center[i] = normal(engine);
  b += strength * normal(engine);
}

template <class S> std::vector<Parameter> Radial<S>::parameters() const {
  const Index d = this->dim();
  return {{"center", d, 1, 0, false}, {"a", 1, 1, d, false}, {"b", 1, 1, d + 1, false}};
}

template <class S> Vector<double> Radial<S>::theta() const {
  Vector<double> out(parameter_count());
  out << center, a, b;
  return out;
}

template <class S> void Radial<S>::set_theta(ConstVectorRef<double> theta) {
  center = theta.head(this->dim()), a = theta[this->dim()], b = theta[this->dim() + 1];
}

template <class S>
void Radial<S>::forward(const Matrix<double>& z, Matrix<double>& y, RowVector<double>& log_det) const {
  const Shape s(*this, z);
  y = z.array() + s.away.array().rowwise() * s.k.array();
  log_det = static_cast<double>(this->dim() - 1) * s.k.array().log1p() + s.radial.array().log();
}

template <class S> Matrix<double> Radial<S>::inverse(const Matrix<double>& y) const {
  const double al = alpha(), be = beta();
  Matrix<double> z = y.colwise() - center;
  for (Index i = 0; i < z.cols(); ++i) {
    const double rho = z.col(i).norm(), p = rho - al - be, root = std::hypot(p, 2 * std::sqrt(al * rho));
    const double r = p > 0 ? (p + root) / 2 : 2 * al * rho / (root - p);  // without cancellation; 0 for rho = 0
    const double length = rho > 0 ? r / rho : 1;
    z.col(i) *= length;
  }
  return z.colwise() + center;
}

template <class S> Matrix<double> Radial<S>::pull(const Matrix<double>& z, const Matrix<double>& y_bar,
                                                  const RowVector<double>& l_bar, VectorRef<double> theta_bar) const {
  const Shape s(*this, z);
  const Index d = this->dim();
  const double across = static_cast<double>(d - 1);
  const RowVector<double> paired = y_bar.cwiseProduct(s.away).colwise().sum();  // dy/dk
  const RowVector<double> by_k = paired.array() + across * l_bar.array() / (1 + s.k.array());
  const RowVector<double> by_radial = l_bar.array() / s.radial.array();
  const RowVector<double> reach2 = s.reach.array().square(), reach3 = reach2.array() * s.reach.array();
  const RowVector<double> r_bar =
      by_k.array() * s.k_slope.array() - 2 * s.alpha * s.beta * by_radial.array() / reach3.array();
  const Matrix<double> moved =
      (y_bar.array().rowwise() * s.k.array() + s.unit.array().rowwise() * r_bar.array()).matrix();
  if (theta_bar.size() > 0) {
    const double beta_bar = (by_k.array() / s.reach.array() + s.alpha * by_radial.array() / reach2.array()).sum();
    const double alpha_bar =
        (by_k.array() * s.k_slope.array() + s.beta * by_radial.array() * (s.r.array() - s.alpha) / reach3.array())
            .sum();
    theta_bar.head(d) -= moved.rowwise().sum();
    theta_bar[d] += (alpha_bar - beta_bar) * s.alpha;
    theta_bar[d + 1] += beta_bar / (1 + std::exp(-b));
  }
  return y_bar + moved;
}

// dy/dz is symmetric: 1 + k across the radius, `radial` along it.
template <class S> Matrix<double> Radial<S>::solve_transpose(const Matrix<double>& z, const Matrix<double>& v) const {
  const Shape s(*this, z);
  const RowVector<double> along = s.unit.cwiseProduct(v).colwise().sum();
  const RowVector<double> more = along.array() * (s.radial.array().inverse() - (1 + s.k.array()).inverse());
  return (v.array().rowwise() / (1 + s.k.array()) + s.unit.array().rowwise() * more.array()).matrix();
}

template class Radial<float>;
template class Radial<double>;

}  // namespace pathline
