#include "pathline/io/hdf5.hpp"

#include <chrono>
#include <limits>
#include <thread>

#include <gmock/gmock.h>

#include "message.hpp"
#include "paths.hpp"
#include "scratch.hpp"

namespace pathline {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

class Hdf5Test : public Scratch {};

// x(i, n) = 100 n + i: no two alike, so that a swap of rows and columns shows.
template <class S> Matrix<S> numbered(Index dim, Index count) {
  return Matrix<S>::NullaryExpr(dim, count, [](Index i, Index n) { return static_cast<S>(100 * n + i); });
}

TEST_F(Hdf5Test, H5pyReadsWhatWasWritten) {
  Hdf5File out = Hdf5File::create(file("a.h5"));
  out.write_matrix("samples", numbered<double>(2, 5));
  out.write_matrix("deep/er/single", numbered<float>(3, 4));
  out.write_matrix("block", numbered<double>(4, 6).block(1, 2, 2, 3));
  out.write_vector("vector", Eigen::Vector3d(1, 2, 3));
  const std::vector<std::int64_t> cube{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
  out.write_values<std::int64_t>("cube", {2, 3, 2}, cube.data());
  out.write_string("text", "naïve \n line");
  out.write_strings("names", {"x", "größe", ""});
  out.write_matrix("none", Matrix<double>(2, 0));
  out.set_attribute("seed", std::numeric_limits<std::uint64_t>::max());
  out.set_attribute("rtol", 1e-5);
  out.set_attribute("steps", -3);
  out.set_attribute("exact", true);
  out.set_attribute("solver", "dopri5");
  out.set_attribute("solver", "rk4");  // replaces
  out.group("deep").set_attribute("widths", std::vector<std::int64_t>{64, 32});
  out.dataset("samples").set_attribute("columns", std::vector<std::string>{"a", "b c"});
  out.commit();
  EXPECT_EQ(python(R"(
f = h5py.File('a.h5')
n = lambda d, N: 100 * np.arange(N)[:, None] + np.arange(d)
assert f['samples'].dtype == '<f8' and f['samples'].shape == (5, 2) and (f['samples'][:] == n(2, 5)).all()
s = f['deep/er/single']
assert s.dtype == '<f4' and s.shape == (4, 3) and (s[:] == n(3, 4)).all()
assert (f['block'][:] == n(4, 6)[2:5, 1:3]).all()
assert (f['vector'][:] == [1, 2, 3]).all()
assert f['cube'].dtype == '<i8' and (f['cube'][:] == np.arange(12).reshape(2, 3, 2)).all()
assert f['text'].asstr()[()] == 'na\u00efve \n line'
assert list(f['names'].asstr()[:]) == ['x', 'gr\u00f6\u00dfe', '']
assert f['none'].shape == (0, 2)
a = f.attrs
assert a['seed'] == 2**64 - 1 and a['rtol'] == 1e-5 and a['steps'] == -3 and a['solver'] == 'rk4'
assert a['exact'].dtype == np.bool_ and a['exact']
assert list(f['deep'].attrs['widths']) == [64, 32]
assert list(f['samples'].attrs['columns']) == ['a', 'b c']
print('all right')
)"), "all right\n");
}

TEST_F(Hdf5Test, ReadsWhatH5pyWrites) {
  ASSERT_EQ(python(R"(
f = h5py.File('b.h5', 'w')
n = 100 * np.arange(5)[:, None] + np.arange(2)
f['double'] = n.astype('f8')
f['float'] = n.astype('f4')
f['short'] = n.astype('i2')
f['big'] = n.astype('>f8')
f['g/packed'] = np.zeros(0)
f.create_dataset('zip', data=n.astype('f8'), chunks=(2, 1), compression='gzip')
f['vector'] = np.arange(4.)
f['cube'] = np.arange(12).reshape(2, 3, 2)
f['number'] = 2.5
f['text'] = 'na\u00efve'
f['names'] = ['x', 'gr\u00f6\u00dfe', '']
f['fixed'] = np.array([b'ab', b'abcde', b''])
f['yes'] = np.array([True])
f['nothing'] = h5py.Empty('f8')
a = f.attrs
a['seed'] = np.uint64(2**64 - 1); a['rtol'] = 1e-5; a['steps'] = -3; a['exact'] = True; a['solver'] = 'dopri5'
a['bytes'] = np.bytes_('fixed'); a['vector'] = [1.5, 2.5]; a['widths'] = [64, 32]; a['names'] = ['a', 'b c']
)"), "");
  const Hdf5File in = Hdf5File::open(file("b.h5"));
  for (const char* name : {"double", "float", "short", "big", "zip"}) {
    EXPECT_EQ(in.read_matrix<double>(name), numbered<double>(2, 5)) << name;
    EXPECT_EQ(in.read_matrix<float>(name), numbered<float>(2, 5)) << name;
  }
  EXPECT_EQ(in.dataset("zip").read_rows<double>(1, 3), numbered<double>(2, 5).middleCols(1, 3));
  EXPECT_EQ(in.read_matrix<double>("vector"), (Eigen::RowVector4d(0, 1, 2, 3)));
  EXPECT_EQ(in.read_vector<double>("vector"), (Eigen::Vector4d(0, 1, 2, 3)));
  EXPECT_EQ(in.read_vector<double>("number")(0), 2.5);
  EXPECT_THAT(in.dataset("cube").shape(), ElementsAre(2, 3, 2));
  EXPECT_EQ(in.dataset("cube").values<std::int64_t>()[7], 7);
  EXPECT_EQ(in.group("g").dataset("packed").rows(), 0);
  EXPECT_EQ(in.read_string("text"), "naïve");
  EXPECT_THAT(in.read_strings("names"), ElementsAre("x", "größe", ""));
  EXPECT_THAT(in.read_strings("fixed"), ElementsAre("ab", "abcde", ""));
  EXPECT_EQ(in.attribute<std::uint64_t>("seed"), std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(in.attribute<double>("rtol"), 1e-5);
  EXPECT_EQ(in.attribute<double>("steps"), -3);
  EXPECT_EQ(in.attribute<std::int64_t>("steps"), -3);
  EXPECT_TRUE(in.attribute<bool>("exact"));
  EXPECT_EQ(in.attribute<std::string>("solver"), "dopri5");
  EXPECT_EQ(in.attribute<std::string>("bytes"), "fixed");
  EXPECT_THAT(in.attribute<std::vector<double>>("vector"), ElementsAre(1.5, 2.5));
  EXPECT_THAT(in.attribute<std::vector<std::int64_t>>("widths"), ElementsAre(64, 32));
  EXPECT_THAT(in.attribute<std::vector<std::string>>("names"), ElementsAre("a", "b c"));
  EXPECT_TRUE(in.has_attribute("seed"));
  EXPECT_FALSE(in.has_attribute("sed"));
  EXPECT_EQ(in.attribute_names().size(), 9u);
  EXPECT_EQ(in.dataset("nothing").rows(), 0);
  EXPECT_EQ(message([&] { in.read_matrix<double>("yes"); }),
            file("b.h5") + ": /yes: holds an enumeration (h5py: bool): expected numbers");
}

TEST_F(Hdf5Test, AppendsInBlocksAndWritesACubeInBlocks) {
  const Matrix<double> x = numbered<double>(2, 70000);
  Hdf5File out = Hdf5File::create(file("a.h5"));
  Hdf5Dataset samples = out.create_extendible<double>("samples", {2});
  Hdf5Dataset density = out.create_extendible<float>("log_density", {});
  Hdf5Dataset path = out.create_dataset<double>("trajectory", {3, 10, 2});
  for (Index n = 0; n < x.cols(); n += 30000) {
    const Index count = std::min<Index>(30000, x.cols() - n);
    samples.append(x.middleCols(n, count));
    density.append(Matrix<float>(x.row(0).segment(n, count).cast<float>()));
    samples.append(Matrix<double>(2, 0));
  }
  for (Index k = 0; k < 3; ++k)
    for (Index n = 0; n < 10; n += 5) {
      const Matrix<double> block = numbered<double>(2, 5).array() + static_cast<double>(1000 * k + 100 * n);
      path.write_block<double>({k, n, 0}, {1, 5, 2}, block.data());
    }
  EXPECT_THAT(message([&] { samples.append(Matrix<double>(3, 1)); }), HasSubstr("rows of 2 values: cannot append 3"));
  EXPECT_THAT(message([&] { path.write_block<double>({2, 8, 0}, {1, 5, 2}, x.data()); }),
              HasSubstr("/trajectory: has shape (3, 10, 2): no box of (1, 5, 2) at (2, 8, 0)"));
  out.commit();

  const Hdf5File in = Hdf5File::open(file("a.h5"));
  EXPECT_EQ(in.read_matrix<double>("samples"), x);
  EXPECT_EQ(in.dataset("samples").read_rows<double>(69990, 10), x.rightCols(10));
  EXPECT_EQ(in.dataset("samples").read_rows<double>(70000, 0).cols(), 0);
  EXPECT_THAT(message([&] { in.dataset("samples").read_rows<double>(69991, 10); }), HasSubstr("no box"));
  EXPECT_EQ(in.read_vector<float>("log_density"), x.row(0).cast<float>().transpose());
  std::vector<double> box(2 * 4 * 2);
  in.dataset("trajectory").read_block<double>({1, 3, 0}, {2, 4, 2}, box.data());
  for (int k = 0; k < 2; ++k)
    for (int n = 0; n < 4; ++n)
      for (int i = 0; i < 2; ++i) EXPECT_EQ(box[8 * k + 2 * n + i], 1000 * (k + 1) + 100 * (n + 3) + i);
}

TEST_F(Hdf5Test, ErrorsNameTheFileAndTheObject) {
  Hdf5File out = Hdf5File::create(file("a.h5"));
  out.write_matrix("samples", numbered<double>(2, 5));
  out.write_string("deep/text", "abc");
  const std::vector<double> zeros(8);
  out.write_values<double>("cube", {2, 2, 2}, zeros.data());
  out.set_attribute("seed", 3);
  out.commit();

  const std::string name = file("a.h5");
  const Hdf5File in = Hdf5File::open(name);
  EXPECT_EQ(message([&] { in.read_matrix<double>("sample"); }),
            name + ": no data set 'sample': it has cube, deep/text, samples");
  EXPECT_EQ(message([&] { in.group("deep").dataset("x"); }), name + ": no data set 'x' in /deep: it has text");
  EXPECT_EQ(message([&] { in.group("depe"); }), name + ": no group 'depe' in /: it has cube, deep, samples");
  EXPECT_EQ(message([&] { in.dataset("deep"); }), name + ": /deep: is a group: expected a data set, as text");
  EXPECT_EQ(message([&] { in.read_matrix<double>("cube"); }),
            name + ": /cube: has shape (2, 2, 2): expected (N, d) or (N,)");
  EXPECT_EQ(message([&] { in.read_vector<double>("samples"); }), name + ": /samples: has shape (5, 2): expected (N,)");
  EXPECT_EQ(message([&] { in.read_vector<double>("deep/text"); }),
            name + ": /deep/text: holds strings: expected numbers");
  EXPECT_EQ(message([&] { in.read_strings("samples"); }), name + ": /samples: holds float64: expected strings");
  EXPECT_EQ(message([&] { in.dataset("samples").values<std::int64_t>(); }),
            name + ": /samples: holds float64: expected integers");
  EXPECT_EQ(message([&] { in.attribute<double>("sed"); }), name + ": /: no attribute 'sed': it has seed");
  EXPECT_EQ(message([&] { in.attribute<std::string>("seed"); }),
            name + ": /: attribute 'seed': holds int64: expected strings");
}

TEST_F(Hdf5Test, WhatIsNotAWholeHdf5FileIsAnError) {
  Hdf5File out = Hdf5File::create(file("whole.h5"));
  out.write_matrix("samples", numbered<double>(2, 500));
  out.commit();
  const std::string bytes = get("whole.h5");
  put("cut.h5", bytes.substr(0, bytes.size() - 100));
  put("stub.h5", bytes.substr(0, 20));
  put("text.h5", "x,y\n1,2\n");
  put("empty.h5", "");
  const auto failure = [&](const std::string& name) { return message([&] { Hdf5File::open(file(name)); }); };
  EXPECT_THAT(failure("cut.h5"), AllOf(HasSubstr("cut.h5: cannot read"), HasSubstr("truncated")));
  EXPECT_THAT(failure("stub.h5"), HasSubstr("stub.h5: cannot read: "));
  EXPECT_EQ(failure("text.h5"), file("text.h5") + ": not an HDF5 file");
  EXPECT_EQ(failure("empty.h5"), file("empty.h5") + ": empty: not an HDF5 file");
  EXPECT_EQ(failure("none.h5"), file("none.h5") + ": cannot read: No such file or directory");
  EXPECT_EQ(failure("."), file(".") + ": cannot read: Is a directory");
  // Every cut is an error or reads as the whole; none is a crash.
  for (std::size_t size = 0; size < bytes.size(); size += 97) {
    put("cut.h5", bytes.substr(0, size));
    EXPECT_NE(failure("cut.h5"), "no error") << size;
  }
}

TEST_F(Hdf5Test, NothingIsLeftOfAFileThatWasNotCommitted) {
  put("a.h5", "old");
  {
    Hdf5File out = Hdf5File::create(file("a.h5"));
    out.write_matrix("samples", numbered<double>(2, 5));
  }
  EXPECT_EQ(get("a.h5"), "old");
  EXPECT_EQ(files(), 1);
  EXPECT_EQ(message([&] { Hdf5File::create("nowhere/a.h5"); }),
            "nowhere/a.h5: cannot write: No such file or directory");
  EXPECT_EQ(message([&] { Hdf5File::create("/dev/null"); }), "/dev/null: cannot write: HDF5 needs a regular file");
}

TEST_F(Hdf5Test, CommitClosesWhatIsStillOpen) {
  Hdf5File out = Hdf5File::create(file("a.h5"));
  Hdf5Dataset samples = out.create_extendible<double>("samples", {2});
  const Hdf5Group group = out.create_group("g");
  samples.append(numbered<double>(2, 5));
  out.commit();
  EXPECT_EQ(Hdf5File::open(file("a.h5")).read_matrix<double>("samples"), numbered<double>(2, 5));
}

TEST_F(Hdf5Test, SameContentIsTheSameBytesSlow) {
  const auto write = [&](const std::string& name) {
    Hdf5File out = Hdf5File::create(file(name));
    out.write_matrix("g/samples", numbered<double>(2, 5));
    out.create_extendible<double>("x", {2}).append(numbered<double>(2, 5));
    out.set_attribute("solver", "dopri5");
    out.commit();
  };
  write("a.h5");
  std::this_thread::sleep_for(std::chrono::milliseconds(1100));  // HDF5 keeps times in seconds
  write("b.h5");
  EXPECT_EQ(get("a.h5"), get("b.h5"));
}

TEST_F(Hdf5Test, ErrorsPrintNothing) {
  testing::internal::CaptureStderr();
  put("text.h5", "x");
  message([&] { Hdf5File::open(file("text.h5")); });
  Hdf5File out = Hdf5File::create(file("a.h5"));
  EXPECT_FALSE(out.exists("a/b/c"));
  message([&] { out.dataset("a"); });
  message([&] { out.attribute<double>("a"); });
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST_F(Hdf5Test, FixtureReads) {
  const Hdf5File in = Hdf5File::open(fixtures_dir() + "/ffjord_8gaussians.h5");
  EXPECT_THAT(in.children(), testing::Contains("points"));
  EXPECT_EQ(in.read_matrix<double>("points").rows(), 2);
  EXPECT_EQ(in.read_matrix<double>("points").cols(), 512);
}

}  // namespace
}  // namespace pathline
