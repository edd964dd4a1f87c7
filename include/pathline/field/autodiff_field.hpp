/// \file
/// A vector field from one function: its derivatives are taken by dual numbers.
#pragma once

#include <algorithm>
#include <cassert>
#include <cmath>
#include <initializer_list>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "pathline/core/dual.hpp"
#include "pathline/core/error.hpp"
#include "pathline/field/vector_field.hpp"

namespace pathline {

/// A named array of a field's parameters with its initial values: a number, a list (a column), or a matrix.
struct FieldParameter {
  FieldParameter(std::string called, Matrix<double> values) : name(std::move(called)), initial(std::move(values)) {}
  FieldParameter(std::string called, double value)
      : FieldParameter(std::move(called), Matrix<double>::Constant(1, 1, value)) {}
  FieldParameter(std::string called, std::initializer_list<double> column)
      : FieldParameter(std::move(called),
                       Matrix<double>(ConstVectorMap<double>(column.begin(), static_cast<Index>(column.size())))) {}

  std::string name;
  Matrix<double> initial;  ///< rows x cols; theta holds it row by row
  bool decays = false;     ///< weight decay applies
};

/// dz/dt = f(t, z; c, theta), with f given as one function of scalar type T:
///
/// \code
///     struct Relaxation {  // everything relaxes to mu at the rate exp(a)
///       template <class T> void operator()(const T& t, const Vector<T>& z, const Vector<T>& c, const Vector<T>& theta,
///                                          Vector<T>& f) const {
///         f = exp(theta[0]) * (theta.tail(z.size()) - z);
///       }
///     };
///     auto field = make_field<double>(Relaxation{}, 3, {{"a", 0.0}, {"mu", {0.0, 0.0, 0.0}}});
/// \endcode
///
/// A generic lambda, `[](const auto& t, const auto& z, const auto& c, const auto& theta, auto& f) { ... }`, works too.
/// The function sees one sample: z of d components, c of dc, theta flat in the order in which the parameters are named
/// (a matrix row by row), and writes the d components of f, which begin as NaN. T is a Dual: call exp, tanh, pow
/// without `std::`, and choose between branches by comparing values. The function is copied with the field, is const,
/// and may run on several threads at once.
///
/// Jacobian-vector products are first derivatives by dual numbers; the transpose that an adjoint needs is the gradient
/// of f_bar^T f + sum_j je_bar_j^T J e_j by each component of (z, c, theta, t), second derivatives by dual numbers of
/// dual numbers. It costs about 2 k (d + dc + P + 1) evaluations of f for k directions and P parameters, so this is for
/// the fields of physics with tens of parameters; a network is an Mlp.
template <class S, class F> class AutoDiffField final : public VectorField<S> {
 public:
  /// InputError for dim < 1, condition_dim < 0, an empty or repeated name, an initial value that is not finite, or a
  /// function that writes another number of components than dim.
  explicit AutoDiffField(F function, Index dim, const std::vector<FieldParameter>& parameters = {},
                         Index condition_dim = 0)
      : VectorField<S>(dim, condition_dim), function_(std::move(function)) {
    check(dim >= 1, "dim = " + std::to_string(dim) + ": must be >= 1");
    check(condition_dim >= 0, "condition_dim = " + std::to_string(condition_dim) + ": must be >= 0");
    for (const auto& p : parameters) add(p);
    Vector<S> theta(this->theta().size());
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      const auto& own = this->parameters()[i];
      Eigen::Map<RowMajor>(theta.data() + own.offset, own.rows, own.cols) = parameters[i].initial.template cast<S>();
    }
    this->set_theta(theta);
    Arguments<Dual<S, 0>> a(*this);
    evaluate(a);
    check(a.f.size() == dim, "the function wrote f with " + std::to_string(a.f.size()) +
                                 " components: must be dim = " + std::to_string(dim));
  }
  std::unique_ptr<VectorField<S>> clone() const override { return std::make_unique<AutoDiffField>(*this); }

  void value(const FieldPoint<S>& x, MatrixRef<S> f, Workspace<S>&) const override {
    Arguments<Dual<S, 0>> a(*this);
    for (Index b = 0; b < x.batch(); ++b) {
      a.set(x, b);
      evaluate(a);
      for (Index i = 0; i < this->dim(); ++i) f(i, b) = a.f[i].value;
    }
  }

  void tangents(const FieldPoint<S>& x, const TangentDirections<S>& e, MatrixRef<S> f, MatrixRef<S> je,
                Workspace<S>& w) const override {
    if (e.k == 0) return value(x, f, w);
    const Index d = this->dim(), batch = x.batch();
    e.write(d, batch, je);
    Arguments<Dual<S, kChunk>> a(*this);
    for (Index b = 0; b < batch; ++b) {
      a.set(x, b);
      for (Index first = 0; first < e.k; first += kChunk) {
        const Index count = std::min<Index>(kChunk, e.k - first);
        auto part = [&](Index i, Index m) -> S& { return je(i, (first + m) * batch + b); };
        for (Index i = 0; i < d; ++i)
          for (Index m = 0; m < kChunk; ++m) tangent(a.z[i], m) = m < count ? part(i, m) : S(0);
        evaluate(a);
        for (Index i = 0; i < d; ++i)
          for (Index m = 0; m < count; ++m) part(i, m) = tangent(a.f[i], m);
      }
      for (Index i = 0; i < d; ++i) f(i, b) = a.f[i].value;
    }
  }

  void pullback(const FieldPoint<S>& x, const TangentDirections<S>& e, ConstMatrixRef<S> f_bar,
                ConstMatrixRef<S> je_bar, FieldCotangent<S> out, Workspace<S>& w) const override {
    typename Workspace<S>::Frame frame(w);
    auto directions = w.matrix(this->dim(), e.k * x.batch());
    e.write(this->dim(), x.batch(), directions);
    out.z.setZero();
    if (e.k == 0)
      add_gradient<Dual<S, kChunk>>(x, 1, directions, f_bar, je_bar, out);
    else
      add_gradient<Dual<Dual<S, kChunk>, 1>>(x, e.k, directions, f_bar, je_bar, out);
  }

  const F& function() const { return function_; }

 private:
  static constexpr int kChunk = 4;  ///< directions at once
  using RowMajor = Eigen::Matrix<S, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

  static void check(bool holds, const std::string& otherwise) {
    if (!holds) throw InputError("AutoDiffField: " + otherwise);
  }
  void add(const FieldParameter& p) {
    check(!p.name.empty(), "the name of a parameter is empty");
    for (const auto& other : this->parameters())
      check(other.name != p.name, "two parameters have the name '" + p.name + "'");
    check(p.initial.allFinite(), "the initial values of '" + p.name + "' must be finite");
    this->add_parameter(p.name, p.initial.rows(), p.initial.cols(), p.decays);
  }

  /// What the function sees of one sample.
  template <class T> struct Arguments {
    T t{};
    Vector<T> z, c, theta, f;
    explicit Arguments(const AutoDiffField& field)
        : z(Vector<T>::Zero(field.dim())),
          c(Vector<T>::Zero(field.condition_dim())),
          theta(field.theta().size()),
          f(field.dim()) {
      for (Index i = 0; i < theta.size(); ++i) theta[i] = T(field.theta()[i]);
    }
    void set(const FieldPoint<S>& x, Index b) {
      t = T(x.t);
      for (Index i = 0; i < z.size(); ++i) z[i] = T(x.z(i, b));
      for (Index i = 0; i < c.size(); ++i) c[i] = T(x.c(i, b));
    }
    /// The inputs in one row: z, c, theta, t.
    T& input(Index i) {
      for (auto* part : {&z, &c, &theta}) {
        if (i < part->size()) return (*part)[i];
        i -= part->size();
      }
      return t;
    }
  };

  template <class T> void evaluate(Arguments<T>& a) const {
    a.f.setConstant(T(std::numeric_limits<S>::quiet_NaN()));
    function_(std::as_const(a.t), std::as_const(a.z), std::as_const(a.c), std::as_const(a.theta), a.f);
  }

  /// The derivative in direction m of the chunk; of a dual number of dual numbers, its value's.
  static S& tangent(Dual<S, kChunk>& x, Index m) { return x.tangent[static_cast<std::size_t>(m)]; }
  static S& tangent(Dual<Dual<S, kChunk>, 1>& x, Index m) { return tangent(x.value, m); }
  static void set_direction(Dual<S, kChunk>&, S) {}
  static void set_direction(Dual<Dual<S, kChunk>, 1>& x, S e) { x.tangent[0] = Dual<S, kChunk>(e); }
  static S mixed(Dual<S, kChunk>&, Index) { return 0; }
  static S mixed(Dual<Dual<S, kChunk>, 1>& x, Index m) { return tangent(x.tangent[0], m); }

  /// Adds the gradient of f_bar^T f + sum_j je_bar_j^T J e_j by every input, one direction and one chunk at a time.
  template <class T> void add_gradient(const FieldPoint<S>& x, Index directions, ConstMatrixRef<S> e,
                                       ConstMatrixRef<S> f_bar, ConstMatrixRef<S> je_bar,
                                       FieldCotangent<S>& out) const {
    const Index d = this->dim(), dc = this->condition_dim(), size = out.theta.size(), batch = x.batch();
    /// A field without parameters cannot be told by an empty theta that the time is not asked for.
    const bool by_time = size == this->theta().size();
    const Index inputs = d + dc + (by_time ? size + 1 : 0);
    Arguments<T> a(*this);
    for (Index b = 0; b < batch; ++b) {
      a.set(x, b);
      for (Index j = 0; j < directions; ++j) {
        const Index column = j * batch + b;
        if (e.cols() > 0)
          for (Index i = 0; i < d; ++i) set_direction(a.z[i], e(i, column));
        for (Index first = 0; first < inputs; first += kChunk) {
          const Index count = std::min<Index>(kChunk, inputs - first);
          for (Index m = 0; m < count; ++m) tangent(a.input(first + m), m) = 1;
          evaluate(a);
          for (Index m = 0; m < count; ++m) {
            tangent(a.input(first + m), m) = 0;
            S sum = 0;
            for (Index i = 0; i < d; ++i) {
              if (j == 0) sum += f_bar(i, b) * tangent(a.f[i], m);
              if (e.cols() > 0) sum += je_bar(i, column) * mixed(a.f[i], m);
            }
            add(out, first + m, b, sum);
          }
        }
      }
    }
  }

  void add(FieldCotangent<S>& out, Index input, Index b, S slope) const {
    const Index d = this->dim(), dc = this->condition_dim();
    if (input < d)
      out.z(input, b) += slope;
    else if (input < d + dc)
      out.c(input - d, b) += slope;
    else if (input < d + dc + out.theta.size())
      out.theta[input - d - dc] += slope;
    else
      *out.t += static_cast<double>(slope);
  }

  F function_;
};

/// The field of a function: see AutoDiffField.
template <class S, class F>
[[nodiscard]] std::shared_ptr<AutoDiffField<S, F>> make_field(F function, Index dim,
                                                              const std::vector<FieldParameter>& parameters = {},
                                                              Index condition_dim = 0) {
  return std::make_shared<AutoDiffField<S, F>>(std::move(function), dim, parameters, condition_dim);
}

}  // namespace pathline
