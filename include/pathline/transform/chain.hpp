/// A sequence of transforms from the base to the data. It is a value, and it has the one loop over them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "pathline/core/clone_ptr.hpp"
#include "pathline/transform/transform.hpp"

namespace pathline {

/// What a chain records during one apply: a tape for each of its transforms. It is reused between calls.
template <class S> class ChainTape {
 public:
  /// The tapes in the order of the chain, from the base.
  const std::vector<std::unique_ptr<TransformTape<S>>>& transforms() const { return tapes_; }

 private:
  template <class> friend class Chain;
  std::vector<std::unique_ptr<TransformTape<S>>> tapes_;
  std::vector<std::string> kinds_;
  Direction direction_ = Direction::data_to_base;
};

/// Like TransformCotangent, with the end times of each transform that solves an ODE.
template <class S> struct ChainCotangent {
  MatrixRef<S> z;                    ///< d x B, in place
  const RowVector<double>& log_det;  ///< 1 x B
  VectorRef<double> theta;           ///< parameter_count(): added to; may be empty
  MatrixRef<S> condition;            ///< dc x B, added to
  EndTimes* ends = nullptr;          ///< solves() of them: added to; may be null
};

template <class S> class Chain {
 public:
  Chain() = default;
  Chain share() const;  ///< a chain that shares the vector fields: see Transform::share

  /// Appends a transform at the end of the data.
  void add(std::unique_ptr<Transform<S>> transform) { links_.emplace_back(std::move(transform)); }
  template <class T> T& add(T transform) {
    auto link = std::make_unique<T>(std::move(transform));
    T& reference = *link;
    add(std::unique_ptr<Transform<S>>(std::move(link)));
    return reference;
  }
  void insert(std::size_t i, std::unique_ptr<Transform<S>> transform) {
    links_.emplace(links_.begin() + static_cast<std::ptrdiff_t>(i), std::move(transform));
  }
  void remove(std::size_t i) { links_.erase(links_.begin() + static_cast<std::ptrdiff_t>(i)); }

  std::size_t size() const { return links_.size(); }
  bool empty() const { return links_.empty(); }
  const Transform<S>& operator[](std::size_t i) const { return *links_[i]; }
  Transform<S>& operator[](std::size_t i) { return *links_[i]; }
  /// The transforms of class T, in the order of the chain.
  template <class T> std::vector<const T*> all() const {
    std::vector<const T*> out;
    for (const auto& link : links_)
      if (const auto* t = dynamic_cast<const T*>(link.get())) out.push_back(t);
    return out;
  }
  template <class T> std::vector<T*> all() {
    std::vector<T*> out;
    for (auto& link : links_)
      if (auto* t = dynamic_cast<T*>(link.get())) out.push_back(t);
    return out;
  }

  Index condition_dim() const;  ///< the largest one of its transforms
  double end_time() const;      ///< sum of the durations; 0 if no transform solves an ODE
  std::size_t solves() const;   ///< number of transforms that solve an ODE

  /// The parameters as one vector: first those of the transforms that solve an ODE, then those of the others, each in
  /// the order of the chain. They are named "<prefix>.<i>.<name>", where i counts the transforms of one prefix.
  Index parameter_count() const;
  Index solved_parameter_count() const;  ///< those of the transforms that solve an ODE
  std::vector<Index> offsets() const;    ///< offset of the parameters of each transform
  std::vector<Parameter> parameters() const;
  Vector<double> theta() const;
  void set_theta(ConstVectorRef<double> theta);
  /// Calls Transform::add_time_gradient with the end times (solves() of them) of each transform.
  void add_time_gradient(const std::vector<EndTimes>& ends, VectorRef<double> theta_bar) const;

  void check(const SolveOptions<S>& options) const;
  bool gathers() const;
  void update(const std::vector<BatchStatistics>& statistics);  ///< one per transform

  /// Applies the whole chain as Transform::apply does. context.probes and context.first_step belong to the first solve;
  /// the n-th uses probes.of_solve(n) and first_step + n. The loop stops at the first failure.
  SolveReport apply(Direction direction, MatrixRef<S> z, RowVector<double>* log_det, const TransformContext<S>& context,
                    ChainTape<S>* tape = nullptr) const;
  /// Moves z from one time to another, both in [0, end_time()]. A transform without duration belongs to the interval
  /// after it: at its time a point is still on its base side, except at the end of the chain. context.keeper receives z
  /// at the increasing `times` on the way from the base to the data.
  SolveReport apply_between(double from, double to, MatrixRef<S> z, RowVector<double>* log_det,
                            const TransformContext<S>& context, const std::vector<double>& times = {}) const;
  /// Applies the transpose of the apply that the tape recorded.
  SolveReport pullback(const ChainTape<S>& tape, ChainCotangent<S> to, const TransformContext<S>& context) const;

 private:
  struct Span;
  SolveReport walk(Direction direction, const Span* span, MatrixRef<S> z, RowVector<double>* log_det,
                   const TransformContext<S>& context, ChainTape<S>* tape) const;
  SolveReport one(std::size_t i, Direction direction, MatrixRef<S> z, RowVector<double>* log_det,
                  const TransformContext<S>& context, ChainTape<S>* tape) const;

  std::vector<ClonePtr<Transform<S>>> links_;
};

extern template class Chain<float>;
extern template class Chain<double>;

}  // namespace pathline
