// Models changed in their files, under a digest and a checksum that were computed anew: `verify` says which row is
// wrong.
#include <set>
#include <sstream>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "app/program.hpp"
#include "checkpoint/digest.hpp"
#include "io/seal.hpp"
#include "pathline/checkpoint/model.hpp"
#include "pathline/field/mlp.hpp"
#include "pathline/transform/marginals.hpp"
#include "pathline/verify/verify.hpp"
#include "paths.hpp"

namespace pathline {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

class SpoiledModel : public Scratch {
 protected:
  // A small model with all that a file can spoil, and no data.
  void SetUp() override {
    Scratch::SetUp();
    auto field = std::make_shared<Mlp<float>>(MlpOptions{.dim = 2, .hidden = {6, 6}});
    Engine engine = make_stream(4, "spoiled_model_test");
    field->initialize(engine);
    Vector<float> theta = field->theta();
    for (auto& v : theta) v += static_cast<float>(0.4 * normal(engine));
    field->set_theta(theta);
    Model<float> model{Flow<float>(Cnf<float>(field)), {}};
    model.flow.base = make_base(BaseKind::diagonal, 2, 1, engine);
    model.flow.base->set_theta(Vector<double>{{0.3, -0.2, 0.1, 0.2}});
    model.flow.standardize(Vector<double>{{0.2, -1}}, Vector<double>{{1.5, 0.7}});
    const Vector<double> knots{{-2, -0.5, 0.4, 2}}, quantiles{{-1.8, -0.4, 0.5, 1.9}};
    set_marginals(model.flow.data_side,
                  Marginals({{knots, quantiles, {0.1, 1}, {0.1, 1}}, {knots, quantiles, {}, {}}}));
    model.card.columns = {"a", "b"};
    model.card.evaluation = {.rtol = 1e-6, .atol = 1e-6};
    write_model(file("m.h5"), model);
  }

  // b.h5: a copy after `change` in Python, with the digest and the checksum of what it is now.
  std::string spoiled(const std::string& change) const {
    EXPECT_EQ(python("import shutil\nshutil.copy('m.h5', 'b.h5')\nwith h5py.File('b.h5', 'a') as f:\n"
                     "  w = 'parameters/blocks/0/layers/0/_layer/weight'\n  " +
                     change + "\n"),
              "");
    const std::string digest = content_digest(Hdf5File::open_here(file("b.h5")), file("b.h5"));
    EXPECT_EQ(python("with h5py.File('b.h5', 'a') as f: f.attrs['digest'] = '" + digest + "'\n"), "");
    write_seal(file("b.h5"), file("b.h5"));
    return file("b.h5");
  }

  static Verdict row(const std::string& name, const std::string& model) {
    const auto read = read_model<double>(model);
    const auto single = read_model<float>(model);
    const Subject subject{.flow = read.flow,
                          .single = &single.flow,
                          .evaluation = read.card.evaluation,
                          .answers = read.card.answers ? &*read.card.answers : nullptr};
    for (const auto& check : checks())
      if (check.name == name) return check.run(subject).verdict;
    ADD_FAILURE() << "no check " << name;
    return Verdict::skipped;
  }
};

TEST_F(SpoiledModel, AsItWasWrittenItPassesSlow) {
  const auto card = read_card(file("m.h5"));
  ASSERT_TRUE(card.answers);
  EXPECT_EQ(card.answers->points.cols(), 8);
  EXPECT_EQ(row("known answers", spoiled("pass")), Verdict::pass);
  EXPECT_EQ(row("tolerance", file("m.h5")), Verdict::pass);
  EXPECT_EQ(python("with h5py.File('m.h5') as f: print(f['answers/points'].shape, f['answers/log_density'].shape)"),
            "(8, 2) (8,)\n");
}

// Each has another density, which nothing but its own data could tell.
TEST_F(SpoiledModel, AnyChangeOfTheDensityFailsInTheKnownAnswersSlow) {
  for (const char* change :
       {"f[w][1, 1] += 1e-4", "f['scale'][0] *= 1.001", "f['mean'][1] += 1e-3",
        "f['blocks/0'].attrs['activation'] = 'softplus'", "f['blocks/0'].attrs['clock'] = 'data_to_base'",
        "f['blocks/0'].attrs['end_time'] = 0.99", "f['parameters/base/log_scale'][0] += 0.1",
        "f['base'].attrs['kind'] = 'normal'; del f['parameters/base']", "f['marginals/0/z'][1] += 1e-3",
        "f['marginals/1'].attrs['high_scale'] = 2.0; f['answers/points'][:, 1] = 3",
        "f['answers/log_density'][3] += 1e-4", "f['answers/log_density'][3] = np.nan",
        "del f['answers/points']; f['answers/points'] = np.zeros((8, 3))"})
    EXPECT_EQ(row("known answers", spoiled(change)), Verdict::fail) << change;
}

TEST_F(SpoiledModel, ACoarseEvaluationFailsInTheTolerance) {
  EXPECT_EQ(row("tolerance", spoiled("f['evaluation'].attrs['stepper'] = 'euler'; f['evaluation'].attrs['steps'] = 1")),
            Verdict::fail);
  EXPECT_EQ(row("known answers", file("b.h5")), Verdict::pass);  // which are of the model, not of its solver
}

TEST_F(SpoiledModel, WithoutKnownAnswersTheRowSaysSo) {
  EXPECT_EQ(row("known answers", spoiled("del f['answers']")), Verdict::skipped);
}

nlohmann::json row_of(const nlohmann::json& result, const std::string& name) {
  for (const auto& row : result["checks"])
    if (row["name"] == name) return row;
  return {};
}

TEST_F(SpoiledModel, TheCommandFailsWithTheRowSlow) {
  const auto right = run({"verify", file("m.h5"), "--json"});
  EXPECT_EQ(right.code, 0) << right.out;
  EXPECT_EQ(row_of(nlohmann::json::parse(right.out), "known answers")["verdict"], "pass");
  const auto wrong = run({"verify", spoiled("f[w][1, 1] += 1e-3"), "--json"});
  EXPECT_EQ(wrong.code, 1);
  const auto result = nlohmann::json::parse(wrong.out);
  EXPECT_EQ(result["passed"], false);
  EXPECT_EQ(row_of(result, "digest")["verdict"], "pass");
  EXPECT_EQ(row_of(result, "known answers")["verdict"], "fail");
}

// What no flow can be made of was an error without a row.
TEST_F(SpoiledModel, WhatCannotBeReadFailsInTheContentsSlow) {
  for (const auto& [change, what] : {std::pair{"f['marginals/0/z'][1] = -1.9", "marginal of column 1"},
                                     std::pair{"f['scale'][0] = -1", "scale: must be > 0"},
                                     std::pair{"del f['parameters/base/mean']", "parameters/base/mean"}}) {
    const auto got = run({"verify", spoiled(change)});
    EXPECT_EQ(got.code, 1) << change;
    EXPECT_THAT(got.out, AllOf(HasSubstr("\ncontents "), HasSubstr("FAIL"), HasSubstr(what))) << change;
  }
}

// --- an older format, and reseal ---

class Reseal : public SpoiledModel {
 protected:
  void SetUp() override {
    SpoiledModel::SetUp();
    std::filesystem::copy_file(fixtures_dir() + "/model_format_1.h5", file("old.h5"));
    put("p.csv", "a,b\n0,0\n1,1\n");
  }
};

// An activation that was exchanged is not covered by the digest of format 1: nobody was told.
TEST_F(Reseal, AModelOfFormat1IsReadWithAWarning) {
  for (const auto& arguments : {std::vector<std::string>{"info", file("old.h5")},
                                {"density", file("old.h5"), file("p.csv"), "--quiet"},
                                {"sample", file("old.h5"), "-n", "3", "-o", file("s.csv"), "--quiet"},
                                {"plot", file("old.h5"), "--cells", "4", "--samples", "10", "-o", file("p.png")}}) {
    const auto got = run(arguments);
    EXPECT_EQ(got.code, 0) << got.err;
    EXPECT_THAT(got.err, AllOf(HasSubstr("pathline: warning: " + file("old.h5") + ": is of format 1, whose digest"),
                               HasSubstr("`pathline reseal " + file("old.h5") + "` rewrites it\n")))
        << arguments[0];
  }
  EXPECT_EQ(run({"info", file("m.h5")}).err, "");
}

// Its digest is right and proves little.
TEST_F(Reseal, TheDigestOfFormat1NeverPassesInVerifySlow) {
  const auto got = run({"verify", file("old.h5"), "--json"});
  const auto row = row_of(nlohmann::json::parse(got.out), "digest");
  EXPECT_EQ(row["verdict"], "skipped");
  EXPECT_THAT(row["what"].get<std::string>(), HasSubstr("it does not cover the layers, the activation"));
  ASSERT_EQ(python("with h5py.File('old.h5', 'a') as f: f.attrs['digest'] = '0123456789abcdef'\n"), "");
  const auto wrong = run({"verify", file("old.h5"), "--json"});
  EXPECT_EQ(wrong.code, 1);
  EXPECT_EQ(row_of(nlohmann::json::parse(wrong.out), "digest")["verdict"], "fail");
}

TEST_F(Reseal, KeepsTheDensityBitForBit) {
  const auto before = run({"density", file("old.h5"), file("p.csv"), "--quiet"});
  const auto got = run({"reseal", file("old.h5")});
  EXPECT_EQ(got.code, 0) << got.err;
  EXPECT_THAT(got.out, HasSubstr("format 2, digest "));
  const auto after = run({"density", file("old.h5"), file("p.csv"), "--quiet"});
  EXPECT_EQ(after.out, before.out);
  EXPECT_EQ(after.err, "");
  const auto was = read_model<double>(fixtures_dir() + "/model_format_1.h5"), is = read_model<double>(file("old.h5"));
  EXPECT_EQ(is.flow.theta(), was.flow.theta());
  EXPECT_EQ(is.card.recipe, was.card.recipe);
  EXPECT_EQ(is.card.metrics, was.card.metrics);
  EXPECT_EQ(is.card.evaluation, was.card.evaluation);
  ASSERT_TRUE(is.card.answers);
  Matrix<double> x = is.card.answers->points;
  const Matrix<double> none(0, 0);
  EXPECT_EQ(is.flow.log_prob(x).log_prob, was.flow.log_prob(x).log_prob);
  EXPECT_EQ(known_log_prob(was.flow, x, none), is.card.answers->log_density);
  const std::string bytes = get("old.h5");
  EXPECT_EQ(run({"reseal", file("old.h5"), "-o", file("again.h5")}).code, 0);
  EXPECT_EQ(get("again.h5"), bytes);
}

TEST_F(Reseal, RefusesWhatIsNoModel) {
  EXPECT_THAT(run({"reseal", fixtures_dir() + "/ffjord_8gaussians.h5", "-o", file("x.h5")}).err,
              HasSubstr("import ffjord"));
  EXPECT_EQ(run({"reseal", file("p.csv")}).code, 2);
  EXPECT_THAT(run({"reseal", file("m.h5"), "-o", file("x.csv")}).err, HasSubstr("the name must end with .h5"));
  EXPECT_FALSE(std::filesystem::exists(file("x.h5")));
}

// The recipe of a format 1 model, which was parsed without a look at its depth: 100,000 dots overflowed the stack.
TEST_F(Reseal, ARecipeThatIsTooDeepIsRefused) {
  EXPECT_EQ(python("with h5py.File('old.h5', 'a') as f:\n  del f['recipe']\n"
                   "  f['recipe'] = 'a' + '.a' * 100000 + ' = 1'\n"),
            "");
  const auto got = run({"info", file("old.h5")});
  EXPECT_EQ(got.code, 2);
  EXPECT_THAT(got.err, HasSubstr("more than 32 dots"));
}

}  // namespace
}  // namespace pathline
