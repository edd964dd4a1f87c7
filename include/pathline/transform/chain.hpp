/// Transforms one after the other, from the base's side to the data's: itself a value, and the one loop that walks
/// them.
#pragma once

#include <vector>

#include "pathline/core/clone_ptr.hpp"
#include "pathline/transform/transform.hpp"

namespace pathline {

/// What a chain remembers of one apply: a tape for each of its transforms. Keeps its memory from call to call.
template <class S> class ChainTape {
 public:
  /// In the order of the chain, from the base's side.
  const std::vector<std::unique_ptr<TransformTape<S>>>& transforms() const { return tapes_; }

 private:
  template <class> friend class Chain;
  std::vector<std::unique_ptr<TransformTape<S>>> tapes_;
  std::vector<std::string> kinds_;
  Direction direction_ = Direction::data_to_base;
};

/// Cotangents of a chain's recorded apply; as TransformCotangent, with the ends of each transform that solves.
template <class S> struct ChainCotangent {
  MatrixRef<S> z;                    ///< d x B, in place
  const RowVector<double>& log_det;  ///< 1 x B
  VectorRef<double> theta;           ///< parameter_count(), added to; or empty
  MatrixRef<S> condition;            ///< dc x B, added to
  EndTimes* ends = nullptr;          ///< solves() of them, added to; or null
};

template <class S> class Chain {
 public:
  Chain() = default;
  Chain share() const;  ///< a chain of the same vector fields: see Transform::share

  /// at the data's end
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
  /// Those of one class, in the order of the chain.
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

  Index condition_dim() const;  ///< the largest of the transforms'
  double end_time() const;      ///< the sum of the durations; 0: nothing here takes time
  std::size_t solves() const;   ///< transforms that take time

  /// Parameters, flat: those of the transforms that solve, then those of the others, each in the order of the chain.
  /// Names: "<prefix>.<i>.<name>", i counting the transforms of a prefix.
  Index parameter_count() const;
  Index solved_parameter_count() const;  ///< of the transforms that solve
  std::vector<Index> offsets() const;    ///< of each transform's parameters
  std::vector<Parameter> parameters() const;
  Vector<double> theta() const;
  void set_theta(ConstVectorRef<double> theta);
  /// Of each transform, summed cotangents of its ends (solves() of them) to theta_bar: Transform::add_time_gradient.
  void add_time_gradient(const std::vector<EndTimes>& ends, VectorRef<double> theta_bar) const;

  void check(const SolveOptions<S>& options) const;
  bool gathers() const;
  void update(const std::vector<BatchStatistics>& statistics);  ///< of each transform

  /// All of the chain. As Transform::apply; context.probes and context.first_step are those of the first solve, and the
  /// n-th has probes.of_solve(n) and first_step + n. Stops at the first failure.
  SolveReport apply(Direction direction, MatrixRef<S> z, RowVector<double>* log_det, const TransformContext<S>& context,
                    ChainTape<S>* tape = nullptr) const;
  /// From one time to another, both in [0, end_time()]. A transform that takes no time belongs to the path behind it:
  /// at its time the point is still on its base side, except at the end of the chain. context.keeper sees z at `times`
  /// (rising) on the way from base to data.
  SolveReport apply_between(double from, double to, MatrixRef<S> z, RowVector<double>* log_det,
                            const TransformContext<S>& context, const std::vector<double>& times = {}) const;
  /// The transpose of the apply that the tape recorded.
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
