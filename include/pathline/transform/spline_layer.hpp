/// \file
/// Autoregressive and coupling layers of monotone rational-quadratic splines.
#pragma once

#include <vector>

#include "pathline/core/random.hpp"
#include "pathline/transform/transform.hpp"

namespace pathline {

struct SplineLayerOptions {
  Index dim = 0;            ///< >= 1
  Index condition_dim = 0;  ///< >= 0
  /// d: the step in which each column is transformed, from 0. The spline of a column depends on the columns of earlier
  /// steps and on the condition. 0, 1, ..., d - 1 in any order: an autoregressive layer; 0 and 1 alone: a coupling.
  std::vector<Index> steps = {};
  std::vector<Index> hidden = {64, 64};  ///< widths of the hidden layers of the conditioner, one or more
  Index bins = 8;                        ///< >= 2: of each spline
  double bound = 6;                      ///< > 0: outside [-bound, bound] the map is the identity
  bool operator==(const SplineLayerOptions&) const = default;
};

/// Each column is mapped by a monotone rational-quadratic spline, whose knots and slopes are functions of other columns
/// (neural spline flow: Durkan, Bekasov, Murray & Papamakarios 2019). The functions are one network with masked weights
/// (MADE: Germain et al. 2015). From the data to the base the map takes one pass of it, from the base to the data one a
/// step. A layer begins as the identity.
template <class S> class SplineLayer final : public Transform<S> {
 public:
  /// Throws InputError for an option out of its range.
  explicit SplineLayer(const SplineLayerOptions& options);

  /// Draws the weights of the hidden layers, uniform in +-sqrt(6 / inputs) (He et al. 2015); the last layer is 0.
  void initialize(Engine& engine);

  std::unique_ptr<Transform<S>> clone() const override { return std::make_unique<SplineLayer>(*this); }
  std::string kind() const override { return "splines"; }
  Attributes describe() const override;

  Index parameter_count() const override { return theta_.size(); }
  std::vector<Parameter> parameters() const override { return parameters_; }
  Vector<double> theta() const override { return theta_; }
  void set_theta(ConstVectorRef<double> theta) override;

  SolveReport apply(Direction direction, MatrixRef<S> z, RowVector<double>* log_det, const TransformContext<S>& context,
                    TransformTape<S>* tape) const override;
  std::unique_ptr<TransformTape<S>> make_tape() const override;
  SolveReport pullback(Direction direction, const TransformTape<S>& tape, TransformCotangent<S> to,
                       const TransformContext<S>& context) const override;

  const SplineLayerOptions& options() const { return options_; }

 private:
  struct Layer {
    Matrix<S> weight, condition, mask;  // out x in, out x dc; condition has no columns but in the first layer
    Vector<S> bias;
    Index weight_at, condition_at, bias_at;  // in theta
  };

  Index outputs() const { return 3 * options_.bins - 1; }  // of the network, a column
  void run(ConstMatrixRef<S> x, const Matrix<S>& condition, std::vector<Matrix<S>>& values) const;
  void reverse(const std::vector<Matrix<S>>& values, ConstMatrixRef<S> x, const Matrix<S>& condition, Matrix<S>& bar,
               MatrixRef<S> x_bar, VectorRef<double> theta_bar, MatrixRef<S> condition_bar) const;

  SplineLayerOptions options_;
  Index last_step_ = 0;
  std::vector<Layer> layers_;
  std::vector<Parameter> parameters_;
  Vector<double> theta_;
};

extern template class SplineLayer<float>;
extern template class SplineLayer<double>;

}  // namespace pathline
