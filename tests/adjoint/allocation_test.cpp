// Counts malloc, which Eigen and operator new both end in.
#include <cstdlib>

#include <atomic>

#include <gtest/gtest.h>

#include "pathline/field/mlp.hpp"
#include "pathline/objective/nll_gradient.hpp"
#include "sanitizer.hpp"

#ifdef PATHLINE_REPLACES_MALLOC

namespace {
std::atomic<long> g_count{0};
}

extern "C" {
void* __libc_malloc(std::size_t);
void* __libc_memalign(std::size_t, std::size_t);
void* malloc(std::size_t n) {
  ++g_count;
  return __libc_malloc(n);
}
void* aligned_alloc(std::size_t alignment, std::size_t n) {
  ++g_count;
  return __libc_memalign(alignment, n);
}
int posix_memalign(void** out, std::size_t alignment, std::size_t n) {
  ++g_count;
  *out = __libc_memalign(alignment, n);
  return *out ? 0 : 12;
}
}

namespace pathline {
namespace {

std::shared_ptr<Mlp<float>> field(LayerType layer) {
  auto f = std::make_shared<Mlp<float>>(
      MlpOptions{.hidden = {16, 16}, .layer = layer, .activation = Activation::swish, .time_features = 1});
  Engine engine = make_stream(1, "allocation");
  f->initialize(engine, 20);  // steep enough for many steps
  return f;
}

TEST(Allocation, TheCounterCounts) {
  const long before = g_count;
  Vector<double> v(100);
  v.setZero();
  EXPECT_GT(g_count, before);
}

TEST(Allocation, NoneInASolve) {
  // Not bulirsch_stoer: Odeint's makes ten arrays of its own anew in each solve.
  for (auto kind : {StepperKind::dopri5, StepperKind::cash_karp, StepperKind::fehlberg78}) {
    const auto mlp = field(LayerType::concatsquash);
    Workspace<float> w;
    const TraceMethod<float> directions{TangentDirections<float>::identity(2)};
    const Matrix<float> none(0, 0), start = Matrix<float>::Random(2, 30);
    Augmented<float> system(*mlp, directions, none, w);
    State<float> x(Augmented<float>::layout(2, 30, true));
    Solver<float> solver({.stepper = kind, .rtol = 1e-5, .atol = 1e-5});
    for (int pass = 0; pass < 3; ++pass) {
      x.flat().setZero();
      x.block(0) = start;
      const long before = g_count;
      const auto report = solver.solve(system, x, 0, 1);
      ASSERT_TRUE(report.ok());
      ASSERT_GT(report.accepted, 2);
      if (pass == 2) EXPECT_EQ(g_count - before, 0) << to_string(kind) << ": " << report.evaluations << " evaluations";
    }
  }
}

// What a call allocates does not grow with its steps.
TEST(Allocation, NoneAStepOnTheWayBack) {
  for (auto layer : {LayerType::concatsquash, LayerType::concat, LayerType::hyper, LayerType::blend})
    for (auto kind : {AdjointKind::discrete, AdjointKind::backsolve, AdjointKind::checkpointed}) {
      const Flow<float> flow(Cnf<float>{field(layer)});
      const Matrix<double> x = Matrix<double>::Random(2, 40), none(0, 0);
      long counts[2], steps[2];
      for (int fine = 0; fine < 2; ++fine) {
        const double tolerance = fine ? 1e-6 : 1e-3;
        NllGradientSolver<float> solver({.solver = {.rtol = tolerance, .atol = tolerance}, .adjoint = kind});
        for (int pass = 0; pass < 3; ++pass) {
          const long before = g_count;
          const auto g = solver(flow, x, none, 0);
          counts[fine] = g_count - before, steps[fine] = g.report.accepted;
        }
      }
      ASSERT_GT(steps[1], steps[0]);
      // checkpointed makes one system a call as well, and no more.
      EXPECT_EQ(counts[0], counts[1]) << to_string(kind) << " " << to_string(layer) << ": " << steps[0] << " and "
                                      << steps[1] << " steps";
    }
}

}  // namespace
}  // namespace pathline

#endif
