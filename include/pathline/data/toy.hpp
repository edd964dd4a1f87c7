// The two-dimensional toys of FFJORD (Grathwohl et al. 2019, lib/toy_data.py) with their exact densities.
#pragma once

#include <string>
#include <vector>

#include "pathline/core/random.hpp"
#include "pathline/core/types.hpp"

namespace pathline {

// A law that can be drawn from and whose density is known. Unlike FFJORD's, every draw is independent of
// the others: a parameter is uniform on its range and not a node of a fixed grid.
class Toy {
 public:
  virtual ~Toy() = default;

  const std::string& name() const { return about_.name; }
  const std::string& description() const { return about_.description; }  // the law, in one line
  double entropy() const { return about_.entropy; }  // nats; what the negative log-likelihood cannot beat
  Index dim() const { return 2; }

  // d x 2: lowest and highest coordinates of a picture, [-4, 4]^2 as in FFJORD; it holds 99.9 % of the mass.
  Matrix<double> bounds() const;

  // Fills out (d x N) with independent draws, column by column: the engine's state is the only state, so
  // N draws at once and N draws one by one are the same numbers.
  void sample(Engine& engine, MatrixRef<double> out) const;

  // x: d x N. log p(x) in nats, 1 x N; closed form or quadrature, relative error of p about 1e-12 where
  // p > 1e-30 and finite far into the tails. -inf where p is 0; NaN for a point with a NaN coordinate only.
  RowVector<double> log_density(ConstMatrixRef<double> x) const;

 protected:
  struct About {
    std::string name, description;
    double entropy;
  };
  using Point = Eigen::Vector2d;
  explicit Toy(About about) : about_(std::move(about)) {}

 private:
  virtual Point draw(Engine& engine) const = 0;
  virtual double log_density_at(const Point& x) const = 0;  // x is finite

  About about_;
};

// The toy of that name; InputError with the nearest name and the list when there is none.
const Toy& find_toy(const std::string& name);

// Names in the order of FFJORD's paper and code.
const std::vector<std::string>& toy_names();
bool is_toy(const std::string& name);

}  // namespace pathline
