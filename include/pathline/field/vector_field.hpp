/// \file
/// The vector field f_theta(t, z; c) of dz/dt = f: what a flow integrates, in batch.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "pathline/core/types.hpp"
#include "pathline/core/workspace.hpp"

namespace pathline {

/// A named array inside the flat theta. Row-major (rows x cols), as torch and HDF5 keep it; a vector has cols = 1.
struct Parameter {
  std::string name;
  Index rows, cols, offset;
  bool decays = true;  ///< weight decay applies (weights, not biases)
  Index size() const { return rows * cols; }
};

/// Where a field is evaluated: z is d x B, one sample a column; c is dc x B, or has no rows.
template <class S> struct FieldPoint {
  double t;
  ConstMatrixRef<S> z, c;
  Index dim() const { return z.rows(); }
  Index batch() const { return z.cols(); }
};

/// The directions E of the Jacobian-vector products J E: the identity (k = d), or k probes a sample. E is d x kB,
/// probe j of sample b in column jB + b; the identity has no array.
template <class S> struct TangentDirections {
  enum class Kind { none, identity, probes };
  Kind kind = Kind::none;
  Index k = 0;
  const S* probes = nullptr;

  static TangentDirections identity(Index dim) { return {Kind::identity, dim, nullptr}; }
  /// Writes E (d x k*batch), whichever the kind.
  void write(Index dim, Index batch, MatrixRef<S> e) const;
};

/// Where a pullback leaves its results. theta may be empty: then neither theta nor t is asked for, which saves the
/// products into the weights.
template <class S> struct FieldCotangent {
  MatrixRef<S> z;      ///< d x B, overwritten
  MatrixRef<S> c;      ///< dc x B, added to
  VectorRef<S> theta;  ///< P, added to
  double* t;           ///< added to: dL/dt summed over the batch
};

/// The cotangents (dL/df, dL/dJE) at a point, given (f, JE) there: a regularizer's depend on them.
template <class S> class CotangentRule {
 public:
  virtual ~CotangentRule() = default;
  /// f, f_bar: d x B; je, je_bar: d x kB. The bars are uninitialized: write every element.
  virtual void operator()(ConstMatrixRef<S> f, ConstMatrixRef<S> je, MatrixRef<S> f_bar, MatrixRef<S> je_bar) = 0;
};

/// A field of one's own is one class with three functions: value, tangents, pullback. All are const and may run on
/// several threads at once; scratch comes from the workspace, which belongs to the calling thread.
template <class S> class VectorField {
 public:
  virtual ~VectorField() = default;
  virtual std::unique_ptr<VectorField<S>> clone() const = 0;

  Index dim() const { return dim_; }
  Index condition_dim() const { return condition_dim_; }

  /// theta, flat, and its named parts.
  const Vector<S>& theta() const { return theta_; }
  const std::vector<Parameter>& parameters() const { return parameters_; }
  void set_theta(ConstVectorRef<S> theta);

  /// f(t, z): d x B.
  virtual void value(const FieldPoint<S>& x, MatrixRef<S> f, Workspace<S>& w) const = 0;

  /// True of f = -grad Phi: then tangents and tangents_and_pullback take an f of d + 1 rows too, the last dPhi/dt.
  virtual bool has_potential() const { return false; }

  /// f (d x B) and J E (d x kB), in one pass.
  virtual void tangents(const FieldPoint<S>& x, const TangentDirections<S>& e, MatrixRef<S> f, MatrixRef<S> je,
                        Workspace<S>& w) const = 0;

  /// The transpose of (z, c, theta, t) -> (f, J E) at fixed E, applied to (f_bar, je_bar): d x B and d x kB.
  virtual void pullback(const FieldPoint<S>& x, const TangentDirections<S>& e, ConstMatrixRef<S> f_bar,
                        ConstMatrixRef<S> je_bar, FieldCotangent<S> out, Workspace<S>& w) const = 0;

  /// Both at once, with cotangents that may depend on (f, J E). The default calls tangents, then pullback; a field
  /// that can share the work overrides it.
  virtual void tangents_and_pullback(const FieldPoint<S>& x, const TangentDirections<S>& e, CotangentRule<S>& rule,
                                     MatrixRef<S> f, MatrixRef<S> je, FieldCotangent<S> out, Workspace<S>& w) const;

  /// True if the exact trace tr(df/dz) has a closed form that costs about as much as f, whatever the dimension.
  /// Otherwise the two functions below take d tangents.
  virtual bool has_trace() const { return false; }

  /// f (d x B) and the exact trace tr(df/dz) (1 x B). The default sums the diagonal of `tangents` along the identity.
  virtual void value_and_trace(const FieldPoint<S>& x, MatrixRef<S> f, MatrixRef<S> trace, Workspace<S>& w) const;

  /// Writes f (d x B) and the trace (1 x B), and applies the transpose of (z, c, theta, t) -> (f, trace) to the
  /// cotangents that `rule` gives for them: it sees the trace, 1 x B, in place of J E. The default goes through
  /// `tangents_and_pullback` along the identity.
  virtual void trace_and_pullback(const FieldPoint<S>& x, CotangentRule<S>& rule, MatrixRef<S> f, MatrixRef<S> trace,
                                  FieldCotangent<S> out, Workspace<S>& w) const;

  /// Multiply-adds of one sample, times two; 0 if not known. k: tangents; identity directions save the first product.
  virtual double flops(const TangentDirections<S>&) const { return 0; }
  virtual double pullback_flops(const TangentDirections<S>&) const { return 0; }  ///< with the evaluation it needs

 protected:
  VectorField(Index dim, Index condition_dim) : dim_(dim), condition_dim_(condition_dim) {}
  VectorField(const VectorField&) = default;
  /// Appends an array to theta, zeros; returns its offset. For constructors.
  Index add_parameter(const std::string& name, Index rows, Index cols, bool decays);
  virtual void theta_changed() {}

 private:
  Index dim_, condition_dim_;
  Vector<S> theta_;
  std::vector<Parameter> parameters_;
};

extern template class VectorField<float>;
extern template class VectorField<double>;
extern template struct TangentDirections<float>;
extern template struct TangentDirections<double>;

}  // namespace pathline
