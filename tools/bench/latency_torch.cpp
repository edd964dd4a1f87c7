// How long one point of FFJORD's own 8gaussians network takes in pathline and in libtorch, from C++, on the same weights:
// quantiles of single calls, alternating in one run on one thread, with a fixed number of Runge-Kutta steps, so that both
// evaluate the field and its exact trace equally often.
//
//     bench_latency_torch MODEL CALLS          models/ffjord_8gaussians.h5 2000

#include <algorithm>
#include <chrono>
#include <cmath>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <torch/torch.h>

#include "pathline/density.hpp"
#include "pathline/io/hdf5.hpp"
#include "quantile.hpp"

namespace {

using pathline::Index;
using Clock = std::chrono::steady_clock;

constexpr int kSteps = 8;

// The network and its solve as one writes them with libtorch for speed: no autograd; the trace by the two tangent
// directions, which stand as rows under the point, so that a layer is one product.
class TorchDensity {
 public:
  explicit TorchDensity(const std::string& file) {
    const auto model = pathline::Hdf5File::open(file);
    const auto block = model.group("parameters/blocks/0");
    end_time_ = model.group("blocks/0").attribute<double>("end_time");
    for (int i = 0; i < 4; ++i) {
      const auto layer = block.group(fmt::format("layers/{}", i));
      layers_.push_back({tensor(layer, "_layer/weight").t().contiguous(), tensor(layer, "_layer/bias").t(),
                         tensor(layer, "_hyper_gate/weight").t(), tensor(layer, "_hyper_gate/bias").t(),
                         tensor(layer, "_hyper_bias/weight").t()});
    }
  }

  double log_prob(double x, double y) const {
    const c10::InferenceMode without_autograd;
    auto z = torch::tensor({{static_cast<float>(x), static_cast<float>(y)}});
    auto integral = torch::zeros({1});
    const double h = -end_time_ / kSteps;  // from the data to the base
    for (int step = 0; step < kSteps; ++step) {
      const double t = end_time_ + h * step;
      const auto [f1, trace1] = field(t, z);
      const auto [f2, trace2] = field(t + h / 2, z + f1 * (h / 2));
      const auto [f3, trace3] = field(t + h / 2, z + f2 * (h / 2));
      const auto [f4, trace4] = field(t + h, z + f3 * h);
      z = z + (f1 + 2 * (f2 + f3) + f4) * (h / 6);
      integral = integral + (trace1 + 2 * (trace2 + trace3) + trace4) * (h / 6);
    }
    const double kLogTwoPi = 1.8378770664093453;
    return -kLogTwoPi - 0.5 * z.square().sum().item<float>() + integral.item<float>();
  }

 private:
  struct Layer {
    torch::Tensor weight, bias, gate_weight, gate_bias, time_bias;
  };

  static torch::Tensor tensor(const pathline::Hdf5Group& group, const std::string& name) {
    const auto values = group.read_matrix<float>(name);  // rows x columns, one column a row of the file
    return torch::from_blob(const_cast<float*>(values.data()), {values.cols(), values.rows()}).clone();
  }

  // The field and its divergence at one point.
  std::pair<torch::Tensor, torch::Tensor> field(double t, const torch::Tensor& z) const {
    auto rows = torch::cat({z, torch::eye(2)});
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      const auto& l = layers_[i];
      const auto gate = torch::sigmoid(l.gate_weight * t + l.gate_bias);
      auto product = torch::mm(rows, l.weight);
      product[0] += l.bias[0];
      product *= gate;
      product[0] += (l.time_bias * t)[0];
      if (i + 1 < layers_.size()) {
        product[0].tanh_();
        product.slice(0, 1) *= 1 - product.slice(0, 0, 1).square();
      }
      rows = product;
    }
    return {rows.slice(0, 0, 1), rows.slice(0, 1).trace().reshape({1})};
  }

  std::vector<Layer> layers_;
  double end_time_ = 0;
};

template <class Call> double microseconds(Call call) {
  const auto begin = Clock::now();
  call();
  return std::chrono::duration<double, std::micro>(Clock::now() - begin).count();
}

}  // namespace

int main(int argc, char** argv) {
  const std::string file = argc > 1 ? argv[1] : "models/ffjord_8gaussians.h5";
  const Index calls = argc > 2 ? std::stol(argv[2]) : 2000;
  at::set_num_threads(1);
  pathline::SolverOptions solver;
  solver.stepper = pathline::StepperKind::rk4, solver.steps = kSteps;
  const pathline::Density ours(file, {.solver = solver});
  const TorchDensity theirs(file);
  const auto x = ours.sample(calls, 1);
  std::vector<double> own, peer;
  double difference = 0;
  for (Index i = -100; i < calls; ++i) {  // the first hundred are not counted
    const auto point = x.col((i % calls + calls) % calls);
    double p = 0, q = 0;
    const double first = microseconds([&] { p = ours.log_prob(point)[0]; });
    const double second = microseconds([&] { q = theirs.log_prob(point[0], point[1]); });
    if (i < 0) continue;
    own.push_back(first), peer.push_back(second);
    if (!(std::abs(p - q) <= difference)) difference = std::abs(p - q);  // NaN stays
  }
  fmt::print("{} calls with one point of {}: {} steps of rk4, one thread, float; largest difference {:.1e} nats\n\n",
             calls, file, kSteps, difference);
  fmt::print("| | p50, us | p99, us |\n|---|---|---|\n");
  fmt::print("| pathline | {:.1f} | {:.1f} |\n", quantile(own, 0.5), quantile(own, 0.99));
  fmt::print("| libtorch {} | {:.1f} | {:.1f} |\n", TORCH_VERSION, quantile(peer, 0.5), quantile(peer, 0.99));
  fmt::print("| ratio | {:.1f} | {:.1f} |\n", quantile(peer, 0.5) / quantile(own, 0.5),
             quantile(peer, 0.99) / quantile(own, 0.99));
  return difference < 1e-3 ? 0 : 1;  // float, 32 evaluations
}
