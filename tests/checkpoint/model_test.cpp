#include "pathline/checkpoint/model.hpp"

#include <sstream>

#include <gmock/gmock.h>

#include "message.hpp"
#include "pathline/checkpoint/training_state.hpp"
#include "pathline/field/mlp.hpp"
#include "pathline/field/potential_field.hpp"
#include "pathline/transform/coupling_layer.hpp"
#include "pathline/transform/planar.hpp"
#include "pathline/transform/radial.hpp"
#include "paths.hpp"
#include "scratch.hpp"

namespace pathline {
namespace {

using testing::HasSubstr;

template <class S> Model<S> everything() {
  Engine engine = make_stream(1, "model_test");
  std::vector<Cnf<S>> blocks;
  for (double time : {0.7, 1.1}) {
    auto field = std::make_shared<Mlp<S>>(MlpOptions{.dim = 3,
                                                     .condition_dim = 2,
                                                     .hidden = {5, 5},
                                                     .layer = LayerType::concat,
                                                     .activation = Activation::swish,
                                                     .residual = true,
                                                     .time_features = 2});
    field->initialize(engine);
    blocks.push_back({field, time, time < 1 ? FieldClock::base_to_data : FieldClock::data_to_base, time < 1});
  }
  auto potential = std::make_shared<PotentialField<S>>(
      PotentialFieldOptions{.dim = 3, .condition_dim = 2, .width = 6, .layers = 3, .rank = 2});
  potential->initialize(engine);
  blocks.push_back({potential, 0.3, FieldClock::base_to_data, false});
  std::vector<BatchNorm<S>> norms(4, BatchNorm<S>(3));
  norms[1].mean << 0.1, 0.2, 0.3, norms[1].variance << 1.1, 1.2, 1.3, norms[2].bias << 1, 2, 3;
  Flow<S> flow(std::move(blocks), std::move(norms));
  flow.standardize(Vector<double>{{1, 2, 3}}, Vector<double>{{0.5, 1, 2}});
  flow.condition_mean << -1, 1, flow.condition_scale << 2, 3;
  flow.base = make_base(BaseKind::mixture, 3, 2, engine);
  return {std::move(flow),
          {.version = "",
           .precision = "",
           .recipe = "[train]\nseed = 3\n",
           .digest = "",
           .columns = {"a", "b", "c"},
           .condition_columns = {"u", "v"},
           .metrics = {"{}", "{\"x\":1}"},
           .evaluation = SolverOptions{.stepper = StepperKind::cash_karp, .rtol = 1e-7, .atol = 1e-8}}};
}

// A block with every kind of transform after it. with_block = false: these alone.
template <class S> Model<S> layered(bool with_block = true) {
  Engine engine = make_stream(3, "model_test");
  Chain<S> chain;
  if (with_block) {
    auto field = std::make_shared<Mlp<S>>(MlpOptions{.dim = 3, .condition_dim = 1, .hidden = {5}});
    field->initialize(engine);
    chain.add(Cnf<S>(field));
  }
  chain.add(CouplingLayer<S>({.dim = 3, .condition_dim = 1, .moved = {0, 2}, .hidden = {4, 4}, .residual = true}));
  chain.add(CouplingLayer<S>({.kind = CouplingKind::affine,
                              .dim = 3,
                              .condition_dim = 1,
                              .moved = {1},
                              .hidden = {},
                              .activation = Activation::tanh}));
  chain.add(CouplingLayer<S>({.dim = 3, .moved = {0, 1, 2}, .hidden = {6}, .bins = 3, .box = 2}));
  chain.add(Planar<S>(3)).initialize(engine, 1);
  chain.add(Radial<S>(3)).initialize(engine, 1);
  Flow<S> flow(std::move(chain));
  Matrix<double> theta(flow.theta().size(), 1);
  fill_normal<double>(engine, theta);
  flow.set_theta(0.5 * theta.col(0));
  return {std::move(flow), {.version = "", .precision = "", .recipe = "", .digest = "", .columns = {"a", "b", "c"},
                            .condition_columns = {"u"}, .metrics = {}}};
}

class Models : public Scratch {
 protected:
  // What reading m.h5 says after a change of it by h5py; without its checksum, which would say so first.
  std::string broken(const std::string& change) const {
    EXPECT_EQ(python("import shutil\nshutil.copy('m.h5', 'b.h5')\nwith h5py.File('b.h5', 'a') as f:\n"
                     "  w = 'parameters/blocks/0/layers/0/_layer/weight'\n  " +
                     change + "\nwith open('b.h5', 'r+b') as f: f.write(bytes(512))"),
              "");
    return message([&] { read_model<double>(file("b.h5")); });
  }
};

TEST_F(Models, EverythingGoesOutAndComesBackBitwise) {
  const auto model = everything<double>();
  write_model(file("m.h5"), model);
  const auto back = read_model<double>(file("m.h5"));
  EXPECT_EQ(back.flow.theta(), model.flow.theta());
  EXPECT_EQ(back.card.evaluation, model.card.evaluation);
  EXPECT_EQ(back.card.recipe, model.card.recipe);
  EXPECT_EQ(back.card.columns, model.card.columns);
  EXPECT_EQ(back.card.metrics, model.card.metrics);
  EXPECT_EQ(back.flow.blocks()[0]->end_time, 0.7);
  EXPECT_TRUE(back.flow.blocks()[0]->train_end_time);
  Matrix<double> x = Matrix<double>::Random(3, 6), c = Matrix<double>::Random(2, 6);
  EXPECT_EQ(back.flow.log_prob(x, c).log_prob, model.flow.log_prob(x, c).log_prob);
  const auto narrow = read_model<float>(file("m.h5"));
  EXPECT_LT((narrow.flow.log_prob(x, c).log_prob - model.flow.log_prob(x, c).log_prob).cwiseAbs().maxCoeff(), 1e-3);
}

TEST_F(Models, TransformsInClosedFormComeBackBitwise) {
  for (const bool with_block : {true, false}) {
    const auto model = layered<double>(with_block);
    write_model(file("m.h5"), model);
    const auto back = read_model<double>(file("m.h5"));
    EXPECT_EQ(back.card.format_version, 5);
    EXPECT_EQ(back.flow.theta(), model.flow.theta());
    const Matrix<double> x = Matrix<double>::Random(3, 6), c = Matrix<double>::Random(1, 6);
    EXPECT_EQ(back.flow.log_prob(x, c).log_prob, model.flow.log_prob(x, c).log_prob);
    write_model(file("m.h5"), layered<float>(with_block));
    write_model(file("again.h5"), read_model<float>(file("m.h5")));
    EXPECT_EQ(get("again.h5"), get("m.h5"));
    Flow<float> own = layered<float>(with_block).flow;
    own.set_theta(0 * own.theta());
    read_parameters_into(file("m.h5"), own);
    EXPECT_EQ(own.theta(), layered<float>(with_block).flow.theta());
  }
}

// Such a file gave another density: its couplings did not end at their box.
TEST_F(Models, AffineCouplingsWithoutAnEndAreRefused) {
  write_model(file("m.h5"), layered<double>(false));
  EXPECT_THAT(broken("del f['transforms/1'].attrs['affine_within']"), HasSubstr("train the model again"));
  EXPECT_THAT(broken("f['transforms/1'].attrs['affine_within'] = 3.9"), HasSubstr("affine_within"));
}

TEST_F(Models, AFileIsNotReadIntoOtherTransforms) {
  write_model(file("m.h5"), layered<double>(false));
  auto other = layered<double>(false).flow;
  other.chain.remove(4);
  EXPECT_THAT(message([&] { read_parameters_into(file("m.h5"), other); }), HasSubstr("layers: 5; the flow has 4"));
  Chain<double> chain;
  for (int i = 0; i < 5; ++i)
    chain.add(CouplingLayer<double>({.dim = 3, .condition_dim = 1, .moved = {0, 1}, .hidden = {4, 4}, .residual = true}));
  Flow<double> unlike(std::move(chain));
  EXPECT_THAT(message([&] { read_parameters_into(file("m.h5"), unlike); }), HasSubstr("moved of the transform differs"));
}

TEST_F(Models, BrokenTransformsSayWhatIsWrongSlow) {
  write_model(file("m.h5"), layered<double>());
  const auto first = [&](const std::string& change) { return broken("g = f['transforms/0'].attrs; " + change); };
  EXPECT_THAT(first("g['kind'] = 'cubist'"), HasSubstr("kind 'cubist': expected spline_coupling"));
  EXPECT_THAT(first("g['moved'] = [0, 7]"), HasSubstr("moved = 7: must be in [0, 2]"));
  EXPECT_THAT(first("g['moved'] = [0, 0]"), HasSubstr("moved = 0: must be there once"));
  EXPECT_THAT(first("g['bins'] = 1"), HasSubstr("bins = 1: must be in [2, 256]"));
  EXPECT_THAT(first("g['bins'] = 2**40"), HasSubstr("more than the file contains"));
  EXPECT_THAT(first("g['hidden'] = [10**9, 10**9]"), HasSubstr("more than the file contains"));
  EXPECT_THAT(first("g['hidden'] = [4, -1]"), HasSubstr("transforms/0"));
  EXPECT_THAT(first("g['box'] = np.nan"), HasSubstr("box = nan: must be in (0, 1e+06]"));
  EXPECT_THAT(first("g['condition_dim'] = 2"), HasSubstr("condition_dim = 2: must be in [0, 1]"));
  EXPECT_THAT(first("g['activation'] = 'cubist'"), HasSubstr("cubist"));
  EXPECT_THAT(first("g['residual'] = False"), HasSubstr("digest"));
  EXPECT_THAT(first("del f['transforms/0']"), HasSubstr("digest"));
}

TEST_F(Models, FloatKeepsItsBits) {
  const auto model = everything<float>();
  write_model(file("m.h5"), model);
  const auto back = read_model<float>(file("m.h5"));
  EXPECT_EQ(back.flow.theta(), model.flow.theta());
  write_model(file("again.h5"), back);
  EXPECT_EQ(get("again.h5"), get("m.h5"));
}

// A network that sees the time at its input alone was read as one that sees it in every layer.
TEST_F(Models, ANetworkThatSeesTheTimeAtItsInputComesBack) {
  Engine engine = make_stream(2, "model_test");
  auto field = std::make_shared<Mlp<double>>(
      MlpOptions{.dim = 2, .hidden = {5}, .layer = LayerType::concat, .time_at_input = true});
  field->initialize(engine);
  Model<double> model{Flow<double>(Cnf<double>{field}), {}};
  model.card.columns = {"a", "b"};
  write_model(file("m.h5"), model);
  const auto read = read_model<double>(file("m.h5"));
  EXPECT_TRUE(dynamic_cast<const Mlp<double>&>(*read.flow.blocks()[0]->field).options().time_at_input);
  EXPECT_EQ(read.flow.theta(), model.flow.theta());
}

TEST_F(Models, H5pyReadsNamedArrays) {
  write_model(file("m.h5"), everything<float>());
  EXPECT_EQ(python("with h5py.File('m.h5') as f:\n"
                   "  print(f.attrs['format'], f.attrs['dim'], f['parameters/blocks/0/layers/0/_layer/weight'].shape,\n"
                   "        f['parameters/blocks/1/layers/2/_layer/bias'].dtype, list(f['columns'].asstr()), "
                   "f['recipe'].asstr()[()].strip())"),
            "pathline 3 (5, 8) float32 ['a', 'b', 'c'] [train]\nseed = 3\n");
}

TEST_F(Models, BrokenFilesSayWhatIsWrongSlow) {
  write_model(file("m.h5"), everything<double>());
  EXPECT_THAT(broken("f.attrs['format_version'] = 6"), HasSubstr("b.h5: model format 6: this pathline"));
  EXPECT_THAT(broken("del f.attrs['format']"), HasSubstr("not a model"));
  EXPECT_THAT(broken("del f['parameters/base/mean']"), HasSubstr("parameters/base/mean"));
  EXPECT_THAT(broken("f['parameters/base/mean'][0] = np.nan"), HasSubstr("a value is not finite"));
  EXPECT_THAT(broken("del f['scale']; f['scale'] = [1.0, 2]"), HasSubstr("scale: 2 numbers, expected 3"));
  EXPECT_THAT(broken("f['scale'][1] = 0"), HasSubstr("scale: must be > 0"));
  EXPECT_THAT(broken("f['condition_scale'][0] = -1"), HasSubstr("condition_scale: must be > 0"));
  EXPECT_THAT(broken("f['blocks/1'].attrs['end_time'] = -1.0"), HasSubstr("end_time = -1: must be > 0"));
  EXPECT_THAT(broken("f['blocks/0'].attrs['layer'] = 'cubist'"), HasSubstr("cubist"));
  EXPECT_THAT(broken("del f['norms/2']"), HasSubstr("norms: 2, expected 4"));
  EXPECT_THAT(broken("f['norms/1/variance'][1] = -1"), HasSubstr("norms/1: variance: must be > 0"));
  EXPECT_THAT(broken("f['columns'][2] = 'a'"), HasSubstr("columns: 'a' is the name of two"));  // a table's a was both
  EXPECT_THAT(broken("f['condition_columns'][0] = 'b'"), HasSubstr("columns: 'b' is the name of two"));
  EXPECT_THAT(broken("del f['columns']; f['columns'] = ['a', 'b']"), HasSubstr("columns: 2 names, expected 3"));
}

// An array with as many numbers in another order was taken, and gave another density.
TEST_F(Models, ArraysOfAnotherShapeOrFromElsewhereAreRefusedSlow) {
  write_model(file("m.h5"), everything<double>());
  EXPECT_THAT(broken("a = f[w][:].T; del f[w]; f[w] = a"),
              HasSubstr("b.h5: parameters/blocks/0/layers/0/_layer/weight: shape (8, 5), expected (5, 8)"));
  EXPECT_THAT(broken("f[w][1, 1] = 0.25"), HasSubstr("the model was changed after it was written"));
  EXPECT_THAT(broken("f['mean'][1] = 0.25"), HasSubstr("the model was changed after it was written"));
  EXPECT_EQ(broken("pass"), "no error");
  const std::string ffjord = fixtures_dir() + "/ffjord_8gaussians.h5";
  EXPECT_EQ(python("import shutil\nshutil.copy('" + ffjord +
                   "', 'f.h5')\nwith h5py.File('f.h5', 'a') as f:\n"
                   "  w = 'parameters/layers.0._layer.weight'\n  a = f[w][:].T; del f[w]; f[w] = a"),
            "");
  EXPECT_EQ(message([&] { read_model<double>(file("f.h5")); }),
            file("f.h5") + ": parameters/layers.0._layer.weight: shape (2, 64), expected (64, 2)");
}

// A model in double was checked against its rounded self.
TEST_F(Models, DoubleReadAsFloatHasTheDigestOfTheFile) {
  write_model(file("m.h5"), everything<double>());
  EXPECT_EQ(message([&] { read_model<float>(file("m.h5")); }), "no error");
}

TEST_F(Models, EveryErrorNamesTheFileSlow) {
  write_model(file("m.h5"), everything<double>());
  for (const char* change : {"f['blocks/0'].attrs['layer'] = 'cubist'", "f['blocks/0'].attrs['activation'] = 'x'",
                             "f['blocks/0'].attrs['hidden'] = [-1, 5]", "f['base'].attrs['kind'] = 'x'",
                             "f['base'].attrs['components'] = 0", "f['blocks/2'].attrs['rank'] = -1"})
    EXPECT_THAT(broken(change), testing::StartsWith(file("b.h5") + ": ")) << change;
  EXPECT_THAT(broken("f.attrs['precision'] = 'half'"),
              testing::StartsWith(file("b.h5") + ": precision 'half': expected float or double"));
}

// The digest covered neither the activation nor the base nor the tolerances: another density was read without a word.
TEST_F(Models, EveryAttributeAndEveryDataSetIsCoveredByTheDigestSlow) {
  write_model(file("m.h5"), everything<double>());
  EXPECT_EQ(python(R"(
import shutil
places = []
with h5py.File('m.h5') as f:
  def visit(path, node):
    places.extend((path, a) for a in node.attrs)
    if isinstance(node, h5py.Dataset): places.append((path, None))
  visit('/', f)
  f.visititems(visit)
def other(v):
  if isinstance(v, (str, bytes)): return v + type(v)(b'x' if isinstance(v, bytes) else 'x')
  if isinstance(v, np.bool_): return not v
  return v + 1 if np.issubdtype(np.asarray(v).dtype, np.integer) else np.nextafter(v, np.inf, dtype=v.dtype)
n = 0
with open('list.txt', 'w') as listed:
  for path, a in places:
    if path == 'metrics' or a == 'digest': continue
    shutil.copy('m.h5', f'{n}.h5')
    with h5py.File(f'{n}.h5', 'a') as f:
      node = f[path]
      if a and np.ndim(node.attrs[a]): node.attrs[a] = [*node.attrs[a][:-1], other(node.attrs[a][-1])]
      elif a: node.attrs[a] = other(node.attrs[a])
      else:
        at = tuple(s - 1 for s in node.shape)
        node[at] = other(node[at])
    with open(f'{n}.h5', 'r+b') as f: f.write(bytes(512))
    listed.write(f'{path}@{a}\n' if a else f'{path}\n')
    n += 1
)"),
            "");
  std::istringstream list(get("list.txt"));
  int count = 0;
  for (std::string place; std::getline(list, place); ++count) {
    const auto what = message([&] { read_model<double>(file(std::to_string(count) + ".h5")); });
    if (place == "/@format")
      EXPECT_THAT(what, HasSubstr("not a model"));
    else
      EXPECT_THAT(what, AllOf(HasSubstr("digest "), HasSubstr("was changed after it was written"))) << place;
  }
  EXPECT_GT(count, 80);  // 3 blocks, 4 norms, a mixture, what stands at the root, the evaluation
  for (const char* change : {"f['blocks/0'].attrs['later'] = 1", "f['later'] = 1.0", "del f['blocks/0'].attrs['clock']",
                             "f.create_group('later')", "f.attrs['format_version'] = 1",
                             "f['blocks/0'].attrs['end_time'] = [f['blocks/0'].attrs['end_time']]"})
    EXPECT_THAT(broken(change), HasSubstr("digest ")) << change;
  EXPECT_THAT(broken("f['later'] = h5py.SoftLink('/mean')"), HasSubstr("/later: is a link to another place"));
  EXPECT_THAT(broken("f.create_dataset('later', (1 << 40,), 'f8')"), HasSubstr("more values than the file contains"));
  EXPECT_EQ(broken("f['metrics'][0] = 'x'"), "no error");
}

// A name of a stepper with a line end in it made an error of two lines.
TEST_F(Models, AnErrorThatQuotesATextOfTheFileIsOneLineSlow) {
  write_model(file("m.h5"), everything<double>());
  std::istringstream texts(
      python("with h5py.File('m.h5') as f:\n"
             "  def show(name, of):\n"
             "    for key, value in of.attrs.items():\n"
             "      if isinstance(value, str): print(f\"f['/{name}'].attrs['{key}']\")\n"
             "  show('', f)\n"
             "  f.visititems(show)\n"));
  int tried = 0;
  for (std::string text; std::getline(texts, text); ++tried) {
    const auto what = broken(text + " = 'a\\n\\x1b[31mb'");
    EXPECT_EQ(what.find_first_of("\n\x1b"), std::string::npos) << text << ": " << what;
  }
  EXPECT_GT(tried, 15);
}

// The HDF5 library may crash on a damaged file: it never sees one that was sealed.
TEST_F(Models, EveryFlippedBitIsFoundBeforeHdf5OpensTheFile) {
  write_model(file("m.h5"), everything<double>());
  const std::string whole = get("m.h5");
  for (std::size_t i = 0; i < whole.size(); i += i < 1024 ? 1 : 397) {
    std::string bytes = whole;
    bytes[i] = static_cast<char>(bytes[i] ^ (1 << (i % 8)));
    put("b.h5", bytes);
    EXPECT_THAT(message([&] { Hdf5File::open(file("b.h5")); }), HasSubstr("b.h5: damaged: the checksum")) << i;
  }
  put("b.h5", whole.substr(0, whole.size() - 1));
  EXPECT_THAT(message([&] { read_model<double>(file("b.h5")); }), HasSubstr("b.h5: damaged"));
}

// Written by pathline 0.1.0: no checksum, norms' weights (d, 1), the evaluation in the recipe alone.
TEST_F(Models, Format1IsStillRead) {
  const auto model = read_model<double>(fixtures_dir() + "/model_format_1.h5");
  EXPECT_EQ(model.card.format_version, 1);
  EXPECT_EQ(model.card.evaluation, (SolverOptions{.rtol = 1e-9, .atol = 1e-9}));
  Matrix<double> x(2, 2);
  x << 0.5, -1, 0.25, 1;
  const EvaluationOptions fine{.solver = {.rtol = 1e-9, .atol = 1e-9}};
  const auto log_prob = model.flow.log_prob(x, Matrix<double>(0, 2), fine).log_prob;
  EXPECT_NEAR(log_prob[0], -2.535216525138088, 1e-12);  // by that version, at the same tolerance
  EXPECT_NEAR(log_prob[1], -2.8359174458317042, 1e-12);
  write_model(file("m.h5"), model);
  EXPECT_EQ(
      python("with h5py.File('m.h5') as f: print(f.attrs['format_version'], f['parameters/norms/0/weight'].shape)"),
      "2 (2,)\n");
  EXPECT_EQ(read_model<double>(file("m.h5")).flow.theta(), model.flow.theta());
  EXPECT_EQ(python("import shutil\nshutil.copy('" + fixtures_dir() +
                   "/model_format_1.h5', 'b.h5')\n"
                   "with h5py.File('b.h5', 'a') as f: f['parameters/norms/0/weight'][0] += 1e-9"),
            "");
  EXPECT_THAT(message([&] { read_model<double>(file("b.h5")); }), HasSubstr("digest "));
}

TEST_F(Models, TrainingStateComesBack) {
  TrainingState s{.iteration = 7,
                  .theta = Vector<double>::LinSpaced(4, 0, 1),
                  .adam = {.m = Vector<double>::Ones(4), .v = Vector<double>::Ones(4), .steps = 7},
                  .ema = {},
                  .best = 2.5,
                  .best_iteration = 5,
                  .evaluations_since_best = 2,
                  .seconds = 1.5};
  auto out = Hdf5File::create(file("last.h5"));
  write_model(out, everything<float>());
  write_training_state(out, s);
  out.commit();
  const auto back = read_training_state(file("last.h5"));
  EXPECT_EQ(back.theta, s.theta);
  EXPECT_EQ(back.adam.m, s.adam.m);
  EXPECT_EQ(back.iteration, 7);
  EXPECT_EQ(back.best, 2.5);
  EXPECT_EQ(back.ema.average.size(), 0);
  write_model(file("m.h5"), everything<float>());
  EXPECT_THAT(message([&] { read_training_state(file("m.h5")); }), HasSubstr("no training state to resume"));
}

}  // namespace
}  // namespace pathline
