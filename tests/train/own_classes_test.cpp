// A field, an objective, a data source and a target of the user's own: each trains, stops after any iteration,
// continues bit for bit as if never interrupted, is saved with its weights by name and is read into the user's class
// again.
#include <cmath>
#include <functional>

#include <gmock/gmock.h>

#include "message.hpp"
#include "pathline/pathline.hpp"
#include "scratch.hpp"

namespace pathline {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// dz/dt = sum_k a_k z^k, k < order: the same polynomial for every component.
class Polynomial final : public VectorField<double> {
 public:
  Polynomial(Index dim, Index order, std::string variable = "z") : VectorField(dim, 0), variable_(std::move(variable)) {
    add_parameter("coefficients", order, 1, /*decays=*/true);
  }
  std::unique_ptr<VectorField> clone() const override { return std::make_unique<Polynomial>(*this); }
  std::string kind() const override { return "polynomial"; }
  Attributes describe() const override {
    return {{"order", static_cast<std::int64_t>(theta().size())},
            {"variable", variable_},
            {"powers",
             Vector<double>(Vector<double>::LinSpaced(theta().size(), 0, static_cast<double>(theta().size() - 1)))}};
  }

  void value(const FieldPoint<double>& x, MatrixRef<double> f, Workspace<double>&) const override {
    f = x.z.unaryExpr([this](double z) { return sum(z, 0); });
  }
  void tangents(const FieldPoint<double>& x, const TangentDirections<double>& e, MatrixRef<double> f,
                MatrixRef<double> je, Workspace<double>& w) const override {
    value(x, f, w);
    e.write(dim(), x.batch(), je);
    for (Index j = 0; j < e.k; ++j)
      je.middleCols(j * x.batch(), x.batch()).array() *= x.z.unaryExpr([this](double z) { return sum(z, 1); }).array();
  }
  void pullback(const FieldPoint<double>& x, const TangentDirections<double>& e, ConstMatrixRef<double> f_bar,
                ConstMatrixRef<double> je_bar, FieldCotangent<double> out, Workspace<double>&) const override {
    Matrix<double> directions(dim(), e.k * x.batch()), weight = Matrix<double>::Zero(dim(), x.batch());
    e.write(dim(), x.batch(), directions);
    for (Index j = 0; j < e.k; ++j)
      weight +=
          directions.middleCols(j * x.batch(), x.batch()).cwiseProduct(je_bar.middleCols(j * x.batch(), x.batch()));
    out.z = f_bar.cwiseProduct(x.z.unaryExpr([this](double z) { return sum(z, 1); })) +
            weight.cwiseProduct(x.z.unaryExpr([this](double z) { return sum(z, 2); }));
    for (Index k = 0; k < out.theta.size(); ++k)
      out.theta[k] += f_bar.cwiseProduct(x.z.unaryExpr([k](double z) { return power(z, k, 0); })).sum() +
                      weight.cwiseProduct(x.z.unaryExpr([k](double z) { return power(z, k, 1); })).sum();
  }

 private:
  // The derivative of z^k of the given order, 0, 1 or 2.
  static double power(double z, Index k, int derivative) {
    const double n = static_cast<double>(k);
    if (derivative > k) return 0;
    return (derivative == 0 ? 1 : derivative == 1 ? n : n * (n - 1)) * std::pow(z, n - derivative);
  }
  double sum(double z, int derivative) const {
    double out = 0;
    for (Index k = 0; k < theta().size(); ++k) out += theta()[k] * power(z, k, derivative);
    return out;
  }
  std::string variable_;
};

Flow<double> polynomial_flow(Index order = 3) {
  return Flow<double>(Cnf<double>(std::make_shared<Polynomial>(2, order)));
}

// Maximum likelihood, whose loss is damped by a running mean of the losses before: state from call to call.
class Damped final : public Objective<double> {
 public:
  std::string kind() const override { return "damped"; }
  void check(const Flow<double>& flow) const override { inner_->check(flow); }
  void set_threads(int threads) override { inner_->set_threads(threads); }
  ObjectiveGradient operator()(const Flow<double>& flow, const Batch& batch, Index iteration) override {
    auto g = (*inner_)(flow, batch, iteration);
    mean_ = 0.5 * mean_ + 0.5 * g.loss;
    g.theta *= 1 / (1 + std::abs(g.loss - mean_));
    return g;
  }
  std::vector<double> first_steps() const override {
    auto all = inner_->first_steps();
    all.push_back(mean_);
    return all;
  }
  void set_first_steps(std::vector<double> all) override {
    mean_ = all.empty() ? 0 : all.back();
    if (!all.empty()) all.pop_back();
    inner_->set_first_steps(std::move(all));
  }

 private:
  std::unique_ptr<Objective<double>> inner_ = maximum_likelihood<double>();
  double mean_ = 0;
};

// A simulation: two particles about a centre of mass, drawn anew in every batch.
class EndlessSimulation final : public DataSource {
 public:
  EndlessSimulation() {
    columns_ = {"left", "right"};
    Engine engine = make_stream(3, "test.simulation");
    validation_.resize(2, 100), test_.resize(2, 100);
    batch(engine, validation_), batch(engine, test_);
    standardizer_ = {Vector<double>::Zero(2), Vector<double>::Constant(2, 0.7)};
  }
  void batch(Engine& engine, MatrixRef<double> out) const override {
    for (Index b = 0; b < out.cols(); ++b) {
      const double centre = 0.5 * normal(engine), distance = 0.3 + 0.2 * uniform(engine);
      out(0, b) = centre - distance, out(1, b) = centre + distance;
    }
  }
};

// exp(-|x|^4 / 4)
Target quartic() {
  return {.dim = 2,
          .log_density = [](ConstMatrixRef<double> x, Matrix<double>* gradient) -> RowVector<double> {
            const RowVector<double> r2 = x.colwise().squaredNorm();
            if (gradient) *gradient = -(x.array().rowwise() * r2.array()).matrix();
            return -r2.array().square() / 4;
          },
          .log_z = 1.5 * std::log(M_PI)};
}

TrainingData table() {
  Engine engine = make_stream(1, "test.data");
  Matrix<double> x(2, 80);
  fill_normal<double>(engine, x);
  return matrix_data(x, {.columns = {"u", "v"}});
}

// Everything that a run is made of, made anew for every run as another process would.
struct Pieces {
  std::function<Flow<double>()> flow;
  std::function<TrainingData()> data;
  std::function<std::vector<Stage<double>>()> stages;
  Index iterations = 8;
};

class OwnClasses : public Scratch {
 protected:
  TrainerOptions options(const std::string& directory) const {
    return {.iterations = 8,
            .batch = 16,
            .evaluate_every = 3,
            .checkpoint_every = 5,
            .evaluation = {.solver = {.steps = 6}},
            .validation_draws = 50,
            .test_draws = 50,
            .directory = file(directory)};
  }

  // Stops after every iteration in turn, and continues from the files with new objects of every class.
  void expect_resumes(const Pieces& run) {
    Trainer<double> whole(run.flow(), run.data(), run.stages(), options("whole"));
    const auto result = whole.run();
    EXPECT_EQ(result.iterations, run.iterations);
    const auto digest = Hdf5File::open(file("whole/model.h5")).attribute<std::string>("digest");
    for (Index at = 1; at < run.iterations; ++at) {
      SCOPED_TRACE("stopped after " + std::to_string(at));
      const std::string where = "parts" + std::to_string(at);
      TrainingCallbacks<double> stop{.iteration = [at](const TrainingProgress& p, const Flow<double>&) {
        return p.iteration == at ? TrainingAction::stop : TrainingAction::proceed;
      }};
      auto o = options(where);
      EXPECT_TRUE(Trainer<double>(run.flow(), run.data(), run.stages(), o, stop).run().interrupted);
      o.resume = true;
      auto other = run.flow();  // its weights are those of the file
      other.set_theta(Vector<double>::Constant(other.theta().size(), 0.125));
      Trainer<double> resumed(other, run.data(), run.stages(), o);
      const auto rest = resumed.run();
      EXPECT_EQ(resumed.flow().theta(), whole.flow().theta());
      EXPECT_EQ(resumed.best().theta(), whole.best().theta());
      EXPECT_EQ(rest.validation.nll, result.validation.nll);
      EXPECT_EQ(Hdf5File::open(file(where + "/model.h5")).attribute<std::string>("digest"), digest);
    }
    EXPECT_NE(whole.flow().theta(), run.flow().theta()) << "nothing was trained";
    auto loaded = run.flow();
    read_parameters_into(file("whole/model.h5"), loaded);
    EXPECT_EQ(loaded.theta(), whole.best().theta());
    const Matrix<double> x = Matrix<double>::Random(2, 5);
    EXPECT_EQ(loaded.log_prob(x).log_prob, whole.best().log_prob(x).log_prob);
  }
};

std::vector<Stage<double>> likelihood() { return {{maximum_likelihood<double>()}}; }

TEST_F(OwnClasses, AFieldTrainsResumesSavesAndLoads) {
  expect_resumes({[] { return polynomial_flow(); }, table, likelihood});
  const auto in = Hdf5File::open(file("whole/model.h5"));
  EXPECT_EQ(in.group("blocks/0").attribute<std::string>("field"), "polynomial");
  EXPECT_EQ(in.group("blocks/0").attribute<std::int64_t>("order"), 3);
  EXPECT_EQ(in.read_vector<double>("blocks/0/powers"), Eigen::Vector3d(0, 1, 2));
  EXPECT_EQ(in.read_vector<double>("parameters/blocks/0/coefficients").size(), 3);
  EXPECT_THAT(in.read_strings("columns"), ElementsAre("u", "v"));
}

TEST_F(OwnClasses, AFieldHasTheRightGradient) {
  auto flow = polynomial_flow(4);
  flow.set_theta(Vector<double>{{0.1, -0.4, 0.2, -0.1}});
  const Matrix<double> x = Matrix<double>::Random(2, 5);
  for (const auto& row : check_gradient(flow, x, Matrix<double>(0, 0), {.solver = {.steps = 5}}))
    EXPECT_LT(row.error(), 1e-6) << row.name;
}

TEST_F(OwnClasses, AnObjectiveWithStateResumes) {
  expect_resumes({[] { return polynomial_flow(); }, table,
                  [] { return std::vector<Stage<double>>{{std::make_shared<Damped>()}}; }});
}

TEST_F(OwnClasses, ADataSourceResumes) {
  expect_resumes({[] { return polynomial_flow(); }, [] { return TrainingData(std::make_shared<EndlessSimulation>()); },
                  likelihood});
}

TEST_F(OwnClasses, ATargetResumes) {
  expect_resumes({[] { return polynomial_flow(); }, [] { return TrainingData::none(2); },
                  [] { return std::vector<Stage<double>>{{reverse_kl<double>(quartic())}}; }});
}

TEST_F(OwnClasses, AllOfThemTogetherResumeInEveryStage) {
  expect_resumes({[] { return polynomial_flow(); }, [] { return TrainingData(std::make_shared<EndlessSimulation>()); },
                  [] {
                    return std::vector<Stage<double>>{{std::make_shared<Damped>(), 3},
                                                      {reverse_kl<double>(quartic()), 2},
                                                      {std::make_shared<Damped>()}};
                  }});
}

// Two fields of one class with as many parameters were the same to a file.
TEST_F(OwnClasses, AFileIsNotReadIntoAFieldThatDescribesItselfOtherwise) {
  const std::string name = file("model.h5");
  write_model(name, Model<double>{polynomial_flow(), {}});
  const auto into = [&](std::shared_ptr<VectorField<double>> field) {
    Flow<double> flow{Cnf<double>(std::move(field))};
    const Vector<double> before = flow.theta();
    const auto what = message([&] { read_parameters_into(name, flow); });
    EXPECT_EQ(flow.theta(), before);
    return what;
  };
  EXPECT_THAT(into(std::make_shared<Polynomial>(2, 4)), HasSubstr("blocks/0: order of the vector field differs"));
  EXPECT_THAT(into(std::make_shared<Polynomial>(2, 3, "r")), HasSubstr("variable is 'z'; the flow has 'r'"));
  EXPECT_THAT(into(std::make_shared<Mlp<double>>(MlpOptions{})),
              HasSubstr("field is 'polynomial'; the flow has 'mlp'"));
  EXPECT_THAT(message([&] { return read_model<double>(name); }), HasSubstr("a user-defined class ('polynomial')"));
}

// A description that took the name of one of the block's own attributes would have replaced it.
TEST_F(OwnClasses, ADescriptionMayNotTakeTheNameOfAnAttributeOfTheBlock) {
  class Clocked final : public VectorField<double> {
   public:
    Clocked() : VectorField(1, 0) {}
    std::unique_ptr<VectorField> clone() const override { return std::make_unique<Clocked>(*this); }
    Attributes describe() const override { return {{"clock", std::string("wall")}}; }
    void value(const FieldPoint<double>&, MatrixRef<double> f, Workspace<double>&) const override { f.setZero(); }
    void tangents(const FieldPoint<double>&, const TangentDirections<double>&, MatrixRef<double> f,
                  MatrixRef<double> je, Workspace<double>&) const override {
      f.setZero(), je.setZero();
    }
    void pullback(const FieldPoint<double>&, const TangentDirections<double>&, ConstMatrixRef<double>,
                  ConstMatrixRef<double>, FieldCotangent<double> out, Workspace<double>&) const override {
      out.z.setZero();
    }
  };
  const Flow<double> flow{Cnf<double>(std::make_shared<Clocked>())};
  EXPECT_THAT(message([&] { write_model(file("m.h5"), Model<double>{flow, {}}); }), HasSubstr("two attributes named 'clock'"));
  EXPECT_EQ(files(), 0);
}

TEST_F(OwnClasses, ATargetThatGivesNoGradientIsNamed) {
  Target target{.dim = 2, .log_density = [](ConstMatrixRef<double> x, Matrix<double>*) -> RowVector<double> {
                  return -x.colwise().squaredNorm() / 2;
                }};
  Trainer<double> trainer(polynomial_flow(), TrainingData::none(2), reverse_kl<double>(target), options("run"));
  EXPECT_THAT(message([&] { trainer.run(); }), HasSubstr("target: at 16 points of 2 columns"));
}

}  // namespace
}  // namespace pathline
