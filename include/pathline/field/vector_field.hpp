/// \file
/// The vector field f_theta(t, z; c) of the ODE dz/dt = f, evaluated for a batch of samples.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "pathline/core/attributes.hpp"
#include "pathline/core/types.hpp"
#include "pathline/core/workspace.hpp"

namespace pathline {

/// A named array inside the flat theta. It is row-major (rows x cols) as in torch and HDF5; a vector has cols = 1.
struct Parameter {
  std::string name;
  Index rows, cols, offset;
  bool decays = true;  ///< whether weight decay applies: to weights, not to biases
  Index size() const { return rows * cols; }
};

/// The point at which a field is evaluated: z is d x B with one sample per column; c is dc x B, or has no rows.
template <class S> struct FieldPoint {
  double t;
  ConstMatrixRef<S> z, c;
  Index dim() const { return z.rows(); }
  Index batch() const { return z.cols(); }
};

/// The tangent directions E of the Jacobian-vector products J E: the identity (k = d), or k probes per sample. E is
/// d x kB with probe j of sample b in column jB + b. The identity is not stored.
template <class S> struct TangentDirections {
  enum class Kind { none, identity, probes };
  Kind kind = Kind::none;
  Index k = 0;
  const S* probes = nullptr;

  static TangentDirections identity(Index dim) { return {Kind::identity, dim, nullptr}; }
  /// Writes E (d x k*batch) for any kind.
  void write(Index dim, Index batch, MatrixRef<S> e) const;
};

/// Where a pullback writes its results. An empty theta means that neither theta nor t is wanted, which saves the
/// products for the gradient of the weights.
template <class S> struct FieldCotangent {
  MatrixRef<S> z;      ///< d x B, overwritten
  MatrixRef<S> c;      ///< dc x B, added to
  VectorRef<S> theta;  ///< P, added to
  double* t;           ///< added to: dL/dt summed over the batch
};

/// Computes the cotangents (dL/df, dL/dJE) at a point from (f, JE) there; those of a regularizer depend on them.
template <class S> class CotangentRule {
 public:
  virtual ~CotangentRule() = default;
  /// f, f_bar: d x B; je, je_bar: d x kB. The bars are uninitialized: write every element.
  virtual void operator()(ConstMatrixRef<S> f, ConstMatrixRef<S> je, MatrixRef<S> f_bar, MatrixRef<S> je_bar) = 0;
};

/// A user-defined field is one class with three functions: value, tangents, pullback. All are const and may run on
/// several threads at once; temporary memory comes from the workspace, which belongs to the calling thread. A field
/// that is one formula needs less: see make_field in field/autodiff_field.hpp.
template <class S> class VectorField {
 public:
  virtual ~VectorField() = default;
  virtual std::unique_ptr<VectorField<S>> clone() const = 0;

  /// Names the class in files and in `pathline info`: "mlp", "potential". A model file contains the parameters of a
  /// field but not its class, so read_model makes only those two; a field of any other kind is read by
  /// read_parameters_into.
  virtual std::string kind() const { return "user"; }
  /// Describes the architecture without the parameters, dim() and condition_dim(), for files and `pathline info`. A
  /// file is read into a field only if both describe themselves alike. The names end_time, clock, train_end_time and
  /// field are those of the Cnf.
  virtual Attributes describe() const { return {}; }

  Index dim() const { return dim_; }
  Index condition_dim() const { return condition_dim_; }

  /// The parameters as one vector, and its named parts.
  const Vector<S>& theta() const { return theta_; }
  const std::vector<Parameter>& parameters() const { return parameters_; }
  void set_theta(ConstVectorRef<S> theta);

  /// Writes f(t, z), d x B.
  virtual void value(const FieldPoint<S>& x, MatrixRef<S> f, Workspace<S>& w) const = 0;

  /// True if f = -grad Phi. Then tangents and tangents_and_pullback also accept an f of d + 1 rows, the last being
  /// dPhi/dt.
  virtual bool has_potential() const { return false; }

  /// Writes f (d x B) and J E (d x kB) in one pass.
  virtual void tangents(const FieldPoint<S>& x, const TangentDirections<S>& e, MatrixRef<S> f, MatrixRef<S> je,
                        Workspace<S>& w) const = 0;

  /// Applies the transpose of (z, c, theta, t) -> (f, J E) at fixed E to (f_bar, je_bar), d x B and d x kB.
  virtual void pullback(const FieldPoint<S>& x, const TangentDirections<S>& e, ConstMatrixRef<S> f_bar,
                        ConstMatrixRef<S> je_bar, FieldCotangent<S> out, Workspace<S>& w) const = 0;

  /// Does both at once, with cotangents that may depend on (f, J E). The default calls tangents, then pullback; a field
  /// that can share work between them overrides it.
  virtual void tangents_and_pullback(const FieldPoint<S>& x, const TangentDirections<S>& e, CotangentRule<S>& rule,
                                     MatrixRef<S> f, MatrixRef<S> je, FieldCotangent<S> out, Workspace<S>& w) const;

  /// True if the exact trace tr(df/dz) has a closed form that costs about as much as f, whatever the dimension.
  /// Otherwise the two functions below take d tangents.
  virtual bool has_trace() const { return false; }

  /// Writes f (d x B) and the exact trace tr(df/dz) (1 x B). The default sums the diagonal of `tangents` along the
  /// identity.
  virtual void value_and_trace(const FieldPoint<S>& x, MatrixRef<S> f, MatrixRef<S> trace, Workspace<S>& w) const;

  /// Writes f (d x B) and the trace (1 x B), and applies the transpose of (z, c, theta, t) -> (f, trace) to the
  /// cotangents that `rule` gives for them: it sees the trace, 1 x B, in place of J E. The default goes through
  /// `tangents_and_pullback` along the identity.
  virtual void trace_and_pullback(const FieldPoint<S>& x, CotangentRule<S>& rule, MatrixRef<S> f, MatrixRef<S> trace,
                                  FieldCotangent<S> out, Workspace<S>& w) const;

  /// Floating-point operations per sample (two per multiply-add); 0 if unknown. Identity directions save a product.
  virtual double flops(const TangentDirections<S>&) const { return 0; }
  /// includes the evaluation that it needs
  virtual double pullback_flops(const TangentDirections<S>&) const { return 0; }

  /// Sets parameters so that f = 0 at every t, z and c, and a gradient leads away from there: a network sets its last
  /// layer to 0. Training then starts from the density of the base. False, and nothing is changed, if the field has no
  /// such parameters, as a potential; that is the default.
  virtual bool set_zero() { return false; }

 protected:
  VectorField(Index dim, Index condition_dim) : dim_(dim), condition_dim_(condition_dim) {}
  VectorField(const VectorField&) = default;
  /// Appends an array of zeros to theta and returns its offset. For use in constructors.
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
