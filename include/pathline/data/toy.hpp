/// \file
/// The two-dimensional toy distributions of FFJORD (Grathwohl et al. 2019, lib/toy_data.py) with their exact densities.
#pragma once

#include <string>
#include <vector>

#include "pathline/core/random.hpp"
#include "pathline/core/types.hpp"

namespace pathline {

/// A distribution that can be sampled and whose density is known. Unlike FFJORD's toys, all draws are independent: the
/// curve parameter is uniform on its range and not a node of a fixed grid.
class Toy {
 public:
  virtual ~Toy() = default;

  const std::string& name() const { return about_.name; }
  const std::string& description() const { return about_.description; }  ///< the distribution, in one line
  /// nats; the lower bound of any model's expected negative log-likelihood
  double entropy() const { return about_.entropy; }
  Index dim() const { return 2; }

  /// d x 2: the lowest and highest coordinate of a plot, [-4, 4]^2 as in FFJORD. It contains 99.9 % of the mass.
  Matrix<double> bounds() const;

  /// Fills out (d x N) with independent draws, column by column. N draws at once and N draws one by one give the same
  /// numbers.
  void sample(Engine& engine, MatrixRef<double> out) const;

  /// x: d x N; returns log p(x) in nats, 1 x N, by a closed form or quadrature. The relative error of p is about 1e-12
  /// where p > 1e-30, and log p is finite far into the tails. It is -inf where p is 0, and NaN only for a point with a
  /// NaN coordinate.
  RowVector<double> log_density(ConstMatrixRef<double> x, int threads = 1) const;

 protected:
  struct About {
    std::string name, description;
    double entropy;
  };
  using Point = Eigen::Vector2d;
  explicit Toy(About about) : about_(std::move(about)) {}

 private:
  virtual Point draw(Engine& engine) const = 0;
  virtual double log_density_at(const Point& x) const = 0;  ///< x is finite

  About about_;
};

/// Returns the toy with this name. Throws InputError with the nearest name and the list if there is none.
[[nodiscard]] const Toy& find_toy(const std::string& name);

/// The names, in the order of FFJORD's paper and code.
[[nodiscard]] const std::vector<std::string>& toy_names();
[[nodiscard]] bool is_toy(const std::string& name);

}  // namespace pathline
