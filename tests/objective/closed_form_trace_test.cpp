// Solves with the trace's closed form against the same solves along tangents.
#include <gtest/gtest.h>

#include <atomic>

#include "pathline/field/mlp.hpp"
#include "pathline/objective/nll_gradient.hpp"

namespace pathline {
namespace {

enum class Way { closed_form, tangents };

// A network that has its closed form or hides it, and counts the evaluations along tangents.
class Watched final : public VectorField<double> {
 public:
  Watched(const MlpOptions& options, Way way)
      : VectorField(options.dim, options.condition_dim), options_(options), way_(way), mlp_(options) {
    for (const auto& p : mlp_.parameters()) add_parameter(p.name, p.rows, p.cols, p.decays);
    Engine engine = make_stream(7, "closed_form_trace_test");
    mlp_.initialize(engine);
    Matrix<double> noise(theta().size(), 1);
    fill_normal<double>(engine, noise);
    set_theta(mlp_.theta() + 0.1 * noise);
  }
  std::unique_ptr<VectorField<double>> clone() const override {
    auto copy = std::make_unique<Watched>(options_, way_);
    copy->set_theta(theta());
    return copy;
  }
  void value(const FieldPoint<double>& x, MatrixRef<double> f, Workspace<double>& w) const override {
    mlp_.value(x, f, w);
  }
  void tangents(const FieldPoint<double>& x, const TangentDirections<double>& e, MatrixRef<double> f,
                MatrixRef<double> je, Workspace<double>& w) const override {
    if (e.k > 0) ++along_tangents;
    mlp_.tangents(x, e, f, je, w);
  }
  void pullback(const FieldPoint<double>& x, const TangentDirections<double>& e, ConstMatrixRef<double> f_bar,
                ConstMatrixRef<double> je_bar, FieldCotangent<double> out, Workspace<double>& w) const override {
    mlp_.pullback(x, e, f_bar, je_bar, out, w);
  }
  bool has_trace() const override { return way_ == Way::closed_form; }
  void value_and_trace(const FieldPoint<double>& x, MatrixRef<double> f, MatrixRef<double> trace,
                       Workspace<double>& w) const override {
    mlp_.value_and_trace(x, f, trace, w);
  }
  void trace_and_pullback(const FieldPoint<double>& x, CotangentRule<double>& rule, MatrixRef<double> f,
                          MatrixRef<double> trace, FieldCotangent<double> out, Workspace<double>& w) const override {
    mlp_.trace_and_pullback(x, rule, f, trace, out, w);
  }
  mutable std::atomic<int> along_tangents = 0;

 protected:
  void theta_changed() override { mlp_.set_theta(theta()); }

 private:
  MlpOptions options_;
  Way way_;
  Mlp<double> mlp_;
};

struct Problem {
  Problem(const MlpOptions& options, Way way, Index samples = 11)
      : field(std::make_shared<Watched>(options, way)), flow(Cnf<double>{field, 0.7}) {
    Engine engine = make_stream(8, "closed_form_trace_test");
    x.resize(options.dim, samples), c.resize(options.condition_dim, samples);
    fill_normal<double>(engine, x), fill_normal<double>(engine, c);
  }
  std::shared_ptr<Watched> field;
  Flow<double> flow;
  Matrix<double> x, c;
};

// Both ways differ by the order of sums alone: of the order of 1e-14 an evaluation, a hundred of them, and a loss whose
// slopes are of order 1 to 10.
constexpr double kRounding = 1e-10;

template <class M> void expect_near(const M& a, const M& b, const std::string& what) {
  ASSERT_EQ(a.size(), b.size());
  if (a.size() == 0) return;
  EXPECT_LT((a - b).cwiseAbs().maxCoeff(), kRounding * (1 + b.cwiseAbs().maxCoeff())) << what;
}

void expect_same_gradients(const MlpOptions& model, const GradientOptions& options) {
  const Problem closed(model, Way::closed_form), slow(model, Way::tangents);
  const auto p = nll_gradient(closed.flow, closed.x, closed.c, options);
  const auto q = nll_gradient(slow.flow, slow.x, slow.c, options);
  EXPECT_EQ(closed.field->along_tangents, 0);
  EXPECT_GT(slow.field->along_tangents, 0);
  EXPECT_NEAR(p.nll, q.nll, kRounding * (1 + std::abs(q.nll)));
  EXPECT_NEAR(p.penalty, q.penalty, kRounding * (1 + q.penalty));
  expect_near(p.theta, q.theta, "theta");
  expect_near(p.z, q.z, "z");
  expect_near(p.condition, q.condition, "condition");
  EXPECT_NEAR(p.ends[0].base, q.ends[0].base, kRounding * (1 + std::abs(q.ends[0].base)));
  EXPECT_NEAR(p.ends[0].data, q.ends[0].data, kRounding * (1 + std::abs(q.ends[0].data)));
}

std::vector<MlpOptions> models() {
  std::vector<MlpOptions> out;
  for (const Index d : {1, 2, 5, 50})
    for (const std::vector<Index>& hidden : {std::vector<Index>{12}, std::vector<Index>{12, 12}})
      for (const LayerType layer : {LayerType::concatsquash, LayerType::hyper})
        out.push_back({.dim = d,
                       .condition_dim = d == 5 ? 2 : 0,
                       .hidden = hidden,
                       .layer = layer,
                       .activation = d == 2 ? Activation::swish : Activation::tanh,
                       .residual = d != 2});
  return out;
}

std::string name(const MlpOptions& m) {
  return "d = " + std::to_string(m.dim) + ", " + std::to_string(m.hidden.size()) + " hidden, " + to_string(m.layer);
}

// An adaptive solve keeps l in its state; fixed steps of dopri5 take it as a quadrature; score goes back by the
// adjoint.
TEST(ClosedFormTrace, LogDensitiesAndScoresAreThoseOfTheTangents) {
  for (const auto& model : models())
    for (const SolverOptions& solver : {SolverOptions{.rtol = 1e-7, .atol = 1e-7}, SolverOptions{.steps = 5},
                                        SolverOptions{.stepper = StepperKind::fehlberg78, .steps = 3}}) {
      SCOPED_TRACE(name(model) + ", " + to_string(solver.stepper) + " " + std::to_string(solver.steps));
      const Problem closed(model, Way::closed_form), slow(model, Way::tangents);
      const EvaluationOptions options{.solver = solver, .tile = 4};
      const auto p = closed.flow.log_prob(closed.x, closed.c, options), q = slow.flow.log_prob(slow.x, slow.c, options);
      EXPECT_EQ(closed.field->along_tangents, 0);
      EXPECT_GT(slow.field->along_tangents, 0);
      expect_near(p.log_prob, q.log_prob, "log p");
      const ScoreOptions score{.solver = solver, .tile = 4};
      expect_near(closed.flow.score(closed.x, closed.c, score).score, slow.flow.score(slow.x, slow.c, score).score,
                  "score");
    }
}

TEST(ClosedFormTrace, EveryAdjointsGradientIsThatOfTheTangents) {
  for (const auto& model : models())
    for (auto adjoint : {AdjointKind::discrete, AdjointKind::checkpointed, AdjointKind::backsolve}) {
      SCOPED_TRACE(name(model) + ", " + to_string(adjoint));
      expect_same_gradients(model, {.solver = {.rtol = 1e-6, .atol = 1e-6}, .adjoint = adjoint, .tile = 4});
    }
}

// Regularizers of f alone are integrated beside the closed form.
TEST(ClosedFormTrace, RegularizersOfTheVelocityNeedNoTangents) {
  const MlpOptions model{.dim = 5, .hidden = {12, 12}};
  for (auto adjoint : {AdjointKind::discrete, AdjointKind::checkpointed, AdjointKind::backsolve})
    expect_same_gradients(model, {.solver = {.steps = 4},
                                  .adjoint = adjoint,
                                  .regularizers = {.kinetic = 0.1, .transport = 0.2, .l1int = 0.3, .l2int = 0.4},
                                  .tile = 4});
}

// Those of the Jacobian need J E: then, and for Hutchinson's estimate, the closed form is out of the way, bit for bit.
TEST(ClosedFormTrace, IsNotUsedWhereTheJacobianItselfIsNeeded) {
  const MlpOptions model{.dim = 3, .hidden = {12, 12}};
  std::vector<GradientOptions> all;
  for (const RegularizerWeights& w :
       {RegularizerWeights{.jacobian = 0.1}, RegularizerWeights{.dl2int = 0.1}, RegularizerWeights{.JFrobint = 0.1},
        RegularizerWeights{.JdiagFrobint = 0.1}, RegularizerWeights{.JoffdiagFrobint = 0.1}})
    all.push_back({.solver = {.steps = 3}, .regularizers = w});
  all.push_back({.solver = {.steps = 3}, .trace = {.kind = TraceKind::hutchinson}});
  for (const auto& options : all) {
    const Problem closed(model, Way::closed_form), slow(model, Way::tangents);
    const auto p = nll_gradient(closed.flow, closed.x, closed.c, options);
    const auto q = nll_gradient(slow.flow, slow.x, slow.c, options);
    EXPECT_GT(closed.field->along_tangents, 0);
    EXPECT_EQ(p.nll, q.nll);
    EXPECT_EQ(p.theta, q.theta);
    if (options.regularizers.any()) EXPECT_GT(p.penalty, 0);
  }
}

}  // namespace
}  // namespace pathline
