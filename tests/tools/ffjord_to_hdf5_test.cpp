// tools/ffjord_to_hdf5.py on checkpoints that FFJORD's own classes made (fixtures/ffjord_checkpt/README.md).

#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include <gmock/gmock.h>

#include "paths.hpp"
#include "scratch.hpp"

namespace pathline {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

struct Outcome {
  int status;
  std::string text;  // of both streams
};

Outcome run(const std::string& command) {
  Outcome outcome{-1, ""};
  FILE* pipe = popen((command + " 2>&1").c_str(), "r");
  if (!pipe) return outcome;
  std::array<char, 4096> part;
  while (std::fgets(part.data(), part.size(), pipe)) outcome.text += part.data();
  const int status = pclose(pipe);
  outcome.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return outcome;
}

std::string fixture(const std::string& name) { return fixtures_dir() + "/ffjord_checkpt/" + name; }

std::string contents(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

class FfjordToHdf5 : public Scratch {
 protected:
  std::string output() const { return (root_ / "out.h5").string(); }
  Outcome convert(const std::string& checkpoint) const {
    return run("/usr/bin/python3 -I '" + source_dir() + "/tools/ffjord_to_hdf5.py' '" + checkpoint + "' -o '" +
               output() + "'");
  }
  // A Python program that sees the output as `out`, the state_dict of `name` as `state`, and must not fail.
  void expect(const std::string& name, const std::string& script) const {
    const fs::path path = root_ / "check.py";
    std::ofstream(path) << "import h5py, numpy as np\nout = h5py.File('" << output() << "')\nstate = dict(np.load('"
                        << fixture(name + ".npz") << "'))\np = out['parameters']\n"
                        << script;
    const Outcome outcome = run("/usr/bin/python3 '" + path.string() + "'");
    EXPECT_EQ(outcome.status, 0) << outcome.text;
  }
};

const std::string kOneBlock = R"(
assert len(p) == 16 and 'sqrt_end_time' in p and p['sqrt_end_time'].shape == ()
for name in p:
    full = 'chain.0.' + ('' if name == 'sqrt_end_time' else 'odefunc.odefunc.diffeq.') + name
    assert p[name].dtype == np.float64 and p[name].shape == state[full].shape, name
    assert np.array_equal(p[name][()], state[full]), name
reference = h5py.File(')" + fixtures_dir() +
                              R"(/ffjord_8gaussians.h5')
assert set(reference.attrs) <= set(out.attrs), set(out.attrs)
assert {n for n in reference['parameters'] if not n.startswith('layers.3')} == set(p)
for name in reference.attrs:
    assert np.asarray(out.attrs[name]).dtype.kind == np.asarray(reference.attrs[name]).dtype.kind, name
assert list(out.attrs['hidden']) == [4, 3] and out.attrs['dim'] == 2
assert out.attrs['layer_type'] == 'concatsquash' and out.attrs['nonlinearity'] == 'tanh'
assert out.attrs['end_time'] == state['chain.0.sqrt_end_time'] ** 2
assert out.attrs['tolerance'] == 1e-3 and out.attrs['solver'] == 'dopri5'
)";

TEST_F(FfjordToHdf5, OneBlockHasTheLayoutOfTheFixture) {
  ASSERT_EQ(convert(fixture("toy.pth")).status, 0);
  expect("toy", kOneBlock);
}

TEST_F(FfjordToHdf5, FormatOfPyTorchBefore16IsRead) {
  ASSERT_EQ(convert(fixture("stream.pth")).status, 0);
  expect("stream", kOneBlock);
}

TEST_F(FfjordToHdf5, ChainKeepsItsOrderItsBatchNormAndItsBetas) {
  ASSERT_EQ(convert(fixture("chain.pth")).status, 0);
  expect("chain", R"(
seen = set()
for name in state:
    if name.endswith('_num_evals'): continue
    short = name.replace('odefunc.odefunc.diffeq.', '')
    assert np.array_equal(p[short][()], state[name]), name
    seen.add(short)
assert seen == set(p)
assert 'chain.0.running_mean' in p and 'chain.1.activation_fns.0.beta' in p and 'chain.4.running_var' in p
assert np.any(p['chain.2.running_mean'][()] != 0) and p['chain.2.step'][0] == 3
a = out.attrs
assert a['num_blocks'] == 2 and a['batch_norm'] == 1 and a['bn_lag'] == 0.1 and a['batch_norm_epsilon'] == 1e-4
assert a['dim'] == 3 and list(a['hidden']) == [5] and a['end_time'].shape == (2,)
assert a['rtol'] == 1e-6 and a['atol'] == 1e-8 and a['nonlinearity'] == 'swish'
)");
}

// One line, exit 2, and an older output as before.
class FfjordToHdf5Error : public FfjordToHdf5 {
 protected:
  std::string failure(const std::string& checkpoint) const {
    std::ofstream(output()) << "older";
    const Outcome outcome = convert(checkpoint);
    EXPECT_EQ(outcome.status, 2) << outcome.text;
    EXPECT_THAT(outcome.text, AllOf(StartsWith("ffjord_to_hdf5.py: " + checkpoint + ": "), EndsWith("\n")));
    EXPECT_EQ(std::count(outcome.text.begin(), outcome.text.end(), '\n'), 1) << outcome.text;
    EXPECT_EQ(contents(output()), "older");
    return outcome.text;
  }
  std::string file(const std::string& text) const {
    std::ofstream(root_ / "bad.pth", std::ios::binary) << text;
    return (root_ / "bad.pth").string();
  }
  std::string pickle(const std::string& expression) const {  // in PyTorch's older format, without tensors
    const std::string path = (root_ / "bad.pth").string();
    std::ofstream(root_ / "make.py") << "import pickle, argparse, os\nfile = open('" << path << "', 'wb')\n"
                                       << "for x in (0x1950a86a20f9469cfc6c, 1001, {}, " << expression
                                       << ", []): pickle.dump(x, file, 2)\n";
    EXPECT_EQ(run("/usr/bin/python3 '" + (root_ / "make.py").string() + "'").status, 0);
    return path;
  }
};

TEST_F(FfjordToHdf5Error, FileThatIsNotACheckpoint) {
  EXPECT_THAT(failure("/no/such.pth"), HasSubstr("No such file"));
  EXPECT_THAT(failure(file("")), HasSubstr("not a checkpoint of PyTorch"));
  EXPECT_THAT(failure(file("text")), HasSubstr("not a checkpoint of PyTorch"));
  EXPECT_THAT(failure(fixture("toy.npz")), HasSubstr("without data.pkl"));
}

TEST_F(FfjordToHdf5Error, TruncatedCheckpoint) {
  const std::string zip = contents(fixture("toy.pth")), stream = contents(fixture("stream.pth"));
  EXPECT_THAT(failure(file(zip.substr(0, zip.size() / 2))), HasSubstr("not a checkpoint of PyTorch"));
  EXPECT_THAT(failure(file(stream.substr(0, stream.size() - 4))), HasSubstr("truncated"));
  EXPECT_THAT(failure(file(stream.substr(0, 200))), HasSubstr("not a checkpoint of PyTorch"));
}

TEST_F(FfjordToHdf5Error, CheckpointOfAnotherProgram) {
  EXPECT_THAT(failure(pickle("[1]")), HasSubstr("no 'args' and 'state_dict'"));
  EXPECT_THAT(failure(pickle("dict(args=argparse.Namespace(a=1), state_dict={})")), HasSubstr("args has no 'dims'"));
  const std::string args = "dict(args=argparse.Namespace(dims='4-3', layer_type='";
  EXPECT_THAT(failure(pickle(args + "concat', nonlinearity='tanh'), state_dict={})")), HasSubstr("has no layers"));
}

TEST_F(FfjordToHdf5Error, PickledCodeIsNotRun) {
  const std::string marker = (root_ / "ran").string();
  const std::string path =
      pickle("type('Evil', (), {'__reduce__': lambda self: (os.system, ('touch \"" + marker + "\"',))})()");
  EXPECT_THAT(failure(path), HasSubstr("holds a posix.system"));
  EXPECT_FALSE(fs::exists(marker));
}

TEST(FfjordToHdf5Options, MissingOutputIsOneLine) {
  const Outcome outcome = run("/usr/bin/python3 '" + source_dir() + "/tools/ffjord_to_hdf5.py' x.pth");
  EXPECT_EQ(outcome.status, 2);
  EXPECT_EQ(outcome.text, "ffjord_to_hdf5.py: the following arguments are required: -o/--output (see --help)\n");
}

TEST(FfjordToHdf5Options, HelpShowsAnExample) {
  const Outcome outcome = run("/usr/bin/python3 '" + source_dir() + "/tools/ffjord_to_hdf5.py' --help");
  EXPECT_EQ(outcome.status, 0);
  EXPECT_THAT(outcome.text, HasSubstr("checkpt.pth -o ffjord.h5"));
}

}  // namespace
}  // namespace pathline
