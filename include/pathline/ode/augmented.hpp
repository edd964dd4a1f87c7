/// \file
/// The right-hand side of a continuous normalizing flow: the path, with the log-density beside it.
#pragma once

#include "pathline/field/vector_field.hpp"
#include "pathline/ode/solver.hpp"
#include "pathline/trace/trace.hpp"

namespace pathline {

/// The rate of an integral along the path of each sample, on which the path does not depend: a regularizer.
template <class S> class Integrand {
 public:
  virtual ~Integrand() = default;
  /// True: f has d + 1 rows, the last the time derivative of the field's potential.
  virtual bool needs_potential() const { return false; }
  /// False: it depends on f alone, and gets no directions and an empty je. Only then can the trace be taken in closed
  /// form.
  virtual bool needs_jacobian() const { return true; }
  /// f: d x B, je = J E: d x kB; writes out: 1 x B.
  virtual void value(const TangentDirections<S>& e, ConstMatrixRef<S> f, ConstMatrixRef<S> je,
                     MatrixRef<S> out) const = 0;
  /// The transpose: f_bar and je_bar += scale * dvalue/df, dvalue/dJE.
  virtual void pullback(const TangentDirections<S>& e, ConstMatrixRef<S> f, ConstMatrixRef<S> je, S scale,
                        MatrixRef<S> f_bar, MatrixRef<S> je_bar) const = 0;
};

/// d/dt [z | l | r] = [f | -tr(df/dz) | integrand] for one tile (Chen et al. 2018, theorem 1; r as in Finlay et al.
/// 2020, section 3). The layout says how many of the three there are. Only z and l count in the error norm.
template <class S> class Augmented final : public System<S> {
 public:
  /// c: dc x B; all outlive the object. integrand may be null. sign: of dt, so that r grows either way.
  Augmented(const VectorField<S>& field, const TraceMethod<S>& method, const Matrix<S>& c, Workspace<S>& workspace,
            const Integrand<S>* integrand = nullptr, S sign = 1)
      : field_(field), method_(method), c_(c), workspace_(workspace), integrand_(integrand), sign_(sign) {}
  static StateLayout layout(Index dim, Index batch, bool with_density, bool with_integrand = false);
  void rates(double t, const State<S>& x, State<S>& dxdt) override;

 private:
  const VectorField<S>& field_;
  TraceMethod<S> method_;
  const Matrix<S>& c_;
  Workspace<S>& workspace_;
  const Integrand<S>* integrand_;
  S sign_;
};

extern template class Augmented<float>;
extern template class Augmented<double>;

}  // namespace pathline
