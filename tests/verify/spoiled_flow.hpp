// Flows with a fault of the code, which no file can have: fields and transforms that say something wrong.
#pragma once

#include <memory>

#include "pathline/flow/flow.hpp"

namespace pathline {

// A field that passes another one on, with a fault.
class SpoiledField final : public VectorField<double> {
 public:
  enum class Fault { trace_sign, trace_scale, pullback, probes, swapped_time };
  SpoiledField(std::shared_ptr<VectorField<double>> field, Fault fault)
      : VectorField<double>(field->dim(), field->condition_dim()), field_(std::move(field)), fault_(fault) {}
  std::unique_ptr<VectorField<double>> clone() const override {
    return std::make_unique<SpoiledField>(std::shared_ptr<VectorField<double>>(field_->clone()), fault_);
  }
  void value(const FieldPoint<double>& x, MatrixRef<double> f, Workspace<double>& w) const override {
    field_->value({time(x.t), x.z, x.c}, f, w);
  }
  void tangents(const FieldPoint<double>& x, const TangentDirections<double>& e, MatrixRef<double> f,
                MatrixRef<double> je, Workspace<double>& w) const override {
    field_->tangents({time(x.t), x.z, x.c}, e, f, je, w);
    if (fault_ == Fault::trace_sign) je = -je;
    if (fault_ == Fault::trace_scale) je *= 1.02;
    if (fault_ == Fault::probes && e.kind == TangentDirections<double>::Kind::probes) je *= 1.1;
  }
  void pullback(const FieldPoint<double>& x, const TangentDirections<double>& e, ConstMatrixRef<double> f_bar,
                ConstMatrixRef<double> je_bar, FieldCotangent<double> out, Workspace<double>& w) const override {
    Vector<double> unused = Vector<double>::Zero(out.theta.size() > 0 ? field_->theta().size() : 0);
    const double sign = fault_ == Fault::trace_sign ? -1 : fault_ == Fault::trace_scale ? 1.02 : 1;
    field_->pullback({time(x.t), x.z, x.c}, e, f_bar, sign * je_bar, {out.z, out.c, unused, out.t}, w);
    if (fault_ == Fault::pullback) out.z *= 0.99;
  }

 private:
  double time(double t) const { return fault_ == Fault::swapped_time ? 1 - t : t; }

  std::shared_ptr<VectorField<double>> field_;
  Fault fault_;
};

// A transform that passes another one on, with a fault.
class SpoiledTransform final : public Transform<double> {
 public:
  enum class Fault { log_determinant, inverse, not_monotone };
  SpoiledTransform(std::unique_ptr<Transform<double>> inner, Fault fault)
      : Transform<double>(inner->dim(), inner->condition_dim()), inner_(std::move(inner)), fault_(fault) {}
  std::unique_ptr<Transform<double>> clone() const override {
    return std::make_unique<SpoiledTransform>(inner_->clone(), fault_);
  }
  std::string kind() const override { return inner_->kind(); }
  double duration() const override { return inner_->duration(); }
  SolveReport apply(Direction direction, MatrixRef<double> z, RowVector<double>* log_det,
                    const TransformContext<double>& context, TransformTape<double>* tape) const override {
    RowVector<double> own = RowVector<double>::Zero(z.cols());
    const auto report = inner_->apply(direction, z, log_det ? &own : nullptr, context, tape);
    if (fault_ == Fault::inverse && direction == Direction::data_to_base) z.array() *= 1.001;
    if (fault_ == Fault::not_monotone && direction == Direction::base_to_data) {
      const RowVector<double> wave = 0.5 * (4 * z.row(0).array()).sin();  // its slope is down to -2
      z.row(0) += wave;
    }
    if (log_det) *log_det += (fault_ == Fault::log_determinant ? 1.02 : 1.0) * own;
    return report;
  }
  std::unique_ptr<TransformTape<double>> make_tape() const override { return inner_->make_tape(); }
  SolveReport pullback(Direction direction, const TransformTape<double>& tape, TransformCotangent<double> to,
                       const TransformContext<double>& context) const override {
    return inner_->pullback(direction, tape, to, context);
  }

 private:
  std::unique_ptr<Transform<double>> inner_;
  Fault fault_;
};

// A base whose draws are wider than its density says.
class SpoiledBase final : public Base {
 public:
  explicit SpoiledBase(std::unique_ptr<Base> inner) : Base(inner->dim(), inner->condition_dim()), inner_(std::move(inner)) {}
  std::unique_ptr<Base> clone() const override { return std::make_unique<SpoiledBase>(inner_->clone()); }
  BaseKind kind() const override { return inner_->kind(); }
  RowVector<double> log_density(ConstMatrixRef<double> z, ConstMatrixRef<double> c) const override {
    return inner_->log_density(z, c);
  }
  void pullback(ConstMatrixRef<double> z, ConstMatrixRef<double> c, double weight, MatrixRef<double> z_bar,
                VectorRef<double> theta_bar) const override {
    inner_->pullback(z, c, weight, z_bar, theta_bar);
  }
  void sample(Engine& engine, MatrixRef<double> z, ConstMatrixRef<double> c) const override {
    inner_->sample(engine, z, c);
    z *= 1.1;
  }

 private:
  std::unique_ptr<Base> inner_;
};

}  // namespace pathline
