#include "fit/expectation.hpp"

#include <cmath>
#include <numeric>

#include "core/product.hpp"
#include "fit/whitened_distance.hpp"

namespace pathline {
namespace {

constexpr int kStepsBetween = 8;  // one step of this many evaluates all components
constexpr double kNear = -11.5;   // log 1e-5

Index features(Index d) { return 1 + d + d * (d + 1) / 2; }

// phi: n x features, of the rows of x.
void fill_features(const Matrix<double>& x, Matrix<double>& phi) {
  const Index d = x.cols();
  phi.resize(x.rows(), features(d));
  phi.col(0).setOnes();
  phi.middleCols(1, d) = x;
  for (Index i = 0, at = 1 + d; i < d; ++i)
    for (Index j = 0; j <= i; ++j, ++at) phi.col(at) = x.col(i).cwiseProduct(x.col(j));
}

// The components of a mixture in the form that whitened_distance needs.
struct Components {
  Matrix<double> packed, offset;
  Vector<double> factor;

  explicit Components(const GaussianMixture& mixture)
      : packed(features(mixture.dim()) - 1 - mixture.dim(), mixture.components()),
        offset(mixture.dim(), mixture.components()),
        factor(mixture.components()) {
    const double constant = 0.5 * static_cast<double>(mixture.dim()) * std::log(2 * M_PI);
    for (Index k = 0; k < mixture.components(); ++k) {
      const auto& l = mixture.scale(k);
      pack_inverse(l, packed.col(k).data());
      offset.col(k) = l.triangularView<Eigen::Lower>().solve(mixture.means().col(k));
      factor[k] = std::log(mixture.weights()[k]) - l.diagonal().array().log().sum() - constant;
    }
  }
};

// One block of rows and its components. The arrays are reused from block to block.
struct Block {
  Matrix<double> x, joint, phi, transposed, product;
  Vector<double> top, weights;

  void fill(const MixtureRows& data, Index begin, Index n) {
    gather_rows(data.rows(), begin, n, x);
    weights.setZero(x.rows());  // the copies that fill up the block have weight 0
    weights.head(n) = data.weights().segment(begin, n);
  }

  // The log-joint of the rows and the components of `near`, a column each, and its highest value for each row.
  void fill_joint(const Components& all, const std::vector<Index>& near) {
    joint.resize(x.rows(), std::ssize(near));
    for (Index a = 0; a < joint.cols(); ++a) {
      const Index k = near[static_cast<std::size_t>(a)];
      whitened_distance(x, all.packed.col(k).data(), all.offset.col(k).data(), all.factor[k], joint.col(a).data());
    }
    top = joint.col(0);
    for (Index a = 1; a < joint.cols(); ++a) top = top.cwiseMax(joint.col(a));
  }

  // Removes from `near` the components that are far from every row.
  void drop_far(std::vector<Index>& near) {
    Index kept = 0;
    for (Index a = 0; a < joint.cols(); ++a) {
      if (!((joint.col(a) - top).maxCoeff() > kNear)) continue;
      if (kept != a) joint.col(kept) = joint.col(a);
      near[static_cast<std::size_t>(kept++)] = near[static_cast<std::size_t>(a)];
    }
    joint.conservativeResize(Eigen::NoChange, kept);
    near.resize(static_cast<std::size_t>(kept));
  }

  // Turns the log-joint into responsibilities times weights, and returns the sum of w log p.
  double weigh() {
    double out = 0;
    for (Index b = 0; b < x.rows(); b += kLanes) {
      const Lanes highest = top.segment<kLanes>(b);
      Lanes sum = Lanes::Zero();
      for (Index a = 0; a < joint.cols(); ++a) {
        auto part = joint.col(a).segment<kLanes>(b).array();
        part = exp_or_zero(part - highest);
        sum += part;
      }
      const Lanes factor = weights.segment<kLanes>(b).array() / sum;
      for (Index a = 0; a < joint.cols(); ++a) joint.col(a).segment<kLanes>(b).array() *= factor;
      for (Index i = 0; i < kLanes; ++i)
        if (weights[b + i] > 0) out += weights[b + i] * (highest[i] + std::log(sum[i]));
    }
    return out;
  }

  void add_moments(const std::vector<Index>& near, Matrix<double>& sums) {
    fill_features(x, phi);
    const Index n = phi.rows(), m = phi.cols();
    transposed.resize(m, n), product.resize(m, joint.cols());
    transpose(n, m, phi.data(), n, transposed.data(), m);
    multiply<double>({m, n, transposed.data(), phi.data()}, joint.data(), n, joint.cols(), product.data(), m);
    for (Index a = 0; a < product.cols(); ++a) sums.col(near[static_cast<std::size_t>(a)]) += product.col(a);
  }
};

// add(block, begin, n, sum) adds the moments of one block.
template <class F> Moments sum_blocks(const MixtureRows& data, Index components, F add) {
  std::vector<Moments> parts(static_cast<std::size_t>(data.parts()));
  for (auto& part : parts) part.sums.setZero(features(data.dim()), components);
  data.for_blocks([&](Index block, Index begin, Index n, Index part) {
    add(block, begin, n, parts[static_cast<std::size_t>(part)]);
  });
  for (std::size_t i = 1; i < parts.size(); ++i) {
    parts[0].sums += parts[i].sums;
    parts[0].log_density += parts[i].log_density;
  }
  return std::move(parts[0]);
}

}  // namespace

Moments moments_of_clusters(const MixtureRows& data, const std::vector<Index>& of, Index components) {
  return sum_blocks(data, components, [&](Index, Index begin, Index n, Moments& sum) {
    static thread_local Block block;
    block.fill(data, begin, n);
    fill_features(block.x, block.phi);
    for (Index b = 0; b < n; ++b)
      sum.sums.col(of[static_cast<std::size_t>(begin + b)]) += block.weights[b] * block.phi.row(b).transpose();
  });
}

Moments Expectation::operator()(const GaussianMixture& mixture) {
  const Index k = mixture.components();
  const bool all = k <= kAllComponents || steps_ % kStepsBetween == 0 || k != components_;
  if (k != components_) steps_ = 0;
  ++steps_, components_ = k;
  const Components components(mixture);
  return sum_blocks(data_, k, [&](Index number, Index begin, Index n, Moments& sum) {
    static thread_local Block block;
    auto& near = near_[static_cast<std::size_t>(number)];
    if (all) near.resize(static_cast<std::size_t>(k)), std::iota(near.begin(), near.end(), Index(0));
    block.fill(data_, begin, n);
    block.fill_joint(components, near);
    if (all && k > kAllComponents) block.drop_far(near);
    sum.log_density += block.weigh();
    block.add_moments(near, sum.sums);
  });
}

}  // namespace pathline
