// The closed form of the trace against the tangents, which know nothing of it, and against differences.
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <limits>

#include "core/product.hpp"
#include "pathline/field/mlp.hpp"
#include "pathline/field/potential_field.hpp"

namespace pathline {
namespace {

template <class S> Matrix<S> random_matrix(Engine& engine, Index rows, Index cols) {
  Matrix<S> m(rows, cols);
  fill_normal<S>(engine, m);
  return m;
}

template <class S> class GivenTraceCotangents final : public CotangentRule<S> {
 public:
  GivenTraceCotangents(const Matrix<S>& f_bar, const Matrix<S>& trace_bar) : f_bar_(f_bar), trace_bar_(trace_bar) {}
  void operator()(ConstMatrixRef<S> f, ConstMatrixRef<S> trace, MatrixRef<S> f_bar, MatrixRef<S> trace_bar) override {
    seen_f = f, seen_trace = trace;
    f_bar = f_bar_, trace_bar = trace_bar_;
  }
  Matrix<S> seen_f, seen_trace;

 private:
  const Matrix<S>&f_bar_, &trace_bar_;
};

template <class S> struct Outcome {
  Matrix<S> f, trace, z, c;
  Vector<S> theta;
  double t = 0;
};

enum class Way { closed_form, tangents };

// One random network with everything around it, and both ways to its trace.
template <class S> struct Network {
  Network(const MlpOptions& options, Index batch, double last = 1) : field(options) {
    Engine engine = make_stream(11, "bilinear_trace_test");
    field.initialize(engine, last);
    field.set_theta(field.theta() + S(0.2) * random_matrix<S>(engine, field.theta().size(), 1));
    z = random_matrix<S>(engine, options.dim, batch), c = random_matrix<S>(engine, options.condition_dim, batch);
    f_bar = random_matrix<S>(engine, options.dim, batch), trace_bar = random_matrix<S>(engine, 1, batch);
  }

  Outcome<S> evaluate(Way way, double at, const Matrix<S>& at_z, const Matrix<S>& at_c) {
    Outcome<S> out{Matrix<S>(z.rows(), z.cols()), Matrix<S>(1, z.cols())};
    if (way == Way::closed_form)
      field.value_and_trace({at, at_z, at_c}, out.f, out.trace, work);
    else
      field.VectorField<S>::value_and_trace({at, at_z, at_c}, out.f, out.trace, work);
    return out;
  }
  Outcome<S> pull(Way way, bool with_theta = true) {
    Outcome<S> out{Matrix<S>(z.rows(), z.cols()), Matrix<S>(1, z.cols()), Matrix<S>(z.rows(), z.cols()),
                   Matrix<S>::Zero(c.rows(), z.cols()), Vector<S>::Zero(with_theta ? field.theta().size() : 0)};
    GivenTraceCotangents<S> rule(f_bar, trace_bar);
    const FieldPoint<S> x{t, z, c};
    const FieldCotangent<S> to{out.z, out.c, out.theta, &out.t};
    if (way == Way::closed_form)
      field.trace_and_pullback(x, rule, out.f, out.trace, to, work);
    else
      field.VectorField<S>::trace_and_pullback(x, rule, out.f, out.trace, to, work);
    EXPECT_EQ(rule.seen_f, out.f);
    EXPECT_EQ(rule.seen_trace, out.trace);
    return out;
  }
  // <(f_bar, trace_bar), (f, trace)> at a point.
  double paired(double at, const Matrix<S>& at_z, const Matrix<S>& at_c) {
    const auto out = evaluate(Way::closed_form, at, at_z, at_c);
    return static_cast<double>(out.f.cwiseProduct(f_bar).sum() + out.trace.cwiseProduct(trace_bar).sum());
  }

  Mlp<S> field;
  Workspace<S> work;
  double t = 0.37;
  Matrix<S> z, c, f_bar, trace_bar;
};

// Sums of some hundred products of order 1, in another order: a few hundred units in the last place of the largest.
template <class S> constexpr double kRounding = 500 * std::numeric_limits<S>::epsilon();

template <class M> double difference(const M& a, const M& b) {
  if (a.size() == 0) return 0;
  return static_cast<double>((a - b).cwiseAbs().maxCoeff() / (1 + b.cwiseAbs().maxCoeff()));
}

template <class S> void expect_same_both_ways(const MlpOptions& options, Index batch) {
  Network<S> n(options, batch);
  ASSERT_TRUE(n.field.has_trace());
  const auto closed = n.evaluate(Way::closed_form, n.t, n.z, n.c), slow = n.evaluate(Way::tangents, n.t, n.z, n.c);
  EXPECT_LT(difference(closed.f, slow.f), kRounding<S>);
  EXPECT_LT(difference(closed.trace, slow.trace), kRounding<S>);
  const auto p = n.pull(Way::closed_form), q = n.pull(Way::tangents);
  EXPECT_LT(difference(p.f, slow.f), kRounding<S>);
  EXPECT_EQ(p.trace, closed.trace);
  EXPECT_LT(difference(p.z, q.z), kRounding<S>);
  EXPECT_LT(difference(p.c, q.c), kRounding<S>);
  for (const auto& part : n.field.parameters())
    EXPECT_LT(
        difference(p.theta.segment(part.offset, part.size()).eval(), q.theta.segment(part.offset, part.size()).eval()),
        kRounding<S>)
        << part.name;
  EXPECT_NEAR(p.t, q.t, kRounding<S> * 20 * (1 + std::abs(q.t)));  // a sum over all gates
  const auto r = n.pull(Way::closed_form, false);
  EXPECT_EQ(r.z, p.z);
  EXPECT_EQ(r.c, p.c);
  EXPECT_EQ(r.t, 0);
}

std::vector<LayerType> all_layers() {
  std::vector<LayerType> out;
  for (const auto& name : layer_type_names()) out.push_back(parse_layer_type(name));
  return out;
}

TEST(BilinearTrace, IsTheTangentsTraceForEveryLayerTypeAndActivation) {
  for (const LayerType layer : all_layers())
    for (const auto& name : activation_names()) {
      SCOPED_TRACE(to_string(layer) + " " + name);
      const MlpOptions options{.dim = 3,
                               .condition_dim = 2,
                               .hidden = {19, 16},
                               .layer = layer,
                               .activation = parse_activation(name),
                               .time_features = 1};
      expect_same_both_ways<double>(options, 5);
      expect_same_both_ways<float>(options, 5);
    }
}

TEST(BilinearTrace, IsTheTangentsTraceForEveryShape) {
  struct Shape {
    Index dim;
    std::vector<Index> hidden;
    Index batch;
    bool residual = false;
  };
  const std::vector<Shape> shapes{{1, {}, 1},
                                  {4, {}, 7},
                                  {1, {1}, 1},
                                  {5, {33}, 9},
                                  {1, {1, 1}, 1},
                                  {2, {64, 64}, 64},
                                  {2, {1, 17}, 3},
                                  {7, {17, 1}, 64},
                                  {200, {32, 40}, 6},
                                  {40, {96, 96}, 31},
                                  {3, {24, 24}, 13, true},
                                  {1, {1, 1}, 2, true},
                                  {2, {24, 25}, 4, true},
                                  {20, {64, 64}, 64, true},
                                  {3, {8, 8}, 0}};
  for (const auto& s : shapes)
    for (const LayerType layer : {LayerType::concat, LayerType::concatsquash, LayerType::hyper}) {
      SCOPED_TRACE(fmt::format("d = {}, hidden {}, B = {}, {}{}", s.dim, fmt::join(s.hidden, "-"), s.batch,
                               to_string(layer), s.residual ? ", residual" : ""));
      const MlpOptions options{.dim = s.dim, .hidden = s.hidden, .layer = layer, .residual = s.residual};
      expect_same_both_ways<double>(options, s.batch);
      expect_same_both_ways<float>(options, s.batch);
    }
}

// Central differences: error h^2 f'''/6 + 1e-16 / h, about 1e-9 at h = 1e-5 for values of order 1 to 10.
constexpr double kTraceStep = 1e-5, kTraceTolerance = 2e-7;

TEST(BilinearTrace, PullbackIsTheTransposeOfFiniteDifferences) {
  for (const LayerType layer : all_layers())
    for (const bool residual : {false, true}) {
      SCOPED_TRACE(to_string(layer) + (residual ? " residual" : ""));
      Network<double> n({.dim = 3,
                         .condition_dim = 2,
                         .hidden = {17, 17},
                         .layer = layer,
                         .activation = Activation::swish,
                         .residual = residual,
                         .time_features = 2},
                        5);
      const auto p = n.pull(Way::closed_form);
      Engine engine = make_stream(12, "bilinear_trace_test");
      const Matrix<double> dz = random_matrix<double>(engine, 3, 5), dc = random_matrix<double>(engine, 2, 5);
      auto expect = [](double got, double up, double down, const std::string& what) {
        const double slope = (up - down) / (2 * kTraceStep);
        EXPECT_NEAR(got, slope, kTraceTolerance * (1 + std::abs(slope))) << what;
      };
      const Matrix<double> step_z = kTraceStep * dz, step_c = kTraceStep * dc;
      expect(p.z.cwiseProduct(dz).sum(), n.paired(n.t, n.z + step_z, n.c), n.paired(n.t, n.z - step_z, n.c), "z");
      expect(p.c.cwiseProduct(dc).sum(), n.paired(n.t, n.z, n.c + step_c), n.paired(n.t, n.z, n.c - step_c), "c");
      expect(p.t, n.paired(n.t + kTraceStep, n.z, n.c), n.paired(n.t - kTraceStep, n.z, n.c), "t");
      const Vector<double> theta = n.field.theta();
      for (const auto& part : n.field.parameters()) {
        Vector<double> step = Vector<double>::Zero(theta.size());
        step.segment(part.offset, part.size()) = random_matrix<double>(engine, part.size(), 1);
        n.field.set_theta(theta + kTraceStep * step);
        const double up = n.paired(n.t, n.z, n.c);
        n.field.set_theta(theta - kTraceStep * step);
        expect(p.theta.dot(step), up, n.paired(n.t, n.z, n.c), part.name);
        n.field.set_theta(theta);
      }
    }
}

// A form that is kept while theta stays must not outlive theta, nor a copy share it.
TEST(BilinearTrace, FollowsTheta) {
  for (const LayerType layer : {LayerType::ignore, LayerType::concatsquash}) {
    Network<double> n({.dim = 2, .hidden = {16, 16}, .layer = layer}, 4);
    const auto copy = n.field.clone();
    const auto before = n.evaluate(Way::closed_form, n.t, n.z, n.c);
    n.field.set_theta(1.5 * n.field.theta());
    const auto after = n.evaluate(Way::closed_form, n.t, n.z, n.c), slow = n.evaluate(Way::tangents, n.t, n.z, n.c);
    EXPECT_GT((after.trace - before.trace).norm(), 0.1);
    EXPECT_LT(difference(after.trace, slow.trace), kRounding<double>);
    Matrix<double> f(2, 4), trace(1, 4);
    copy->value_and_trace({n.t, n.z, n.c}, f, trace, n.work);
    EXPECT_EQ(trace, before.trace);
  }
}

// A tile's trace must not depend on the samples beside it.
TEST(BilinearTrace, OfOneSampleIsThatOfItsBatch) {
  Network<float> n({.dim = 10, .hidden = {70, 45}}, 13);
  const auto all = n.evaluate(Way::closed_form, n.t, n.z, n.c);
  Matrix<float> f(10, 1), trace(1, 1);
  for (Index b = 0; b < 13; ++b) {
    n.field.value_and_trace({n.t, n.z.col(b), n.c.col(b)}, f, trace, n.work);
    EXPECT_EQ(trace(0, 0), all.trace(0, b));
  }
}

TEST(BilinearTrace, NaNStaysNaN) {
  Network<float> n({.dim = 2, .hidden = {16, 16}}, 3);
  n.z(1, 1) = std::numeric_limits<float>::quiet_NaN();
  const auto out = n.evaluate(Way::closed_form, n.t, n.z, n.c);
  EXPECT_TRUE(std::isnan(out.trace(0, 1)));
  EXPECT_TRUE(std::isfinite(out.trace(0, 0)) && std::isfinite(out.trace(0, 2)));
}

// Without a closed form the functions exist all the same: three hidden layers, and a potential.
TEST(VectorField, TraceWithoutAClosedFormIsTheTangents) {
  Network<double> n({.dim = 3, .hidden = {8, 8, 8}}, 4);
  EXPECT_FALSE(n.field.has_trace());
  Matrix<double> f(3, 4), je(3, 12);
  n.field.tangents({n.t, n.z, n.c}, TangentDirections<double>::identity(3), f, je, n.work);
  const auto out = n.evaluate(Way::closed_form, n.t, n.z, n.c);
  EXPECT_EQ(out.f, f);
  for (Index b = 0; b < 4; ++b) EXPECT_EQ(out.trace(0, b), je(0, b) + je(1, 4 + b) + je(2, 8 + b));
  Matrix<double> z(3, 4), z2(3, 4), none(0, 4), je_bar = Matrix<double>::Zero(3, 12);
  Vector<double> theta = Vector<double>::Zero(n.field.theta().size()), theta2 = theta;
  double t = 0, t2 = 0;
  for (Index j = 0; j < 3; ++j) je_bar.row(j).segment(j * 4, 4) = n.trace_bar;
  n.field.pullback({n.t, n.z, n.c}, TangentDirections<double>::identity(3), n.f_bar, je_bar, {z, none, theta, &t},
                   n.work);
  GivenTraceCotangents<double> rule(n.f_bar, n.trace_bar);
  Matrix<double> trace(1, 4);
  n.field.trace_and_pullback({n.t, n.z, n.c}, rule, f, trace, {z2, none, theta2, &t2}, n.work);
  EXPECT_EQ(z2, z);
  EXPECT_EQ(theta2, theta);
  EXPECT_EQ(t2, t);
  EXPECT_EQ(trace, out.trace);
  EXPECT_FALSE(PotentialField<double>({.dim = 3}).has_trace());
}

template <class S> void expect_transposed(Index rows, Index cols) {
  const Matrix<S> a = Matrix<S>::Random(rows + 2, cols);
  Matrix<S> b = Matrix<S>::Constant(cols + 3, rows, 7);
  transpose(rows, cols, a.data(), rows + 2, b.data(), cols + 3);
  EXPECT_EQ(b.topRows(cols), a.topRows(rows).transpose()) << rows << " x " << cols;
  EXPECT_TRUE((b.bottomRows(3).array() == 7).all());
}

TEST(Product, TransposeOfEverySize) {
  for (const Index rows : {0, 1, 3, 8, 16, 17, 33, 64})
    for (const Index cols : {0, 1, 4, 15, 16, 31, 48}) {
      expect_transposed<float>(rows, cols);
      expect_transposed<double>(rows, cols);
    }
}

}  // namespace
}  // namespace pathline
