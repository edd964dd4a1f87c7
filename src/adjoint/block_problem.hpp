// One solve of one tile, which an adjoint method differentiates.
#pragma once

#include <vector>

#include "pathline/ode/augmented.hpp"
#include "pathline/ode/tableau.hpp"

namespace pathline {

// The loss of a sample is a function of z(t1) plus weight l(t1) + r(t1), where l and r are the integrals of -tr(df/dz)
// and of the penalty along the solve from t0 to t1.
template <class S> struct BlockProblem {
  const VectorField<S>& field;
  const TraceMethod<S>& method;
  const Matrix<S>& condition;
  const Integrand<S>* penalty;  // may be null
  double t0, t1;
  const RowVector<S>* weight = nullptr;  // the weight of l, 1 x B; null: 1 for each sample

  // The number of rows of f: d, plus one for the rate of the potential if the penalty needs it.
  Index rows(Index d) const { return d + (penalty && penalty->needs_potential() ? 1 : 0); }
  S sign() const { return t1 < t0 ? S(-1) : S(1); }  // the sign of dt: the penalty grows in both directions of time
};

// The derivatives of the loss L. On entry z holds dL/dz(t1), on return dL/dz(t0). The others are added to.
template <class S> struct BlockCotangent {
  Matrix<S>& z;
  VectorRef<S> theta;
  MatrixRef<S> condition;
  double t0 = 0, t1 = 0;
};

// Records the accepted steps of the forward solve. It keeps its memory between solves, so that each is cleared first.
template <class S> class Tape final : public StepObserver<S> {
 public:
  struct Entry {
    double t0, t1;
    Matrix<S> z;               // z(t0), d x B
    std::vector<Matrix<S>> k;  // dz/dt at the stages but the last, d x B each: what the later stages depend on
  };
  // The discrete adjoint needs the rates, too, which it would have to evaluate once more: they are kept if the tableau
  // of the method is given.
  void clear(const Tableau* tableau) { size_ = 0, stages_ = tableau ? tableau->stages() : 0; }
  bool wants_rates() const override { return stages_ > 0; }
  void accepted(const Step<S>& step) override {
    if (size_ == entries_.size()) entries_.emplace_back();
    auto& e = entries_[size_++];
    e.t0 = step.t0, e.t1 = step.t1, e.z = step.x0->block(0);
    e.k.resize(stages_ > 0 ? stages_ - 1 : 0);
    for (std::size_t i = 0; i < e.k.size(); ++i) e.k[i] = step.rates[i].block(0);
  }
  std::size_t size() const { return size_; }
  const Entry& operator[](std::size_t i) const { return entries_[i]; }

 private:
  std::vector<Entry> entries_;
  std::size_t size_ = 0, stages_ = 0;
};

// Gives the cotangents of f and of the product p of the trace method, when f has the cotangent f_bar and the integrand
// g = -tr(df/dz) + sign * penalty has the cotangent `scale`.
template <class S> class PathRule final : public CotangentRule<S> {
 public:
  PathRule(const BlockProblem<S>& problem, const TraceMethod<S>& method, ConstMatrixRef<S> f_bar, S scale,
           Workspace<S>& w)
      : problem_(problem), method_(method), f_bar_(f_bar), scale_(scale), w_(w) {}
  void operator()(ConstMatrixRef<S> f, ConstMatrixRef<S> p, MatrixRef<S> f_bar, MatrixRef<S> p_bar) override {
    f_bar.topRows(f_bar_.rows()) = f_bar_;
    f_bar.bottomRows(f_bar.rows() - f_bar_.rows()).setZero();
    if (!method_.any()) return;
    typename Workspace<S>::Frame frame(w_);
    auto row = w_.matrix(1, f.cols());
    if (problem_.weight)
      row = -scale_ * *problem_.weight;
    else
      row.setConstant(-scale_);
    method_.pullback(row, p_bar);
    method_.trace(p, row);
    if (problem_.weight) row = row.cwiseProduct(*problem_.weight);
    paired = -static_cast<double>(row.sum()) * static_cast<double>(scale_);
    if (!problem_.penalty) return;
    const S scaled = scale_ * problem_.sign();
    const Index d = f_bar_.rows();
    const auto je = method_.products(p, d);
    problem_.penalty->value(method_.directions, f, je, row);
    paired += static_cast<double>(row.sum()) * static_cast<double>(scaled);
    problem_.penalty->pullback(method_.directions, f, je, scaled, f_bar, method_.products(p_bar, d));
  }
  double paired = 0;  // scale * g, summed over the samples

 private:
  const BlockProblem<S>& problem_;
  const TraceMethod<S>& method_;
  ConstMatrixRef<S> f_bar_;
  S scale_;
  Workspace<S>& w_;
};

}  // namespace pathline
