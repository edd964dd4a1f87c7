// The parts of the hot path, each beside Eigen's own product at the same shape (the counter FLOP/s of Eigen/...).
#include <benchmark/benchmark.h>

#include "core/product.hpp"
#include "pathline/field/mlp.hpp"
#include "pathline/objective/nll_gradient.hpp"

namespace pathline {
namespace {

void count_flops(benchmark::State& state, double flops) {
  state.counters["FLOP/s"] = benchmark::Counter(flops, benchmark::Counter::kIsIterationInvariantRate);
}

template <class S> void eigen_product(benchmark::State& state) {
  const Index n = state.range(0), columns = state.range(1);
  const Matrix<S> a = Matrix<S>::Random(n, n), b = Matrix<S>::Random(n, columns);
  Matrix<S> c(n, columns);
  for (auto _ : state) {
    c.noalias() = a * b;
    benchmark::DoNotOptimize(c.data());
  }
  count_flops(state, 2.0 * static_cast<double>(n * n * columns));
}

template <class S> void own_product(benchmark::State& state) {
  const Index n = state.range(0), columns = state.range(1);
  const Matrix<S> a = Matrix<S>::Random(n, n), t = a.transpose(), b = Matrix<S>::Random(n, columns);
  Matrix<S> c(n, columns);
  const LeftFactor<S> left{n, n, a.data(), t.data()};
  for (auto _ : state) {
    multiply(left, b.data(), n, columns, c.data(), n);
    benchmark::DoNotOptimize(c.data());
  }
  count_flops(state, 2.0 * static_cast<double>(n * n * columns));
}

enum class Part { value, tangents, pullback };

// range(0): width of three hidden layers; range(1): samples.
template <class S, Part kPart> void field(benchmark::State& state) {
  const Index width = state.range(0), batch = state.range(1), d = 2;
  Mlp<S> mlp({.hidden = {width, width, width}});
  Engine engine = make_stream(0, "bench");
  mlp.initialize(engine);
  Workspace<S> w;
  const Matrix<S> z = Matrix<S>::Random(d, batch), none(0, 0);
  Matrix<S> f(d, batch), je(d, d * batch), z_bar(d, batch), c_bar(0, 0);
  const Matrix<S> f_bar = Matrix<S>::Random(d, batch), je_bar = Matrix<S>::Random(d, d * batch);
  Vector<S> theta_bar = Vector<S>::Zero(mlp.theta().size());
  double t_bar = 0;
  const auto directions = TangentDirections<S>::identity(d);
  for (auto _ : state) {
    if (kPart == Part::value) mlp.value({0.3, z, none}, f, w);
    if (kPart == Part::tangents) mlp.tangents({0.3, z, none}, directions, f, je, w);
    if (kPart == Part::pullback)
      mlp.pullback({0.3, z, none}, directions, f_bar, je_bar, {z_bar, c_bar, theta_bar, &t_bar}, w);
    benchmark::DoNotOptimize(f.data());
  }
  const double flops = kPart == Part::value      ? mlp.flops({})
                       : kPart == Part::tangents ? mlp.flops(directions)
                                                 : mlp.pullback_flops(directions);
  count_flops(state, flops * static_cast<double>(batch));
}

#define PATHLINE_PARTS(S)                                                                        \
  BENCHMARK(eigen_product<S>)->Args({64, 50})->Args({64, 150})->Args({64, 192})->Args({128, 192}); \
  BENCHMARK(own_product<S>)->Args({64, 50})->Args({64, 150})->Args({64, 192})->Args({128, 192});   \
  BENCHMARK((field<S, Part::value>))->Args({64, 50})->Args({128, 64});                            \
  BENCHMARK((field<S, Part::tangents>))->Args({64, 50})->Args({128, 64});                         \
  BENCHMARK((field<S, Part::pullback>))->Args({64, 50})->Args({128, 64});
PATHLINE_PARTS(float)
PATHLINE_PARTS(double)

}  // namespace
}  // namespace pathline

BENCHMARK_MAIN();
