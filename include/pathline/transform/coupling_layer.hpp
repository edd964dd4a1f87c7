/// \file
/// Coupling layers: RealNVP (Dinh et al. 2017) and neural spline flows (Durkan et al. 2019).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "pathline/transform/conditioner.hpp"
#include "pathline/transform/transform.hpp"

namespace pathline {

/// The map of the columns that a coupling layer moves.
enum class CouplingKind { spline, affine };

struct CouplingOptions {
  CouplingKind kind = CouplingKind::spline;
  Index dim = 2;
  Index condition_dim = 0;
  /// The columns that move, counted from 0; at least one. The others stay and are what the network sees.
  std::vector<std::int64_t> moved = {1};
  std::vector<Index> hidden = {64, 64};       ///< of the network: see ConditionerOptions
  Activation activation = Activation::swish;  ///< of the network
  bool residual = false;                      ///< of the network
  Index bins = 8;                             ///< spline: in [2, 256]
  /// > 0: either kind is the identity outside of [-box, box]. The inputs of the network, the condition included, are
  /// clamped to this range, so that the network is never evaluated far from all data.
  double box = 5;
};

/// From the base to the data, with the columns z_a that stay and z_b that move:
///
///     y_a = z_a,   y_b = g(z_b; phi(z_a, c)),   log|det| = sum_b log g'(z_b),
///
/// where g is monotone, column by column, and phi a Conditioner. Affine: y_b = z_b exp(s) + t (Dinh et al. 2017, eqs. 7
/// and 8) where z_b and y_b are within [-c, c], c = 0.8 box; s = 3 tanh(a / 3) and t = c tanh(b / c). A
/// rational-quadratic function leads from there to the identity outside of the box: a map that stays affine gives a
/// density that grows along some directions, because s and t change along them (our deviation). Spline: the monotone
/// rational-quadratic spline of Durkan et al. (2019, section 3.1) with linear tails; the least width and height of a
/// bin is 1e-3 of the box, the least slope 1e-3. Both have closed inverses. All is computed in S. The parameters are
/// those of the network.
template <class S> class CouplingLayer final : public Transform<S> {
 public:
  /// The identity. Throws InputError for options out of their range.
  explicit CouplingLayer(const CouplingOptions& options);

  std::unique_ptr<Transform<S>> clone() const override { return std::make_unique<CouplingLayer>(*this); }
  std::string kind() const override;  ///< "spline_coupling" or "affine_coupling"
  std::string prefix() const override { return "couplings"; }
  Attributes describe() const override;
  const CouplingOptions& options() const { return options_; }

  /// Random hidden layers and a last one of 0: the layer stays the identity until it is trained.
  void initialize(Engine& engine) { network_.initialize(engine); }

  Index parameter_count() const override { return network_.parameter_count(); }
  std::vector<Parameter> parameters() const override { return network_.parameters(); }
  Vector<double> theta() const override { return network_.theta().template cast<double>(); }
  void set_theta(ConstVectorRef<double> theta) override { network_.set_theta(theta); }

  SolveReport apply(Direction direction, MatrixRef<S> z, RowVector<double>* log_det, const TransformContext<S>& context,
                    TransformTape<S>* tape) const override;
  std::unique_ptr<TransformTape<S>> make_tape() const override;
  SolveReport pullback(Direction direction, const TransformTape<S>& tape, TransformCotangent<S> to,
                       const TransformContext<S>& context) const override;

 private:
  void gather(ConstMatrixRef<S> z, const Matrix<S>& condition, S* inputs) const;

  CouplingOptions options_;
  std::vector<Index> kept_;
  Conditioner<S> network_;
};

/// The columns that each of `layers` coupling layers moves: of two successive layers, the second moves those that the
/// first keeps. The halves of each such pair are drawn from the engine; two columns only take turns. One column always moves.
[[nodiscard]] std::vector<std::vector<std::int64_t>> alternating_halves(Index dim, Index layers, Engine& engine);

extern template class CouplingLayer<float>;
extern template class CouplingLayer<double>;

}  // namespace pathline
