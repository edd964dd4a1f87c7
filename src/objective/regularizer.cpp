#include "pathline/objective/regularizer.hpp"

#include <cmath>
#include <utility>

#include "core/option_check.hpp"

namespace pathline {
namespace {

// The derivative of the square root at 0 is taken as 0, which is a subgradient of the norm.
template <class S> S half_inverse_root(S square) { return square > 0 ? S(0.5) / std::sqrt(square) : S(0); }

// The terms of one sample that the weights multiply.
template <class S> struct Squares {
  S f = 0, absolute = 0, jacobian = 0, diagonal = 0, directional = 0;
};

}  // namespace

template <class S>
Regularizer<S>::Regularizer(const RegularizerWeights& weights, TraceKind trace) : w_(weights) {
  const std::pair<const char*, double> all[] = {
      {"kinetic", w_.kinetic},   {"jacobian", w_.jacobian}, {"transport", w_.transport}, {"hjb", w_.hjb},
      {"l1int", w_.l1int},
      {"l2int", w_.l2int},       {"dl2int", w_.dl2int},     {"JFrobint", w_.JFrobint},
      {"JdiagFrobint", w_.JdiagFrobint}, {"JoffdiagFrobint", w_.JoffdiagFrobint}};
  for (const auto& [name, value] : all) require(value >= 0 && std::isfinite(value), name, value, ">= 0");
  if (w_.needs_exact_trace() && trace != TraceKind::exact)
    throw InputError(
        "regularizers: dl2int, JFrobint, JdiagFrobint and JoffdiagFrobint need the whole Jacobian; use the exact "
        "trace");
}

template <class S> void Regularizer<S>::value(const TangentDirections<S>& e, ConstMatrixRef<S> f, ConstMatrixRef<S> je,
                                              MatrixRef<S> out) const {
  const Index d = je.rows(), batch = f.cols();
  const S dim = static_cast<S>(d), root = std::sqrt(dim),
          per_probe = e.kind == TangentDirections<S>::Kind::probes ? S(1) / S(e.k) : S(1);
  for (Index b = 0; b < batch; ++b) {
    Squares<S> s;
    const auto velocity = f.col(b).head(d);
    s.f = velocity.squaredNorm();
    s.absolute = velocity.cwiseAbs().sum();
    for (Index j = 0; j < e.k; ++j) {
      const auto column = je.col(j * batch + b);  // J e_j
      s.jacobian += column.squaredNorm();
      if (!w_.needs_exact_trace()) continue;
      s.diagonal += column[j] * column[j];
      const S along = column.dot(velocity);
      s.directional += along * along;
    }
    S sum = S(w_.kinetic + 0.5 * w_.transport) * s.f + S(w_.jacobian) * per_probe * s.jacobian +
            S(w_.l1int) * s.absolute / dim + S(w_.l2int) * std::sqrt(s.f) / root;
    if (w_.needs_exact_trace()) {
      sum += S(w_.dl2int) * std::sqrt(s.directional) / root + S(w_.JFrobint) * std::sqrt(s.jacobian) / dim +
             S(w_.JdiagFrobint) * std::sqrt(s.diagonal) / root;
      if (d > 1) sum += S(w_.JoffdiagFrobint) * (s.jacobian - s.diagonal) / (dim * (dim - 1));
    }
    if (w_.hjb > 0) sum += S(w_.hjb) * std::abs(f(d, b) - s.f / 2);
    out(0, b) = sum;
  }
}

template <class S> void Regularizer<S>::pullback(const TangentDirections<S>& e, ConstMatrixRef<S> f,
                                                 ConstMatrixRef<S> je, S scale, MatrixRef<S> f_bar,
                                                 MatrixRef<S> je_bar) const {
  const Index d = je.rows(), batch = f.cols();
  const S dim = static_cast<S>(d), root = std::sqrt(dim),
          per_probe = e.kind == TangentDirections<S>::Kind::probes ? S(1) / S(e.k) : S(1);
  for (Index b = 0; b < batch; ++b) {
    const auto velocity = f.col(b).head(d);
    auto velocity_bar = f_bar.col(b).head(d);
    const S speed2 = velocity.squaredNorm();
    velocity_bar +=
        scale * (2 * S(w_.kinetic) + S(w_.transport) + 2 * S(w_.l2int) / root * half_inverse_root(speed2)) * velocity;
    if (w_.l1int > 0) velocity_bar.array() += scale * S(w_.l1int) / dim * velocity.array().sign();
    if (w_.hjb > 0) {
      const S residual = f(d, b) - speed2 / 2, on_rate = scale * S(w_.hjb) * S((residual > 0) - (residual < 0));
      f_bar(d, b) += on_rate;
      velocity_bar -= on_rate * velocity;
    }
    S on_all = 2 * S(w_.jacobian) * per_probe, on_diagonal = 0, on_along = 0;
    if (w_.needs_exact_trace()) {
      Squares<S> s;
      for (Index j = 0; j < e.k; ++j) {
        const auto column = je.col(j * batch + b);
        const S along = column.dot(velocity);
        s.jacobian += column.squaredNorm(), s.diagonal += column[j] * column[j], s.directional += along * along;
      }
      on_all += 2 * S(w_.JFrobint) / dim * half_inverse_root(s.jacobian);
      on_diagonal = 2 * S(w_.JdiagFrobint) / root * half_inverse_root(s.diagonal);
      on_along = 2 * S(w_.dl2int) / root * half_inverse_root(s.directional);
      if (d > 1) {
        const S off = 2 * S(w_.JoffdiagFrobint) / (dim * (dim - 1));
        on_all += off, on_diagonal -= off;
      }
    }
    for (Index j = 0; j < e.k; ++j) {
      const auto column = je.col(j * batch + b);
      auto bar = je_bar.col(j * batch + b);
      bar += scale * on_all * column;
      if (on_diagonal != 0) bar[j] += scale * on_diagonal * column[j];
      if (on_along != 0) {
        const S along = scale * on_along * column.dot(velocity);
        bar += along * velocity;
        velocity_bar += along * column;
      }
    }
  }
}

template class Regularizer<float>;
template class Regularizer<double>;

}  // namespace pathline
