/// A continuous normalizing flow: a vector field integrated over time together with the log-density.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "pathline/transform/transform.hpp"

namespace pathline {

/// The direction of the field's own time. FFJORD's fields start at the data: t = 0 at the data and T at the base.
enum class FieldClock { base_to_data, data_to_base };
[[nodiscard]] std::string to_string(FieldClock clock);

/// dz/dt = f(t, z; c) from the base (time 0) to the data (time T): log|det| = integral_0^T tr(df/dz) dt (Chen et al.
/// 2018, theorem 1). Parameters: the field's, then sqrt(T) if the end time is trained (as FFJORD's sqrt_end_time).
template <class S> class Cnf final : public Transform<S> {
 public:
  /// Shares the field with the caller. The flow ends at T > 0.
  Cnf(std::shared_ptr<VectorField<S>> vector_field, double T = 1, FieldClock field_clock = FieldClock::base_to_data,
      bool train_end = false)
      : Transform<S>(vector_field->dim(), vector_field->condition_dim()),
        field(std::move(vector_field)),
        end_time(T),
        clock(field_clock),
        train_end_time(train_end) {}
  /// A copy has a field of its own; share() has the same one.
  Cnf(const Cnf& other) : Cnf(other.field->clone(), other.end_time, other.clock, other.train_end_time) {}
  Cnf(Cnf&&) noexcept = default;
  Cnf& operator=(Cnf other) noexcept {
    Transform<S>::operator=(other);
    field = std::move(other.field), end_time = other.end_time, clock = other.clock;
    train_end_time = other.train_end_time;
    return *this;
  }

  std::unique_ptr<Transform<S>> clone() const override { return std::make_unique<Cnf>(*this); }
  std::unique_ptr<Transform<S>> share() const override {
    return std::make_unique<Cnf>(field, end_time, clock, train_end_time);
  }
  std::string kind() const override { return "cnf"; }
  std::string prefix() const override { return "blocks"; }
  Attributes describe() const override;  ///< the times, "field" (its kind) and how the field describes itself

  Index parameter_count() const override { return field->theta().size() + (train_end_time ? 1 : 0); }
  std::vector<Parameter> parameters() const override;
  Vector<double> theta() const override;
  void set_theta(ConstVectorRef<double> theta) override;

  double duration() const override { return end_time; }
  void add_time_gradient(const EndTimes& ends, VectorRef<double> theta_bar) const override;
  void check(const SolveOptions<S>& options) const override;

  SolveReport apply(Direction direction, MatrixRef<S> z, RowVector<double>* log_det, const TransformContext<S>& context,
                    TransformTape<S>* tape) const override;
  std::unique_ptr<TransformTape<S>> make_tape() const override;
  SolveReport pullback(Direction direction, const TransformTape<S>& tape, TransformCotangent<S> to,
                       const TransformContext<S>& context) const override;

  double base_time() const { return clock == FieldClock::base_to_data ? 0 : end_time; }
  double data_time() const { return clock == FieldClock::base_to_data ? end_time : 0; }
  /// The field's time at `since_base` in [0, T] after the base.
  double at(double since_base) const { return clock == FieldClock::base_to_data ? since_base : end_time - since_base; }

  std::shared_ptr<VectorField<S>> field;
  double end_time;
  FieldClock clock;
  bool train_end_time;
};

extern template class Cnf<float>;
extern template class Cnf<double>;

}  // namespace pathline
