// The file of an ensemble: what comes back, and what is refused.
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "message.hpp"
#include "pathline/checkpoint/density.hpp"
#include "pathline/checkpoint/model.hpp"
#include "pathline/field/mlp.hpp"
#include "pathline/flow/flow_mixture.hpp"
#include "pathline/transform/coupling_layer.hpp"
#include "scratch.hpp"

namespace pathline {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

// Members of different architectures, bases and units.
template <class S> Model<S> ensemble() {
  Engine engine = make_stream(1, "ensemble_file_test");
  std::vector<Flow<S>> members;
  for (const Index width : {5, 7}) {
    auto field = std::make_shared<Mlp<S>>(MlpOptions{.dim = 3, .condition_dim = 1, .hidden = {width, width}});
    field->initialize(engine);
    Chain<S> chain;
    chain.add(Cnf<S>(field));
    if (width == 7) chain.add(CouplingLayer<S>({.dim = 3, .moved = {0, 2}, .hidden = {4}})).initialize(engine);
    Flow<S> flow(std::move(chain));
    flow.standardize(Vector<double>::Constant(3, 0.1 * static_cast<double>(width)), Vector<double>{{0.5, 1, 2}});
    flow.base = make_base(width == 5 ? BaseKind::mixture : BaseKind::full, 3, 2, engine);
    flow.condition_mean << -1, flow.condition_scale << 2;
    flow.set_bounds(Bounds<double>(Vector<double>{{-9, -9, -9}}, Vector<double>{{9, 9, 9}}));
    members.push_back(std::move(flow));
  }
  return {flow_mixture(std::move(members), Vector<double>{{0.3, 0.7}}),
          {.version = "",
           .precision = "",
           .recipe = "[train]\nseed = 3\n",
           .digest = "",
           .columns = {"a", "b", "c"},
           .condition_columns = {"u"},
           .metrics = {"{}"},
           .evaluation = SolverOptions{.stepper = StepperKind::rk4, .steps = 8},
           .members = {"[train]\nseed = 1\n", "[train]\nseed = 2\n"}}};
}

class EnsembleFile : public Scratch {
 protected:
  // What reading m.h5 says after a change of it by h5py, with a right digest or none: that is not what is tested.
  std::string broken(const std::string& change) const {
    EXPECT_EQ(python("import shutil\nshutil.copy('m.h5', 'b.h5')\nwith h5py.File('b.h5', 'a') as f:\n  " + change +
                     "\nwith open('b.h5', 'r+b') as f: f.write(bytes(512))"),
              "");
    return message([&] { (void)read_model<double>(file("b.h5")); });
  }
};

TEST_F(EnsembleFile, EverythingGoesOutAndComesBackBitwise) {
  const Matrix<double> x = Matrix<double>::Random(3, 20), c = Matrix<double>::Random(1, 20);
  const auto model = ensemble<double>();
  write_model(file("m.h5"), model);
  const auto back = read_model<double>(file("m.h5"));
  ASSERT_TRUE(back.flow.members());
  EXPECT_EQ(back.card.format_version, 5);
  EXPECT_EQ(back.card.evaluation, model.card.evaluation);
  EXPECT_EQ(back.card.members, model.card.members);
  EXPECT_EQ(back.card.columns, model.card.columns);
  EXPECT_EQ(back.flow.members()->weights(), model.flow.members()->weights());
  EXPECT_EQ(back.flow.log_prob(x, c).log_prob, model.flow.log_prob(x, c).log_prob);
  EXPECT_EQ(back.flow.score(x, c).score, model.flow.score(x, c).score);
  EXPECT_EQ(back.flow.sample(20, 1, {}, c).points, model.flow.sample(20, 1, {}, c).points);
  ASSERT_TRUE(back.card.answers);
  const auto& answers = *back.card.answers;
  EXPECT_EQ(known_log_prob(back.flow, answers.points, answers.condition), answers.log_density);
  write_model(file("n.h5"), ensemble<float>());
  write_model(file("again.h5"), read_model<float>(file("n.h5")));
  EXPECT_EQ(get("again.h5"), get("n.h5"));
  // The facade evaluates with the solver of the file.
  const Density density(file("m.h5"));
  EXPECT_EQ(density.log_prob(x, c), model.flow.log_prob(x, c, {.solver = model.card.evaluation}).log_prob);
}

// The sum of ten thirds of weights, and of 49 equal ones, is not 1 in binary.
TEST_F(EnsembleFile, WeightsKeepTheirBitsSlow) {
  const auto one = ensemble<double>().flow.members()->members()[0];
  for (const Index count : {3, 10, 49}) {
    Model<double> model = ensemble<double>();
    model.card.members.clear();
    model.flow = flow_mixture(std::vector<Flow<double>>(static_cast<std::size_t>(count), one),
                              Vector<double>::LinSpaced(count, 1, 2));
    write_model(file("m.h5"), model);
    EXPECT_EQ(read_model<double>(file("m.h5")).flow.members()->weights(), model.flow.members()->weights());
  }
}

TEST_F(EnsembleFile, WhatIsNoEnsembleIsRefusedInOneLineSlow) {
  write_model(file("m.h5"), ensemble<double>());
  EXPECT_EQ(broken("pass"), "no error");
  const std::string at = file("b.h5") + ": ";
  const auto says = [&](const std::string& change, const std::string& what) {
    EXPECT_THAT(broken(change), AllOf(StartsWith(at), HasSubstr(what))) << change;
  };
  says("del f['members/0']; f.copy('members/1', 'x'); f.move('x', 'members/5')", "members/0: not found");
  says("f['base'].attrs['components'] = 3; del f['base/weights']; f['base/weights'] = [1., 1, 1]",
       "members/2: not found; expected 3 members");
  says("f['base'].attrs['components'] = 1; del f['base/weights']; f['base/weights'] = [1.]", "more than the 1");
  for (const char* count : {"0", "-1", "5000", "2**62"})
    says(std::string("f['base'].attrs['components'] = ") + count, "components");
  says("f['base/weights'][0] = np.nan", "weights: a value is not finite");
  says("f['base/weights'][0] = -1", "must be finite and > 0");
  says("del f['base/weights']; f['base/weights'] = [1., 1, 1]", "weights: 3 numbers, expected 2");
  // A member of another dimension, of another ensemble, of a size that no file of these bytes holds.
  says("del f['members/1/mean']; f['members/1/mean'] = [1., 2]", "members/1: mean: 2 numbers, expected 3");
  says("f.attrs['dim'] = 2", "columns: 3 names, expected 2");
  says("g = f['members/1/base']; g.attrs['kind'] = 'flow_mixture'", "members/1: is an ensemble itself");
  says("f['members/1/blocks/0'].attrs['hidden'] = [1 << 40, 5]", "more than the file contains");
  says("f['members/1/base'].attrs['kind'] = 'full_mixture'; f['members/1/base'].attrs['components'] = 1 << 40",
       "more than the file contains");
  says("f.copy('members/0/blocks', 'blocks')", "blocks: only the members of an ensemble have transforms");
  says("del f['members/1/parameters/base']", "members/1");
  says("f['members/1/scale'][0] = 0", "members/1: scale: must be > 0");
  says("f['members/1/mean'][0] = 0.5", "was changed after it was written");
  says("f['members/1/recipe'][()] = 'x'", "was changed after it was written");
  says("del f['members/1']; f['members/1'] = h5py.SoftLink('/members/0')", "is a link to another place");
  says("f['base'].attrs['kind'] = 'mixture'", "no blocks and no transforms");
}

// Each member alone would fit: together they ask for more than the file has. Hard links cost a few bytes each.
TEST_F(EnsembleFile, ThousandsOfMembersAreBoundedByTheSizeOfTheFileSlow) {
  Engine engine = make_stream(2, "ensemble_file_test");
  auto field = std::make_shared<Mlp<double>>(MlpOptions{.dim = 2, .hidden = {200, 200}});
  field->initialize(engine);
  std::vector<Flow<double>> members(2, Flow<double>(Cnf<double>(field)));
  Model<double> model = ensemble<double>();
  model.flow = flow_mixture(std::move(members), Vector<double>{{0.5, 0.5}});
  model.card.columns = {"a", "b"}, model.card.condition_columns = {};
  write_model(file("m.h5"), model);
  const std::string all = "n = 90\n  f['base'].attrs['components'] = n\n  del f['base/weights']\n"
                          "  f['base/weights'] = np.ones(n)\n  for k in range(2, n): f[f'members/{k}'] = f['members/1']";
  EXPECT_THAT(broken(all), HasSubstr("more than the file contains"));
  const std::string text = "del f['members/1/recipe']; f['members/1/recipe'] = '#' * 2000000\n  "
                           "for k in range(2, 90): f[f'members/{k}'] = f['members/1']";
  EXPECT_THAT(broken(text), HasSubstr("recipe: an array of 2000000 numbers, more than the file contains"));
}

TEST_F(EnsembleFile, ItIsReadIntoNoSingleFlow) {
  write_model(file("m.h5"), ensemble<double>());
  Flow<double> one = ensemble<double>().flow.members()->members()[0];
  EXPECT_THAT(message([&] { read_parameters_into(file("m.h5"), one); }), HasSubstr("use read_model"));
  EXPECT_EQ(read_card(file("m.h5")).members.size(), 2);
}

}  // namespace
}  // namespace pathline
