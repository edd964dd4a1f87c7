// The density of a model file is rebuilt from the file alone by tests/checkpoint/model_reader.py (NumPy and SciPy),
// which follows models/README.md, and is compared with pathline's.

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <sstream>

#include <gmock/gmock.h>

#include "pathline/checkpoint/model.hpp"
#include "pathline/field/mlp.hpp"
#include "pathline/field/potential_field.hpp"
#include "pathline/flow/flow_mixture.hpp"
#include "pathline/transform/coupling_layer.hpp"
#include "pathline/transform/planar.hpp"
#include "pathline/transform/radial.hpp"
#include "paths.hpp"
#include "scratch.hpp"

namespace pathline {
namespace {

constexpr double kTolerance = 1e-8;  // both solve to 1e-12, where a kink of elu or relu in the trace costs 1e-9

class ModelReaderSlow : public Scratch {
 protected:
  // Compares at points x (d x N) under conditions c (dc x N).
  void compare(const std::string& model_file, const Matrix<double>& x, const Matrix<double>& c) const {
    auto out = Hdf5File::create(file("points.h5"));
    out.write_matrix("x", x);
    if (c.rows() > 0) out.write_matrix("c", c);
    out.commit();
    const std::string printed = python(
        "import subprocess, sys\nprint(subprocess.run(['/usr/bin/python3', '-W', 'error', "
        "r'" +
        source_dir() + "/tests/checkpoint/model_reader.py', r'" + model_file +
        "', 'points.h5'], check=True, stdout=subprocess.PIPE, text=True).stdout)");
    const EvaluationOptions fine{.solver = {.rtol = 1e-12, .atol = 1e-12}};
    const auto expected = read_model<double>(model_file).flow.log_prob(x, c, fine).log_prob;
    std::istringstream lines(printed);
    for (Index i = 0; i < x.cols(); ++i) {
      std::string word;
      ASSERT_TRUE(lines >> word) << printed;
      if (std::isinf(expected[i]))
        EXPECT_EQ(word, "-inf");  // outside of a uniform base
      else
        EXPECT_NEAR(std::stod(word), expected[i], kTolerance) << "point " << i;
    }
  }

  // A model of random weights.
  template <class Field> Model<double> random_model(std::vector<std::shared_ptr<Field>> fields,
                                                    std::vector<BatchNorm<double>> norms = {}) const {
    Engine engine = make_stream(2, "model_reader_test");
    std::vector<Cnf<double>> blocks;
    for (auto& field : fields) {
      field->initialize(engine);
      blocks.push_back({field, 0.7, blocks.size() % 2 ? FieldClock::data_to_base : FieldClock::base_to_data});
    }
    Model<double> model{Flow<double>(std::move(blocks), std::move(norms)), {}};
    model.card.precision = "double";
    return model;
  }

  void compare_random(Model<double> model, bool unit_cube = false) const {
    auto& flow = model.flow;
    Engine engine = make_stream(3, "model_reader_test");
    Vector<double> theta = flow.theta();
    for (Index i = 0; i < theta.size(); ++i) theta[i] += 0.1 * normal(engine);
    flow.set_theta(theta);
    write_model(file("m.h5"), model);
    Matrix<double> x(flow.dim(), 3), c(flow.condition_dim(), 3);
    if (unit_cube)
      fill_uniform<double>(engine, x);
    else
      fill_normal<double>(engine, x);
    fill_normal<double>(engine, c);
    compare(file("m.h5"), x, c);
  }

  static std::shared_ptr<Mlp<double>> mlp(MlpOptions options) { return std::make_shared<Mlp<double>>(options); }
};

TEST_F(ModelReaderSlow, RebuildsEveryLayerAndActivation) {
  const auto& activations = activation_names();
  const auto& layers = layer_type_names();
  for (std::size_t i = 0; i < std::max(activations.size(), layers.size()); ++i) {
    const auto layer = static_cast<LayerType>(i % layers.size());
    const auto activation = static_cast<Activation>(i % activations.size());
    SCOPED_TRACE(to_string(layer) + " " + to_string(activation));
    compare_random(random_model<Mlp<double>>({mlp({.dim = 2,
                                                   .condition_dim = i % 2 ? 2 : 0,
                                                   .hidden = {5, 5, 4},
                                                   .layer = layer,
                                                   .activation = activation,
                                                   .residual = i % 3 == 0,
                                                   .time_features = static_cast<Index>(i % 3)})}));
  }
}

TEST_F(ModelReaderSlow, RebuildsEveryBase) {
  for (const auto& name : base_names()) {
    SCOPED_TRACE(name);
    const Index condition_dim = name.starts_with("conditional") ? 2 : 0;
    auto model = random_model<Mlp<double>>({mlp({.dim = 3, .condition_dim = condition_dim, .hidden = {4}})});
    Engine engine = make_stream(4, "model_reader_test");
    model.flow.base = make_base(parse_base(name), 3, name.ends_with("mixture") ? 2 : 1, engine, condition_dim);
    compare_random(std::move(model));
  }
}

TEST_F(ModelReaderSlow, RebuildsPotentialsNormsAndTransforms) {
  for (Index layers : {1, 2, 4}) {
    SCOPED_TRACE(layers);
    auto potential = std::make_shared<PotentialField<double>>(
        PotentialFieldOptions{.dim = 2, .condition_dim = 1, .width = 5, .layers = layers, .rank = 2});
    compare_random(random_model<PotentialField<double>>({potential, potential}));
  }
  std::vector<BatchNorm<double>> norms(3, BatchNorm<double>(2));
  for (Index i = 0; i < 3; ++i) {
    auto& norm = norms[static_cast<std::size_t>(i)];
    norm.mean << 0.1, -0.2 * static_cast<double>(i), norm.variance << 1.2 + static_cast<double>(i), 0.7;
  }
  auto model = random_model<Mlp<double>>({mlp({.dim = 2, .hidden = {4}}), mlp({.dim = 2, .hidden = {3}})}, norms);
  auto& flow = model.flow;
  flow.blocks()[1]->end_time = 0.4;
  flow.standardize(Vector<double>{{1, -1}}, Vector<double>{{0.5, 2}});
  compare_random(model);
  flow.set_logit(0.05);
  compare_random(model, true);
  // Bounds below, above, on both sides and none; normal draws lie on both sides of each.
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  auto bounded = random_model<Mlp<double>>({mlp({.dim = 4, .hidden = {4}})});
  bounded.flow.standardize(Vector<double>{{1, -1, 0, 0.5}}, Vector<double>{{0.5, 2, 1, 1}});
  bounded.flow.set_bounds(Bounds<double>(Vector<double>{{-1, -kInfinity, -0.8, -kInfinity}},
                                         Vector<double>{{kInfinity, 1.2, 0.9, kInfinity}},
                                         Vector<double>{{0, 0, 0.1, 0}}));
  compare_random(bounded);
  Matrix<double> x = Matrix<double>::Constant(4, 3, 0.5);
  x(2, 0) = -0.8, x(2, 1) = 0.9, x(0, 2) = -1;
  compare(file("m.h5"), x, Matrix<double>(0, 3));
  bounded.flow.set_linear(
      Linear<double>(Matrix<double>(Matrix<double>::Identity(4, 4) * 0.5 + Matrix<double>::Constant(4, 4, 0.3))));
  // Two periodic columns, of which a point has one, two or four images, beside one with bounds and one with none.
  bounded.flow.set_bounds(
      Bounds<double>(Vector<double>{{-1, -kInfinity, -0.8, -2}}, Vector<double>{{2, kInfinity, 0.9, 1}}));
  bounded.flow.set_periods(
      Periods(Vector<double>{{0, 0, 0, -1}}, Vector<double>{{2, 0, 0, 2}}, *bounded.flow.bounds()));
  compare_random(bounded);
}

// One of each kind, between a block and the data and alone; with columns outside of the box.
TEST_F(ModelReaderSlow, RebuildsTransformsInClosedForm) {
  for (const bool with_block : {true, false}) {
    Engine engine = make_stream(5, "model_reader_test");
    Chain<double> chain;
    if (with_block) chain = random_model<Mlp<double>>({mlp({.dim = 3, .condition_dim = 1, .hidden = {4}})}).flow.chain;
    chain.add(CouplingLayer<double>(
        {.dim = 3, .condition_dim = 1, .moved = {0, 2}, .hidden = {5, 5, 5}, .residual = true, .bins = 4, .box = 1}));
    chain.add(CouplingLayer<double>({.kind = CouplingKind::affine,
                                     .dim = 3,
                                     .condition_dim = 1,
                                     .moved = {1},
                                     .hidden = {},
                                     .activation = Activation::tanh,
                                     .box = 1}));
    chain.add(CouplingLayer<double>({.dim = 3, .moved = {0, 1, 2}, .hidden = {}, .bins = 7, .box = 2}));
    chain.add(Planar<double>(3)).initialize(engine, 1);
    chain.add(Radial<double>(3)).initialize(engine, 1);
    chain.add(Planar<double>(3)).initialize(engine, 1);
    Flow<double> flow(std::move(chain));
    Vector<double> theta = flow.theta();
    for (Index i = 0; i < theta.size(); ++i) theta[i] += 0.5 * normal(engine);
    flow.set_theta(theta);
    flow.standardize(Vector<double>{{0.1, -0.2, 0}}, Vector<double>{{0.8, 1, 0.5}});
    Model<double> model{std::move(flow), {}};
    model.card.precision = "double";
    for (int repeat = 0; repeat < 4; ++repeat) compare_random(model);
  }
}

TEST_F(ModelReaderSlow, EnsemblesAreMixturesOfTheirMembers) {
  Engine engine = make_stream(5, "model_reader_test");
  std::vector<Flow<double>> members;
  for (const Index width : {4, 6}) {
    auto field = std::make_shared<Mlp<double>>(MlpOptions{.dim = 2, .condition_dim = 1, .hidden = {width}});
    field->initialize(engine);
    Flow<double> flow{Cnf<double>(field)};
    flow.standardize(Vector<double>{{0.1, -0.2}}, Vector<double>::Constant(2, 0.2 * static_cast<double>(width)));
    flow.base = make_base(width == 4 ? BaseKind::full : BaseKind::full_mixture, 2, 2, engine);
    const Bounds<double> bounds(Vector<double>{{-2, -90}}, Vector<double>{{std::numeric_limits<double>::infinity(), 450}});
    flow.set_bounds(bounds);
    flow.set_periods(Periods(Vector<double>{{0, 0}}, Vector<double>{{0, 360}}, bounds));
    members.push_back(std::move(flow));
  }
  Model<double> model{flow_mixture(std::move(members), Vector<double>{{1, 3}}), {}};
  model.card.precision = "double";
  write_model(file("m.h5"), model);
  compare(file("m.h5"), Matrix<double>{{0.5, 1, -3, 2}, {10, 100, 200, 350}}, Matrix<double>{{0, 1, 0.5, -1}});
}

class ShippedModelReaderSlow : public ModelReaderSlow, public ::testing::WithParamInterface<std::string> {};

std::vector<std::string> shipped() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(source_dir() + "/models"))
    if (entry.path().extension() == ".h5") names.push_back(entry.path().stem().string());
  std::sort(names.begin(), names.end());
  return names;
}

TEST_P(ShippedModelReaderSlow, RebuildsTheDensity) {
  const std::string model = source_dir() + "/models/" + GetParam() + ".h5";
  const auto flow = read_model<double>(model).flow;
  Matrix<double> c(flow.condition_dim(), 4);
  if (c.rows() > 0) c = flow.condition_mean.replicate(1, 4) + flow.condition_scale * Matrix<double>::Random(1, 4);
  Matrix<double> x = flow.sample(4, 5, {}, c).points;
  if (flow.logit() == 0) x.col(3) = 2 * x.col(2) - flow.mean();  // off the data
  compare(model, x, c);
}

INSTANTIATE_TEST_SUITE_P(Models, ShippedModelReaderSlow, testing::ValuesIn(shipped()),
                         [](const auto& named) { return "model_" + named.param; });

}  // namespace
}  // namespace pathline
