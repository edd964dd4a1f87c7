/// \file
/// The density at time 0.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "pathline/core/random.hpp"
#include "pathline/field/vector_field.hpp"
#include "pathline/fit/gaussian_mixture.hpp"

namespace pathline {

/// normal: N(0, 1). diagonal, full: one Gaussian with a mean and a diagonal or lower triangular scale. mixture:
/// Gaussians with diagonal scales. full_mixture: Gaussians with lower triangular scales. conditional_mixture: the
/// conditional p(z | c) of such a mixture over (c, z), see ConditionalMixture. uniform: the box
/// [-sqrt 3, sqrt 3]^d, of variance 1; outside log p = -inf, so it is for flow matching and reverse KL: by maximum
/// likelihood it cannot learn of a point that left the box. flow_mixture: whole flows, each with a base of its own, see
/// FlowMixture.
enum class BaseKind { normal, diagonal, full, mixture, full_mixture, conditional_mixture, uniform, flow_mixture };
[[nodiscard]] BaseKind parse_base(const std::string& name);  ///< throws InputError that lists the names
[[nodiscard]] std::string to_string(BaseKind kind);
[[nodiscard]] const std::vector<std::string>& base_names();  ///< of those that make_base makes: all but flow_mixture

/// All arithmetic in double. Log-densities in nats. The condition c (dc x B) of a base that has one is that which the
/// vector fields see, of mean 0 and scale 1; other bases take no notice of it.
class Base {
 public:
  virtual ~Base() = default;
  virtual std::unique_ptr<Base> clone() const = 0;
  virtual BaseKind kind() const = 0;

  Index dim() const { return dim_; }
  Index condition_dim() const { return condition_dim_; }  ///< dc, or 0
  /// The parameters as one vector, and its named parts; empty for normal and uniform.
  const Vector<double>& theta() const { return theta_; }
  const std::vector<Parameter>& parameters() const { return parameters_; }
  void set_theta(ConstVectorRef<double> theta);

  /// log p(z | c) of z (d x B), 1 x B, in nats.
  virtual RowVector<double> log_density(ConstMatrixRef<double> z,
                                        ConstMatrixRef<double> c = Matrix<double>(0, 0)) const = 0;
  /// The transpose: z_bar (d x B) = weight dlog p/dz, and theta_bar (P) += weight sum dlog p/dtheta, unless it is empty.
  virtual void pullback(ConstMatrixRef<double> z, ConstMatrixRef<double> c, double weight, MatrixRef<double> z_bar,
                        VectorRef<double> theta_bar) const = 0;
  /// weight dlog p/dc, dc x B, of a base that has a condition.
  virtual Matrix<double> condition_pullback(ConstMatrixRef<double> z, ConstMatrixRef<double> c, double weight) const;
  /// Fills z (d x B) with draws, column by column.
  virtual void sample(Engine& engine, MatrixRef<double> z, ConstMatrixRef<double> c = Matrix<double>(0, 0)) const = 0;

  virtual Index components() const { return 1; }

 protected:
  explicit Base(Index dim, Index condition_dim = 0) : dim_(dim), condition_dim_(condition_dim) {}
  Base(const Base&) = default;
  /// Called after set_theta has changed theta_.
  virtual void theta_changed() {}
  Index add_parameter(const std::string& name, Index rows, Index cols);
  Vector<double> theta_;

 private:
  Index dim_, condition_dim_;
  std::vector<Parameter> parameters_;
};

/// A diagonal or full Gaussian begins as N(0, 1); a mixture's means are drawn from N(0, 1), its scales are
/// components^(-1/d), where d counts the columns of the condition of a conditional mixture. dim >= 1; components >= 1, of
/// any mixture; condition_dim >= 1, of a conditional mixture.
[[nodiscard]] std::unique_ptr<Base> make_base(BaseKind kind, Index dim, Index components, Engine& engine,
                                              Index condition_dim = 0);

/// The full_mixture with the given weights, means and scales, or the conditional_mixture in which the first
/// condition_dim columns are the condition; a component of weight 0 gets one of 1e-300.
[[nodiscard]] std::unique_ptr<Base> make_base(const GaussianMixture& mixture, Index condition_dim = 0);

/// log N(z; 0, 1) of each column: 1 x B.
template <class S> [[nodiscard]] RowVector<double> standard_normal_log_density(ConstMatrixRef<S> z);

}  // namespace pathline
