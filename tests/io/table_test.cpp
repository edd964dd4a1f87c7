#include "pathline/io/table.hpp"

#include <filesystem>

#include <gmock/gmock.h>

#include "message.hpp"
#include "scratch.hpp"

namespace pathline {
namespace {

using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;

class Tables : public Scratch {
 protected:
  std::string refused(const std::string& name, const std::string& text) const {
    const std::string path = put(name, text);
    std::string what = message([&] { read_table(path); });
    const auto at = what.find(root_.string() + "/");
    return at == 0 ? what.substr(root_.string().size() + 1) : what;
  }
};

TEST_F(Tables, CsvTakesWhatPeopleWrite) {
  const auto plain = read_table(put("a.csv", "1,2\n3,-4.5e1\n"));
  EXPECT_TRUE(plain.columns.empty());
  Matrix<double> expected(2, 2);
  expected << 1, 3, 2, -45;
  EXPECT_EQ(plain.values, expected);
  for (const char* text : {"\xEF\xBB\xBF\"x\",y\r\n1,2\r\n\r\n3 , -45", "# by hand\nx;y\n1;2\n+3;-45\n",
                           "x\ty\n1\t2\n3\t-45\n", "x   y\n1  2\n  3 -45 \n"}) {
    const auto table = read_table(put("b.csv", text));
    EXPECT_EQ(table.values, expected) << text;
    EXPECT_THAT(table.columns, ElementsAre("x", "y")) << text;
  }
  EXPECT_EQ(read_table(put("one.txt", "7")).values(0, 0), 7);
}

TEST_F(Tables, CsvErrorsNameLineAndColumn) {
  EXPECT_EQ(refused("a.csv", "x,y\n1,2\n3\n"), "a.csv: line 3: 1 column, expected 2");
  EXPECT_EQ(refused("a.csv", "1,2\n3,abc\n"), "a.csv: line 2, column 2: 'abc': expected a number");
  EXPECT_EQ(
      refused("a.csv", "1,2\n3,\n"),
      "a.csv: line 2, column 2: is empty: expected a number; TableOptions.drop_missing leaves such rows out");
  EXPECT_EQ(refused("a.csv", "1,2\n3,nan\n"),
            "a.csv: line 2, column 2: nan: must be finite; TableOptions.drop_missing leaves such rows out");
  EXPECT_EQ(refused("a.csv", "1,2\n3,1e999\n"), "a.csv: line 2, column 2: 1e999: must be finite");
  EXPECT_EQ(refused("a.csv", "1,2\n3,4x\n"), "a.csv: line 2, column 2: '4x': expected a number");
  EXPECT_EQ(refused("a.csv", ""), "a.csv: no rows");
  EXPECT_EQ(refused("a.csv", "x,y\n"), "a.csv: no rows");
  EXPECT_THAT(message([&] { read_table(file("none.csv")); }), HasSubstr("none.csv: cannot read: No such file"));
  std::filesystem::create_directory(file("dir.csv"));
  EXPECT_THAT(message([&] { read_table(file("dir.csv")); }), HasSubstr("dir.csv: cannot read: Is a directory"));
  EXPECT_THAT(message([&] { read_table("a.xyz"); }), HasSubstr("a.xyz: unknown format; the name must end with .csv"));
  EXPECT_THAT(message([&] { read_table("a.Parquet"); }), HasSubstr("convert this file with pandas.read_parquet("));
}

// "NA,1" was taken for a header, and its row was lost.
TEST_F(Tables, CsvRowWithOneCellThatIsNoNumberIsNotAHeader) {
  EXPECT_EQ(refused("a.csv", "NA,1\n0.5,1\n"),
            "a.csv: line 1, column 1: 'NA': expected a number (or a header that contains only names); "
            "lines before the header must begin with #");
  EXPECT_EQ(refused("a.csv", "1,\n0.5,1\n"),
            "a.csv: line 1, column 2: is empty: expected a number (or a header that contains only names); "
            "lines before the header must begin with #");
  EXPECT_EQ(refused("a.csv", ",\n0.5,1\n"),
            "a.csv: line 1, column 1: is empty: expected a number (or a header that contains only names); "
            "lines before the header must begin with #");
  EXPECT_THAT(read_table(put("pandas.csv", ",x\n0,1\n")).columns, ElementsAre("x"));
}

TEST_F(Tables, CsvQuotesAreThoseOfRfc4180) {
  const auto table = read_table(put("a.csv", "\"a,b\", \"say \"\"x\"\"\" ,'c'\n\"1\",2,\"-3e1\"\n"));
  EXPECT_THAT(table.columns, ElementsAre("a,b", "say \"x\"", "c"));
  EXPECT_EQ(table.values.col(0), Vector<double>({{1, 2, -30}}));
  EXPECT_THAT(read_table(put("b.csv", "\"a b\" c\n1 2\n")).columns, ElementsAre("a b", "c"));
  EXPECT_THAT(read_table(put("c.csv", "\"2023\";\"2024\"\n1;2\n")).columns, ElementsAre("2023", "2024"));
  EXPECT_EQ(read_table(put("d.csv", "1,\"2\"\n")).values.cols(), 1);
  EXPECT_EQ(refused("e.csv", "\"1\",\"2\"\n\"3\",\"4\"\n"),
            "e.csv: line 1: quoted numbers may be a header or a row; use names, or numbers without quotes");
  EXPECT_EQ(refused("e.csv", "\"a,b\n1,2\n"), "e.csv: line 1: unclosed quotes; they must close on the same line");
  const std::vector<std::string> names = {"a,b", "say \"x\"", "7", "#"};
  const auto writer = TableWriter::create(file("f.csv"), names, 4);
  writer->append(Matrix<double>::Zero(4, 1)), writer->commit();
  EXPECT_EQ(read_table(file("f.csv")).columns, names);
}

// The second of two columns of one name could not be reached; Latin-1 was trained, and stored as broken text.
TEST_F(Tables, NamesAreUtf8AndDiffer) {
  EXPECT_EQ(refused("a.csv", "x,y,x\n1,2,3\n"),
            "a.csv: line 1: columns 1 and 3 are both named 'x'; expected different names");
  EXPECT_EQ(refused("a.csv", "H\xF6he,y\n1,2\n"),
            "a.csv: line 1: the names are not in UTF-8; convert the file with: iconv -f LATIN1 -t UTF-8");
  ASSERT_EQ(
      python("with h5py.File('a.h5', 'w') as f:\n  f['v'] = np.zeros((3, 2)); f['v'].attrs['columns'] = ['x', 'x']"),
      "");
  EXPECT_THAT(message([&] { read_table(file("a.h5")); }),
              EndsWith("a.h5:v: columns 1 and 2 are both named 'x'; expected different names"));
}

TEST_F(Tables, SuffixesMayBeInUpperCase) {
  EXPECT_EQ(read_table(put("a.CSV", "1,2\n")).values.rows(), 2);
  EXPECT_EQ(table_format("a.NPY"), TableFormat::npy);
  EXPECT_EQ(table_format("a.H5:x"), TableFormat::hdf5);
  EXPECT_EQ(split_hdf5_name("A.H5:X"), std::make_pair(std::string("A.H5"), std::string("X")));
}

TEST_F(Tables, NumpyReadsWhatIsWrittenAndTheReverse) {
  Matrix<double> values(3, 5);
  for (Index i = 0; i < 15; ++i) values(i % 3, i / 3) = 0.1 * static_cast<double>(i * i) - 1;
  for (const char* name : {"t.csv", "t.npy", "t.h5", "u.h5:group/name"}) {
    const auto writer = TableWriter::create(file(name), {"a", "b", "c"}, 3);
    writer->append(values.leftCols(2)), writer->append(values.rightCols(3));
    writer->commit();
    const auto back = read_table(file(name));
    EXPECT_EQ(back.values, values) << name;  // bitwise: the shortest decimals read back
  }
  EXPECT_EQ(python("a = np.loadtxt('t.csv', delimiter=',', skiprows=1); b = np.load('t.npy')\n"
                   "with h5py.File('t.h5') as f: c = f['values'][:]; n = list(f['values'].attrs['columns'])\n"
                   "print((a == b).all(), (b == c).all(), b.shape, b.dtype, n)"),
            "True True (5, 3) float64 ['a', 'b', 'c']\n");
}

TEST_F(Tables, NpyOfEveryKindIsReadAndOthersRefused) {
  ASSERT_EQ(python("a = np.arange(6).reshape(3, 2)\n"
                   "for t in ['<f4', '<f8', '<i4', '<i8', '>f8', '>i4', '|u1', '<i2', '<u4', '>f2', '|i1', '>u8']: "
                   "np.save(t[1:] + ('l' if t[0] == '<' else 'b'), a.astype(t))\n"
                   "np.save('fortran', np.asfortranarray(a.astype(float))); np.save('vector', np.arange(4.))\n"
                   "np.save('bool', a > 1); np.save('cube', np.zeros((2, 2, 2))); np.save('nan', np.array([[1, 2], [3, "
                   "np.nan]]))\n"
                   "np.lib.format.write_array(open('v3.npy', 'wb'), a.astype(float), version=(3, 0))\n"
                   "np.save('empty', np.zeros((0, 2)))\n"
                   "open('cut.npy', 'wb').write(open('f8l.npy', 'rb').read()[:-5])"),
            "");
  Matrix<double> expected(2, 3);
  expected << 0, 2, 4, 1, 3, 5;
  for (const char* name :
       {"f4l", "f8l", "i4l", "i8l", "f8b", "i4b", "u1b", "i2l", "u4l", "f2b", "i1b", "u8b", "fortran", "v3"})
    EXPECT_EQ(read_table(file(std::string(name) + ".npy")).values, expected) << name;
  EXPECT_EQ(read_table(file("vector.npy")).values.rows(), 1);
  EXPECT_EQ(read_table(file("vector.npy")).values.cols(), 4);
  auto what = [&](const char* name) { return message([&] { read_table(file(name)); }); };
  EXPECT_THAT(what("bool.npy"),
              EndsWith("bool.npy: contains '|b1'; expected f2, f4, f8, i1 to i8 or u1 to u8: convert it with "
                       "numpy.asarray(x, dtype=float)"));
  EXPECT_EQ(read_table(file("cube.npy")).values.cols(), 4);  // steps and walkers of a chain
  EXPECT_THAT(
      what("nan.npy"),
      EndsWith("nan.npy: row 2, column 2: nan: must be finite; TableOptions.drop_missing leaves such rows out"));
  EXPECT_THAT(what("cut.npy"), EndsWith("cut.npy: truncated: 43 bytes of data, expected 48"));
  EXPECT_THAT(what("empty.npy"), EndsWith("empty.npy: no rows"));
  put("bad.npy", "hello world");
  EXPECT_THAT(what("bad.npy"), EndsWith("bad.npy: not an NPY file"));
}

TEST_F(Tables, NpyHalvesAreExact) {
  ASSERT_EQ(python("v = np.arange(1 << 16, dtype=np.uint16).view(np.float16); v = v[np.isfinite(v)]\n"
                   "np.save('half', v); np.save('double', v.astype(float))"), "");
  EXPECT_EQ(read_table(file("half.npy")).values, read_table(file("double.npy")).values);
}

// std::regex overflowed the stack, std::stoll threw, a product wrapped round, and -1 was read as 1.
TEST_F(Tables, NpyHeaderThatLiesIsRefused) {
  const auto npy = [&](const std::string& header) {
    std::string text("\x93NUMPY\x02\x00", 8);
    for (int i = 0; i < 4; ++i) text += static_cast<char>(header.size() >> 8 * i & 255);
    return refused("a.npy", text + header + std::string(64, '\0'));
  };
  const auto shaped = [&](const std::string& shape) {
    return npy("{'descr': '<f8', 'fortran_order': False, 'shape': (" + shape + "), }");
  };
  EXPECT_EQ(shaped("-1, 2"), "a.npy: shape (-1, 2): expected (N, d) or (N)");
  EXPECT_EQ(shaped("99999999999999999999,"), "a.npy: shape (99999999999999999999,): expected (N, d) or (N)");
  EXPECT_EQ(shaped("1152921504606846976, 2"), "a.npy: shape (1152921504606846976, 2): expected (N, d) or (N)");
  EXPECT_EQ(shaped("4 2"), "a.npy: shape (4 2): expected (N, d) or (N)");
  EXPECT_EQ(shaped("4611686018427387904"), "a.npy: shape (4611686018427387904): expected (N, d) or (N)");
  EXPECT_EQ(shaped("4, 2"), "no error");
  EXPECT_EQ(npy("{'descr': '" + std::string(60000, 'f') + "'}"),
            "a.npy: contains '" + std::string(40, 'f') +
                "'; expected f2, f4, f8, i1 to i8 or u1 to u8: convert it with numpy.asarray(x, dtype=float)");
  EXPECT_EQ(npy(std::string(70000, ' ')), "a.npy: the header has 70000 bytes; at most 65536 are allowed");
}

TEST_F(Tables, Hdf5NamesWhatThereIs) {
  ASSERT_EQ(python("with h5py.File('two.h5', 'w') as f:\n"
                   "  f['x'] = np.arange(6.).reshape(3, 2); f['g/y'] = np.arange(3); f['s'] = 'text'\n"
                   "with h5py.File('one.h5', 'w') as f: f['x'] = np.array([[1, np.inf]])\n"
                   "h5py.File('none.h5', 'w').close()\n"
                   "with h5py.File('bool.h5', 'w') as f: f['b'] = np.array([True, False])"),
            "");
  EXPECT_EQ(read_table(file("two.h5:x")).values(1, 2), 5);
  EXPECT_EQ(read_table(file("two.h5:g/y")).values.cols(), 3);
  auto what = [&](const char* name) { return message([&] { read_table(file(name)); }); };
  EXPECT_THAT(what("two.h5"), EndsWith("two.h5: contains 3 data sets; expected FILE:dataset with one of: g/y, s, x"));
  EXPECT_THAT(what("two.h5:z"), EndsWith("two.h5: no data set 'z'; the file contains: g/y, s, x"));
  EXPECT_THAT(what("two.h5:s"), EndsWith("two.h5:s: holds strings: expected numbers, or records with number fields"));
  EXPECT_THAT(what("none.h5"), EndsWith("none.h5: contains no data sets"));
  EXPECT_THAT(what("bool.h5"), HasSubstr("bool.h5:b: holds an enumeration (h5py: bool): expected numbers"));
  EXPECT_THAT(what("one.h5"), EndsWith("one.h5:x: row 1, column 2: inf: must be finite"));
}

TEST_F(Tables, ReadsInPartsAndKnowsItsRows) {
  std::string text = "a,b\n";
  for (int i = 0; i < 1000; ++i) text += std::to_string(i) + "," + std::to_string(-i) + "\n";
  put("big.csv", text);
  const auto reader = TableReader::open(file("big.csv"));
  EXPECT_EQ(reader->dim(), 2);
  EXPECT_FALSE(reader->rows());
  Matrix<double> part;
  Index rows = 0;
  double sum = 0;
  while (reader->read(part, 300)) rows += part.cols(), sum += part.row(0).sum();
  EXPECT_EQ(rows, 1000);
  EXPECT_EQ(sum, 999 * 500);
}

TEST_F(Tables, WithoutCommitNothingIsLeft) {
  put("old.csv", "1\n");
  { TableWriter::create(file("old.csv"), {}, 1)->append(Matrix<double>::Zero(1, 3)); }
  EXPECT_EQ(get("old.csv"), "1\n");
  EXPECT_EQ(files(), 1);
  EXPECT_THAT(message([&] { TableWriter::create(file("no/dir.csv"), {}, 1); }), HasSubstr("cannot write"));
}

// A CSV with a name, a label and an empty cell in columns that nobody asked for.
TEST_F(Tables, OnlyTheColumnsAskedForAreRead) {
  const std::string csv = put("a.csv", "id,x,y,label\nfirst,1,2,up\nsecond,3,4,\n");
  EXPECT_THAT(message([&] { read_table(csv); }), HasSubstr("line 2, column 1: 'first': expected a number"));
  const auto table = read_table(csv, {"y", "x"});
  EXPECT_THAT(table.columns, ElementsAre("y", "x"));
  EXPECT_EQ(table.values, (Matrix<double>(2, 2) << 2, 4, 1, 3).finished());
  EXPECT_THAT(message([&] {
                read_table(csv, {"x", "z"});
              }),
              EndsWith("a.csv: no column 'z'; its columns are id, x, y, label"));
  EXPECT_THAT(message([&] { read_table(csv, {"label"}); }), HasSubstr("line 2, column 4: 'up': expected a number"));
  EXPECT_THAT(message([&] { read_table(put("b.csv", "1,2\n"), {"x"}); }),
              HasSubstr("the table has no column names; choose columns by number, 1 to 2"));
  {
    auto writer = TableWriter::create(file("c.h5"), {"p", "q"}, 2);
    writer->append((Matrix<double>(2, 1) << 5, 6).finished());
    writer->commit();
  }
  EXPECT_EQ(read_table(file("c.h5"), {"q"}).values(0, 0), 6);
}

}  // namespace
}  // namespace pathline
