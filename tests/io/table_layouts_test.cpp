// The layouts in which people keep their tables: each is made here by its own program and read back, or refused with
// words that say how to convert it.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include "message.hpp"
#include "pathline/io/hdf5.hpp"
#include "pathline/io/table.hpp"
#include "scratch.hpp"

namespace pathline {
namespace {

using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;

class Layouts : public Scratch {
 protected:
  Matrix<double> expected_ = (Matrix<double>(2, 3) << 1.5, 3, -2, 10, 0.25, 7).finished();  // rows (1.5, 10), ...

  void expect_read(const std::string& name, const std::vector<std::string>& columns) {
    std::vector<std::string> notes;
    const auto table = read_table(file(name), {}, {}, &notes);
    EXPECT_EQ(table.values, expected_) << name;
    EXPECT_EQ(table.columns, columns) << name;
  }
  std::vector<std::string> notes_of(const std::string& name) {
    std::vector<std::string> notes;
    (void)read_table(file(name), {}, {}, &notes);
    return notes;
  }
  std::string refused(const std::string& name) {
    return message([&] { (void)read_table(file(name)); });
  }
};

TEST_F(Layouts, TextWithNamesInAComment) {
  for (const char* text :
       {"# x y\n1.5 10\n3 0.25\n-2 7\n",                               // numpy.savetxt
        "# run 3 of the sampler\n#  x, y\n1.5 10 \n3 0.25 \n-2 7 \n",  // DNest4
        "#   x    y\n   1.5  10\n   3  0.25\n  -2  7\n",               // Cobaya
        "% by hand\nx,y\n1.5,10\n3,0.25\n-2,7\n",
        "@relation t\n@attribute x numeric\n@attribute y real\n@data\n1.5,10\n3,0.25\n-2,7\n",
        "sep=;\nx;y\n1.5;10\n3;0.25\n-2;7\n",
        "x,y,\n1.5,10,\n3,0.25,\n-2,7,\n",  // each line ends with a separator
        "x,y\n1.5,10,\n3,0.25,\n-2,7,\n",
        "x;y\n1,5;10\n3;0,25\n-2;7\n",  // decimal commas
        "x\ty\n1,5\t10\n3\t0,25\n-2\t7\n",
        "x,y\r1.5,10\r3,0.25\r-2,7",                                                     // line ends of old Macs
        "x y\n1.5D+00 1.0d+01\n3 .25\n-2 7\n",                                           // Fortran
        "x,y\n1.5,10 # ok\n3,0.25 # ok\n-2,7\n", ",x,y\n0,1.5,10\n1,3,0.25\n2,-2,7\n"})  // pandas with its index
    put("a.txt", text), expect_read("a.txt", {"x", "y"});
  put("plain.dat", "1.5  10\t\n3 \t0.25\t\n-2\t7\t\n");  // MontePython: blanks and tabs mixed
  expect_read("plain.dat", {});
  put("german.csv", "1,5;10,0\n3,0;0,25\n-2;7\n");
  expect_read("german.csv", {});
  EXPECT_THAT(notes_of("a.txt"), ElementsAre(HasSubstr("the first column has no name and is left out")));
}

// The names in the comment were lost, and a column was called "".
TEST_F(Layouts, AByteOrderMarkAndNamelessColumnsDoNotHideNames) {
  put("a.txt", "\xEF\xBB\xBF# x y\n1.5 10\n3 0.25\n-2 7\n"), expect_read("a.txt", {"x", "y"});
  put("a.txt", "\xEF\xBB\xBF\n\xEF\xBB\xBF 1,2\n");  // only at the beginning
  EXPECT_THAT(refused("a.txt"), HasSubstr("line 2, column 1"));
  put("a.csv", "x,\n1.5,10\n3,0.25\n-2,7\n"), expect_read("a.csv", {"x", "x2"});
  put("a.csv", "x2,\n1.5,10\n");
  EXPECT_THAT(refused("a.csv"), HasSubstr("line 1: columns 1 and 2 are both named 'x2'"));
  put("a.csv", ",x,,\"\"\n0,1,2,3\n");
  EXPECT_THAT(read_table(file("a.csv")).columns, ElementsAre("x", "x2", "x3"));
}

TEST_F(Layouts, WhatOnlyLooksLikeANumberIsNamed) {
  const auto what = [&](const std::string& cell) {
    put("a.csv", "x;y\n1;" + cell + "\n");
    const auto all = refused("a.csv");
    put("a.csv", "x;y\n" + cell + ";" + cell + "\n");  // no cell is a number: line 1 was taken for a title
    EXPECT_EQ(refused("a.csv").substr(refused("a.csv").find(cell)), all.substr(all.find(cell)));
    return all;
  };
  for (const char* number : {"1,234.5", "-12,345,678", "1.234.567", "1.234,5", "1 234", "1'234.50",
                             "1\xC2\xA0"
                             "234,5"})
    EXPECT_THAT(what(number), EndsWith("expected a number without thousands separators")) << number;
  for (const char* text : {"2024-01-05", "12:30:01", "1,23,456", "1,2345", "1.2.3", "a,234", "1234 567"})
    EXPECT_THAT(refused((put("b.csv", "x;y\n1;" + std::string(text) + "\n"), "b.csv")),
                testing::Not(HasSubstr("thousands")))
        << text;
  EXPECT_THAT(what("\xE2\x88\x92"
                   "1.5"),
              HasSubstr("it contains the minus sign U+2212 in place of '-'"));
  EXPECT_THAT(what("1.5\xC2\xA0"), HasSubstr("it contains a no-break space (U+00A0)"));
  put("f.dat", "1.5 0.1+101\n3 0.25-103\n-2 .7-100\n");  // Fortran leaves out the letter of three digits
  EXPECT_EQ(read_table(file("f.dat")).values.row(1), RowVector<double>({{0.1e101, 0.25e-103, 0.7e-100}}));
  put("f.csv", "x;y\n1,5;0,1-103\n");
  EXPECT_EQ(read_table(file("f.csv")).values(1, 0), 0.1e-103);
  // Without a point they are dates of a year and its day, ranges and labels. They were read as numbers.
  for (const char* text : {"1-10", "1-1000", "1.5-1e3", "x-103", "2023-045", "100-200", "138+682", "1,5,2-103"})
    EXPECT_THAT(refused((put("b.csv", "x;y\n1;" + std::string(text) + "\n"), "b.csv")), HasSubstr("expected a number"))
        << text;
}

TEST_F(Layouts, CompressedTextIsRead) {
  ASSERT_EQ(python("import gzip; gzip.open('a.csv.gz', 'wt').write('x,y\\n1.5,10\\n3,0.25\\n-2,7\\n')\n"
                   "b = open('a.csv.gz', 'rb').read(); open('cut.csv.gz', 'wb').write(b[:-9])"),
            "");
  expect_read("a.csv.gz", {"x", "y"});
  EXPECT_THAT(refused("cut.csv.gz"), HasSubstr("cut.csv.gz: cannot decompress: "));
}

// They were "not a text file", or had a wrong number of columns.
TEST_F(Layouts, AFileOfAnotherProgramIsNamedWithItsConversion) {
  const auto what = [&](const std::string& text) {
    put("a.csv", text);
    return refused("a.csv");
  };
  const std::string zeros(20, '\0');
  EXPECT_THAT(what("SIMPLE  =                    T" + zeros), HasSubstr("is a FITS file, not a text table; convert"));
  EXPECT_THAT(what("PAR1" + zeros), HasSubstr("Parquet file, not a text table; convert it with pandas.read_parquet"));
  EXPECT_THAT(what("ARROW1" + zeros), HasSubstr("pandas.read_feather"));
  EXPECT_THAT(what("PK\x03\x04" + zeros), HasSubstr("pandas.read_excel"));
  EXPECT_THAT(what("root" + zeros), HasSubstr("uproot.open"));
  EXPECT_THAT(what("BZh91AY" + zeros), HasSubstr("bunzip2"));
  EXPECT_THAT(what("# by hand\n\\fixlen = T\n|  ra  | dec |\n 1.5  2 \n"), HasSubstr("format='ascii.ipac'"));
  EXPECT_THAT(what("| x | y |\n|---|---|\n| 1 | 2 |\n"), HasSubstr("between bars"));
  EXPECT_THAT(what("<?xml version='1.0'?>\n<VOTABLE>\n"), HasSubstr("format='votable'"));
  EXPECT_THAT(what("{\"x\": 1}\n"), HasSubstr("pandas.read_json"));
  EXPECT_THAT(what("*****************\n*  Row  *  x  *\n*****************\n* 0 * 1.5 *\n"), HasSubstr("TTree::Scan"));
  EXPECT_THAT(message([] { (void)read_table("a.tbl"); }), HasSubstr("convert this file with astropy"));
}

TEST_F(Layouts, WhatTextIsRefusedNamesWhatWasFound) {
  const auto what = [&](const std::string& text) {
    put("a.csv", text);
    const std::string all = refused("a.csv");
    return all.substr(std::min(all.find("a.csv"), all.size()));
  };
  EXPECT_THAT(what(std::string("\xFF\xFEx\0", 4)), HasSubstr("UTF-16; convert it with: iconv"));
  EXPECT_THAT(what(std::string("x\0\n1\n", 5)), HasSubstr("line 1 contains a NUL byte"));
  EXPECT_EQ(what("x,y\n\"1,234\",5\n"),
            "a.csv: line 2, column 1: '1,234': expected a number without thousands separators");
  EXPECT_THAT(what("x,spin\n1,True\n"), EndsWith("'True': expected a number; write 1 for true and 0 for false"));
  EXPECT_THAT(what("\"x\" \"y\"\n\"1\" 0.5 2\n"), EndsWith("use row.names = FALSE"));
  EXPECT_THAT(what("Results of run 3\nx y z\n1 2 3\n"), EndsWith("lines before the header must begin with #"));
  EXPECT_THAT(what("x,y\n'1.5','2'\n"), HasSubstr("expected a number; remove the single quotes"));
  EXPECT_THAT(what("id,y\n12D3,2\n"), HasSubstr("'12D3': expected a number"));  // was 12000
  EXPECT_THAT(what("x|y\n1|2\n"),
              EndsWith("'1|2': expected a number; separate the columns by commas, semicolons, tabs or blanks"));
  EXPECT_EQ(what("x,y\n1," + std::string(300, '9') + "\n"),  // the message held all of them
            "a.csv: line 2, column 2: " + std::string(40, '9') +
                "...: an integer above 2^53 that double precision cannot represent; leave the column out");
  EXPECT_EQ(what("x,y\n1,2\n1,x" + std::string(38, '_') + "\xC3\xA9\n"),  // cut between characters
            "a.csv: line 3, column 2: 'x" + std::string(38, '_') + "...': expected a number");
  EXPECT_THAT(what("x,label\n1,signal\n"), HasSubstr("'signal': expected a number; if the column holds text, choose"));
  EXPECT_EQ(what("mass (kg) speed\n1 2\n"),
            "a.csv: line 2: 2 columns, expected 3; lines before the header must begin with #, and names that contain "
            "blanks must be in quotes");
  EXPECT_EQ(what(",x\n0.5,1\n").substr(0, 52), "a.csv: line 2, column 1: '0.5': expected an integer,");
  EXPECT_THAT(what("id,x\n1,2\n9007199254740993,3\n"),
              HasSubstr("line 3, column 1: 9007199254740993: an integer above 2^53"));
  put("a.csv", "id,x\n9007199254740994,3\n");
  EXPECT_EQ(read_table(file("a.csv")).values(0, 0), 0x1p53 + 2);  // which a double represents
}

// A column "lifetime [ns]" alone, without a comma in the file, was refused as two columns.
TEST_F(Layouts, TheNameOfTheOnlyColumnMayHaveBlanks) {
  put("a.csv", "lifetime [ns]\n1.5\n# a remark, with a comma\n3\n");
  const auto table = read_table(file("a.csv"));
  EXPECT_EQ(table.columns, std::vector<std::string>{"lifetime [ns]"});
  EXPECT_EQ(table.values, (Matrix<double>(1, 2) << 1.5, 3).finished());
  put("b.csv", "lifetime\n1.5\n3\n");
  EXPECT_EQ(read_table(file("b.csv")).columns, std::vector<std::string>{"lifetime"});
  put("c.csv", "mass spin\n1.5 2\n3 4\n");
  EXPECT_EQ(read_table(file("c.csv")).values.rows(), 2);
}

// `density` shifted by one row: names that are numbers were read as a row.
TEST_F(Layouts, AHeaderOfNumbersIsNotedAndCanBeChosen) {
  put("a.csv", "2019,2020\n1.5,10\n3,0.25\n-2,7\n");
  EXPECT_THAT(notes_of("a.csv"), IsEmpty());  // 10 is an integer too: nothing tells
  put("a.csv", "2019,2020\n1.5,10.5\n3,0.25\n-2,7\n");
  EXPECT_THAT(notes_of("a.csv"), ElementsAre(HasSubstr("line 1 is read as a row of numbers; if it is a header")));
  EXPECT_EQ(read_table(file("a.csv")).values.cols(), 4);
  const auto table = read_table(file("a.csv"), {}, {.header = TableOptions::Header::yes});
  EXPECT_EQ(table.values.cols(), 3);
  EXPECT_THAT(table.columns, ElementsAre("2019", "2020"));
  put("b.csv", "a,b\n1,2\n");
  EXPECT_THAT(message([&] { (void)read_table(file("b.csv"), {}, {.header = TableOptions::Header::no}); }),
              HasSubstr("line 1, column 1: 'a': expected a number"));
}

TEST_F(Layouts, RowsWithMissingValuesAreRefusedOrDroppedAndCounted) {
  put("a.csv", "x,y\n1.5,10\nNA,1\n3,0.25\n5,\n-2,7\nnan,?\n");
  EXPECT_THAT(refused("a.csv"), HasSubstr("line 3, column 1: 'NA': expected a number"));
  std::vector<std::string> notes;
  EXPECT_EQ(read_table(file("a.csv"), {}, {.drop_missing = true}, &notes).values, expected_);
  for (const char* word : {"#N/A", "<NA>", "-NaN", "-", "--", "."}) {  // Excel, pandas, C, by hand, astropy, SAS
    put("b.csv", fmt::format("x,y\n1.5,10\n{},1\n3,0.25\n-2,7\n", word));
    EXPECT_THAT(refused("b.csv"), EndsWith("TableOptions.drop_missing leaves such rows out"));
    EXPECT_EQ(read_table(file("b.csv"), {}, {.drop_missing = true}).values, expected_) << word;
  }
  EXPECT_THAT(notes, ElementsAre(EndsWith("a.csv: 3 rows with missing values are left out")));
  notes.clear();
  put("one.csv", "x,y\n1,2\nNaN,3\n");
  (void)read_table(file("one.csv"), {}, {.drop_missing = true}, &notes);
  EXPECT_THAT(notes, ElementsAre(EndsWith("one.csv: 1 row with missing values is left out")));
  EXPECT_EQ(read_table(file("a.csv"), {"y"}, {.drop_missing = true}).values.cols(), 4);  // of this column alone
  ASSERT_EQ(python("a = np.array([[1.5, 10], [np.nan, 1], [3, .25], [-2, 7]]); np.save('a', a)\n"
                   "with h5py.File('a.h5', 'w') as f: f['x'] = a\nb = a.copy(); b[1, 0] = np.inf; np.save('inf', b)"),
            "");
  for (const char* name : {"a.npy", "a.h5"}) {
    EXPECT_THAT(refused(name), HasSubstr("row 2, column 1: nan: must be finite"));
    EXPECT_EQ(read_table(file(name), {}, {.drop_missing = true}).values, expected_) << name;
  }
  EXPECT_THAT(message([&] { (void)read_table(file("inf.npy"), {}, {.drop_missing = true}); }),
              HasSubstr("inf: must be finite"));
}

// A row that began with #NA was left out without a word, and ", #N/A" cut the rest of its row.
TEST_F(Layouts, AMissingValueThatBeginsWithTheCommentSignIsOneAnywhereInARow) {
  for (const char* word : {"NA", "n/a",  "NaN", "-nan", "NULL",    "None",    "<NA>",  "?",     "-",      "--",
                           ".",  "#N/A", "#NA", "#na",  "#DIV/0!", "#VALUE!", "#REF!", "#NUM!", "#NAME?", "#NULL!"}) {
    for (const char* row : {"{},1", "{} , 1", "1,{}", "1, {}", "1, {} # by hand", "{}, {}", "{},"}) {
      put("a.csv", "x,y\n1.5,10\n" + fmt::format(fmt::runtime(row), word, word) + "\n3,0.25\n-2,7\n");
      EXPECT_THAT(refused("a.csv"), HasSubstr("line 3, column ")) << row << word;
      std::vector<std::string> notes;
      EXPECT_EQ(read_table(file("a.csv"), {}, {.drop_missing = true}, &notes).values, expected_) << row << word;
      EXPECT_THAT(notes, ElementsAre(EndsWith("a.csv: 1 row with missing values is left out"))) << row << word;
    }
    put("b.txt", fmt::format("x y\n1.5 10\n{} 1\n3 0.25\n1 {}\n-2 7\n", word, word));
    EXPECT_EQ(read_table(file("b.txt"), {}, {.drop_missing = true}).values, expected_) << word;
    put("c.csv", fmt::format("x,y,z\n1.5, {}, 10\n3, 1, 0.25\n-2, 1, 7\n", word));
    EXPECT_EQ(read_table(file("c.csv"), {"x", "z"}).values, expected_) << word;
  }
  put("a.csv", "x,y\n1.5,10 #NAs are below\n#NAME of the run\n# NA\n3,0.25 # NA\n-2,7 #n\n#,1\n");  // comments
  expect_read("a.csv", {"x", "y"});
}

// "#NA of the run" and "#na 1 2" were rows of another length.
TEST_F(Layouts, ACommentThatBeginsWithTheWordForAMissingValueIsNone) {
  const std::string plain = "x y\n1.5 10\n3 0.25\n-2 7\n", comma = "x,y\n1.5,10\n3,0.25\n-2,7\n";
  const std::string comments[] = {"#na of the run",     "#NA 1 2",         "#n/a values below", "#NA, 3 of 5",
                                  "#N/A means missing", "#Na are removed", "#null hypothesis"};
  for (const std::string& comment : comments)
    for (const auto& [text, separator] : {std::pair{plain, ' '}, std::pair{comma, ','}}) {
      const auto first = text.find('\n') + 1;
      put("a.txt", comment + "\n" + text), expect_read("a.txt", {"x", "y"});
      put("a.txt", text.substr(0, first) + comment + "\n" + text.substr(first)), expect_read("a.txt", {"x", "y"});
      put("a.txt", text + comment + "\n"), expect_read("a.txt", {"x", "y"});
      if (comment == "#NA, 3 of 5") continue;  // the remark could be a cell of a table that is separated by commas
      put("a.txt", text.substr(0, first) + "1.5" + separator + "10 " + comment + text.substr(text.find("10") + 2));
      expect_read("a.txt", {"x", "y"});
    }
  put("b.txt", "#NA 1\n1.5 10\n3 0.25\n-2 7\n"), expect_read("b.txt", {});  // no column has the name 1
  for (const char* row : {"#N/A 1", "#NA 1", "#na 1", "#N/A #N/A", "1 #NA", "1 #NA # by hand", "#DIV/0! 2 #remark"}) {
    put("a.txt", "x y\n1.5 10\n" + std::string(row) + "\n3 0.25\n-2 7\n");
    std::vector<std::string> notes;
    EXPECT_EQ(read_table(file("a.txt"), {}, {.drop_missing = true}, &notes).values, expected_) << row;
    EXPECT_THAT(notes, ElementsAre(EndsWith("1 row with missing values is left out"))) << row;
  }
  for (const char* text : {"#N/A 1\n1.5 10\n3 0.25\n-2 7\n", "1 #NA\n1.5 10\n3 0.25\n-2 7\n"}) {  // the first line
    put("a.txt", text);
    EXPECT_EQ(read_table(file("a.txt"), {}, {.header = TableOptions::Header::no, .drop_missing = true}).values,
              expected_)
        << text;
  }
  put("w.csv", "x,name,y\n1.5,a,10\n#N/A,b,1\n3,c,0.25\n-2,d,7\n");
  EXPECT_EQ(read_table(file("w.csv"), {"x", "y"}, {.drop_missing = true}).values, expected_);
  put("w.csv", "x,name,y\n1.5,a,10\n#N/A,b,c\n3,c,0.25\n-2,d,7\n");  // not without a word
  EXPECT_THAT(message([&] { (void)read_table(file("w.csv"), {"x", "y"}); }), HasSubstr("line 3, column 1: '#N/A'"));
  put("a.csv", "x,y\n1.5,10\n#N/A\n");  // what Excel writes is no comment in a row of another length either
  EXPECT_THAT(refused("a.csv"), HasSubstr("line 3: 1 column, expected 2"));
  put("c.csv", "x;y\n#N/A;1,5\n1,5;10\n3;0,25 #NA\n-2;7\n");  // with decimal commas
  EXPECT_EQ(read_table(file("c.csv"), {}, {.drop_missing = true}).values, expected_);
  put("t.tsv", "x\ty\n#N/A\t1\n1.5\t10\n1\t#N/A\n3\t0.25 #NA\n-2\t7\n");
  EXPECT_EQ(read_table(file("t.tsv"), {}, {.drop_missing = true}).values, expected_);
  put("one.txt", "x\n1\n#NA\n2 #na\n3\n");
  EXPECT_EQ(read_table(file("one.txt"), {}, {.drop_missing = true}).values,
            (Matrix<double>(1, 3) << 1, 2, 3).finished());
}

TEST_F(Layouts, ColumnsAreChosenByNumberToo) {
  put("a.csv", "1,2,3\n4,5,6\n");
  const auto table = read_table(file("a.csv"), {"3", "1"});
  EXPECT_EQ(table.values, (Matrix<double>(2, 2) << 3, 6, 1, 4).finished());
  EXPECT_THAT(table.columns, ElementsAre("column_3", "column_1"));
  EXPECT_THAT(message([&] { (void)read_table(file("a.csv"), {"4"}); }), HasSubstr("choose columns by number, 1 to 3"));
  EXPECT_THAT(message([&] { (void)read_table(file("a.csv"), {"1", "1"}); }), HasSubstr("column '1' is chosen twice"));
  put("b.csv", "2,\"a, b\"\n1,2\n");
  EXPECT_THAT(message([&] { (void)read_table(file("b.csv")); }), HasSubstr("expected a number"));
  put("c.csv", "\"2\",\"a, b\"\n7,8\n");
  EXPECT_EQ(read_table(file("c.csv"), {"2"}).values(0, 0), 7);  // a name goes before a number
  EXPECT_EQ(read_table(file("c.csv"), {"a, b"}).values(0, 0), 8);
}

TEST_F(Layouts, ChainsOfGetDistHaveTheNamesOfTheirParamnames) {
  put("run_1.txt", "3 0.5 1 2\n1 0.7 3 4\n"), put("run_2.txt", "2 0.1 5 6\n");
  put("run.paramnames", "omega  \\Omega_m\nsigma*  \\sigma_8\n");
  for (const char* name : {"run", "run_1.txt"})
    EXPECT_THAT(read_table(file(name)).columns, ElementsAre("weight", "minuslogpost", "omega", "sigma")) << name;
  EXPECT_EQ(read_table(file("run")).values.cols(), 3);
  EXPECT_EQ(read_table(file("run"), {"sigma"}).values, (Matrix<double>(1, 3) << 2, 4, 6).finished());
  put("run_2.txt", "2 0.1 5\n");
  EXPECT_THAT(refused("run"), HasSubstr("run_2.txt: 3 columns, expected 4"));
}

TEST_F(Layouts, NumpyRecordsAndArchivesAreRead) {
  ASSERT_EQ(python("a = np.array([[1.5, 10], [3, .25], [-2, 7]])\n"
                   "r = np.array([tuple(x) for x in a], dtype=np.dtype([('x', '<f4'), ('y', '>f8')], align=True)); "
                   "np.save('r', r)\n"
                   "np.savez('one', a); np.savez_compressed('two', a=a, b=r)\n"
                   "np.save('wide', np.array([2**53 + 1, 1]))\n"
                   "n = np.zeros(3, dtype=[('x', 'f8'), ('n', [('p', 'f8')]), ('y', 'f4')]); n['x'] = a[:, 0]; n['y'] "
                   "= a[:, 1]\n"
                   "np.save('part', n[['x', 'y']])\n"
                   "np.save('cube', np.arange(12.).reshape(3, 2, 2)); np.save('flat', np.zeros((2, 50)))\n"
                   "b = open('two.npz', 'rb').read(); open('cut.npz', 'wb').write(b[:-30]); open('bad.npz', "
                   "'wb').write(b[:60] + b'xx' + b[62:])"),
            "");
  expect_read("r.npy", {"x", "y"});
  expect_read("one.npz", {});
  expect_read("two.npz:a", {});
  expect_read("two.npz:b", {"x", "y"});
  EXPECT_THAT(refused("two.npz"), HasSubstr("contains 2 arrays; expected FILE:array with one of: a, b"));
  EXPECT_THAT(refused("two.npz:c"), HasSubstr("no array 'c'; the archive contains: a, b"));
  EXPECT_THAT(refused("cut.npz:a"), HasSubstr("not a NumPy archive (.npz), or damaged"));
  EXPECT_THAT(refused("bad.npz:a"), HasSubstr("bad.npz"));
  EXPECT_THAT(refused("wide.npy"), HasSubstr("row 1, column 1: an integer of 2^53 or more"));
  expect_read("part.npy", {"x", "y"});  // with padding
  EXPECT_THAT(notes_of("cube.npy"), ElementsAre(HasSubstr("joined to 6 rows")));
  EXPECT_THAT(notes_of("flat.npy"), ElementsAre(HasSubstr("if the array is transposed")));
}

TEST_F(Layouts, Hdf5RecordsGroupsAndFramesAreRead) {
  ASSERT_EQ(
      python("a = np.array([[1.5, 10], [3, .25], [-2, 7]])\n"
             "with h5py.File('records.h5', 'w') as f:\n"
             "  f['posterior'] = np.array([(x, b'u', y) for x, y in a], dtype=[('x', 'f4'), ('name', 'S3'), "
             "('y', 'f8')])\n"
             "with h5py.File('group.h5', 'w') as f: f['g/x'] = a[:, 0]; f['g/y'] = a[:, 1]\n"
             "with h5py.File('uneven.h5', 'w') as f: f['g/x'] = a[:, 0]; f['g/y'] = a[:2, 1]\n"
             "with h5py.File('vector.h5', 'w') as f: f['r'] = np.array([(1., [2., 3.])], dtype=[('t', 'f8'), "
             "('z', 'f8', (2,))])\n"
             "with h5py.File('chain.h5', 'w') as f: f['chain'] = np.arange(24.).reshape(4, 3, 2)\n"
             "with h5py.File('wide.h5', 'w') as f: f['id'] = np.array([1, 2**53 + 1])\n"
             "with h5py.File('ids.h5', 'w') as f: f['r'] = np.array([(2**53 + 1, 1.)], dtype=[('id', 'i8'), ('x', "
             "'f8')])\n"
             "with h5py.File('times.h5', 'w') as f:\n"
             "  g = f.create_group('df'); g.attrs['pandas_type'] = np.bytes_('frame')\n"
             "  g['axis0'] = np.array([b't']); g['axis1'] = np.arange(1)\n"
             "  g['block0_items'] = np.array([b't']); g['block0_values'] = np.array([[2**53 + 1]])\n"
             // What pandas writes, by hand: format=fixed, and format=table with its pickled names.
             "with h5py.File('fixed.h5', 'w') as f:\n"
             "  g = f.create_group('df'); g.attrs['pandas_type'] = np.bytes_('frame')\n"
             "  g['axis0'] = np.array([b'x', b'y']); g['axis1'] = np.arange(3)\n"
             "  g['block0_items'] = np.array([b'y']); g['block0_values'] = a[:, 1:]\n"
             "  g['block1_items'] = np.array([b'x']); g['block1_values'] = a[:, :1]\n"
             "with h5py.File('table.h5', 'w') as f:\n"
             "  g = f.create_group('df'); g.attrs['pandas_type'] = np.bytes_('frame_table')\n"
             "  t = g.create_dataset('table', data=np.array([(i, x) for i, x in enumerate(a)], dtype=[('index', "
             "'i8'), ('values_block_0', 'f8', (2,))]))\n"
             "  t.attrs['values_block_0_kind'] = np.bytes_('(lp0\\nVx\\np1\\naVy\\np2\\na.')"),
      "");
  for (const char* name : {"records.h5", "records.h5:posterior", "group.h5", "group.h5:g", "fixed.h5", "table.h5:df"})
    expect_read(name, {"x", "y"});
  EXPECT_THAT(read_table(file("vector.h5")).columns, ElementsAre("t", "z_0", "z_1"));
  EXPECT_EQ(read_table(file("chain.h5")).values.col(4), Vector<double>({{8, 9}}));
  EXPECT_THAT(notes_of("chain.h5"), ElementsAre(HasSubstr("joined to 12 rows")));
  EXPECT_THAT(refused("uneven.h5:g"), HasSubstr("the columns 'x' and 'y' have 3 and 2 rows"));
  EXPECT_THAT(refused("wide.h5"), HasSubstr("row 2, column 1: an integer of 2^53 or more"));
  EXPECT_THAT(refused("ids.h5"), HasSubstr("row 1, column 1 (id): an integer of 2^53 or more"));  // were rounded
  EXPECT_THAT(refused("times.h5:df"), HasSubstr("row 1, column 1 (t): an integer of 2^53 or more"));
  EXPECT_THAT(notes_of("records.h5"), ElementsAre(EndsWith("fields without numbers are left out: name")));
}

// With columns left out, the values of the others were taken from wrong places.
TEST_F(Layouts, ChosenColumnsOfHdf5AreTheSameFromAChildProcess) {
  ASSERT_EQ(
      python("with h5py.File('a.h5', 'w') as f: f['r'] = np.array([(i, i + .5, 2**60, 3 * i) for i in range(90000)], "
             "dtype=[('a', 'i4'), ('b', 'f8'), ('id', 'i8'), ('c', 'f4')])"),
      "");
  for (const std::vector<std::string>& chosen : {std::vector<std::string>{"c"}, {"c", "a"}, {"a", "b", "c"}}) {
    const auto here = read_table(file("a.h5"), chosen);
    read_hdf5_in_child(true);
    const auto sent = read_table(file("a.h5"), chosen);
    read_hdf5_in_child(false);
    EXPECT_EQ(sent.values, here.values);
    EXPECT_EQ(sent.columns, chosen);
  }
}

// Identifiers and times of 64 bits refused the whole table, whichever columns were chosen.
TEST_F(Layouts, WideIntegersRefuseOnlyTheColumnsThatAreChosen) {
  ASSERT_EQ(
      python(
          "a = np.array([[1.5, 10], [3, .25], [-2, 7]]); w = np.array([1, 2**60 + 1, 3])\n"
          "r = np.array([(i, *x) for i, x in zip(w, a)], dtype=[('id', 'i8'), ('x', 'f8'), ('y', 'f8')])\n"
          "np.save('r', r); np.savez('r', r)\n"
          "with h5py.File('records.h5', 'w') as f: f['r'] = r\n"
          "with h5py.File('group.h5', 'w') as f: f['g/id'] = w; f['g/x'] = a[:, 0]; f['g/y'] = a[:, 1]\n"
          "with h5py.File('table.h5', 'w') as f:\n"
          "  g = f.create_group('df'); g.attrs['pandas_type'] = np.bytes_('frame_table')\n"
          "  t = g.create_dataset('table', data=np.array([(i, x, [j, j]) for i, (x, j) in enumerate(zip(a, w))], dtype=["
          "('index', 'i8'), ('values_block_0', 'f8', (2,)), ('values_block_1', 'i8', (2,))]))\n"
          "  t.attrs['values_block_0_kind'] = np.bytes_('(lp0\\nVx\\np1\\naVy\\np2\\na.')\n"
          "  t.attrs['values_block_1_kind'] = np.bytes_('(lp0\\nVid\\np1\\naVt\\np2\\na.')\n"
          "with h5py.File('fixed.h5', 'w') as f:\n"
          "  g = f.create_group('df'); g.attrs['pandas_type'] = np.bytes_('frame')\n"
          "  g['axis0'] = np.array([b'id', b'x', b'name', b'y']); g['axis1'] = np.arange(3)\n"
          "  g['block0_items'] = np.array([b'x', b'y']); g['block0_values'] = a\n"
          "  g['block1_items'] = np.array([b'id']); g['block1_values'] = w[:, None]\n"
          "  g['block2_items'] = np.array([b'name'])\n"
          "  v = g.create_dataset('block2_values', (1,), dtype=h5py.vlen_dtype(np.uint8)); v[0] = [1, 2]\n"),
      "");
  put("chain_1.txt", "1152921504606846977 1.5 10\n2 3 0.25\n"), put("chain_2.txt", "word -2 7\n");
  put("chain.paramnames", "y\n");  // after the weight and the logarithm of the posterior
  const std::vector<std::string> names[] = {{"x", "y"}, {"minuslogpost", "y"}};
  for (const char* name : {"r.npy", "r.npz", "records.h5", "group.h5", "fixed.h5", "table.h5", "chain"}) {
    const bool chain = std::string(name) == "chain";
    EXPECT_EQ(read_table(file(name), names[chain]).values, expected_) << name;
    for (const auto& chosen : {std::vector<std::string>{}, {"y", chain ? "weight" : "id"}}) {
      const auto refusal = message([&] { (void)read_table(file(name), chosen); });
      EXPECT_THAT(refusal, HasSubstr(chain ? "column 1: 1152921504606846977: an integer" : " (id): an integer of 2^53"))
          << name;
    }
  }
  EXPECT_THAT(message([&] {
                (void)read_table(file("fixed.h5"), {"y", "id"});
              }),
              EndsWith("fixed.h5:df: row 2, column 1 (id): an integer of 2^53 or more that double precision cannot "
                       "represent; leave the column out"));
  for (const char* items :
       {"[b'x', b'x']", "[b'x', b'name']", "[b'x', b'']", "[b'x', b'id']"}) {  // wrote out of bounds
    ASSERT_EQ(python(fmt::format("with h5py.File('fixed.h5') as f, h5py.File('bad.h5', 'w') as g:\n"
                                 "  f.copy('df', g); del g['df/block0_items']; g['df/block0_items'] = np.array({})",
                                 items)),
              "");
    EXPECT_THAT(refused("bad.h5"), EndsWith("bad.h5:df: block items and axis0 of the frame differ")) << items;
  }
  ASSERT_EQ(python("with h5py.File('fixed.h5', 'a') as f:\n"
                   "  f.copy('df', f, name='nameless'); g = f['nameless']; del g['axis0'], g['block0_items'], "
                   "g['block2_items']\n"
                   "  g['axis0'] = np.array([b'id', b'', b'', b'y']); g['block0_items'] = np.array([b'', b'y'])\n"
                   "  g['block2_items'] = np.array([b''])\n"),
            "");
  EXPECT_THAT(refused("fixed.h5:nameless"), EndsWith("nameless: two columns of the frame have no name"));
  std::vector<std::string> notes;
  (void)read_table(file("fixed.h5:df"), {"x"}, {}, &notes);
  EXPECT_THAT(notes, ElementsAre(EndsWith("columns without numbers are left out: name")));
}

// The note named values_block_1 and index, which are no columns of the frame.
TEST_F(Layouts, TextInATableOfPandasIsNotedByTheNamesOfItsColumns) {
  ASSERT_EQ(
      python("a = np.array([[1.5, 10], [3, .25], [-2, 7]])\n"
             "with h5py.File('table.h5', 'w') as f:\n"
             "  g = f.create_group('df'); g.attrs['pandas_type'] = np.bytes_('frame_table')\n"
             "  t = g.create_dataset('table', data=np.array([(b'i', x, [b'u', b'v'], b'w', b'k') for x in a], dtype=["
             "('index', 'S1'), ('values_block_0', 'f8', (2,)), ('values_block_1', 'S1', (2,)), ('place', 'S1'), "
             "('values_block_2', 'S1')]))\n"
             "  t.attrs['values_block_0_kind'] = np.bytes_('(lp0\\nVx\\np1\\naVy\\np2\\na.')\n"
             "  t.attrs['values_block_1_kind'] = np.bytes_('(lp0\\nVname\\np1\\naVkind\\np2\\na.')\n"
             "with h5py.File('index.h5', 'w') as f:\n"
             "  g = f.create_group('df'); g.attrs['pandas_type'] = np.bytes_('frame_table')\n"
             "  t = g.create_dataset('table', data=np.array([(b'i', x) for x in a], dtype=[('index', 'S1'), "
             "('values_block_0', 'f8', (2,))]))\n"
             "  t.attrs['values_block_0_kind'] = np.bytes_('(lp0\\nVx\\np1\\naVy\\np2\\na.')\n"),
      "");
  for (const char* name : {"table.h5", "index.h5"}) expect_read(name, {"x", "y"});
  EXPECT_THAT(notes_of("table.h5"),
              ElementsAre(EndsWith("fields without numbers are left out: name, kind, place, values_block_2")));
  EXPECT_THAT(notes_of("index.h5"), IsEmpty());
}

// A field of text, a time or an image refused the whole array, where HDF5 left it out.
TEST_F(Layouts, FieldsWithoutNumbersAreLeftOutOfNumpysRecordsAsOfHdf5) {
  ASSERT_EQ(
      python(
          "t = [('x', '>f4'), ('s', 'S3'), ('u', 'U5'), ('n', [('p', 'f8'), ('q', [('r', 'i2', (3,)), ('w', "
          "'U2')])]),\n"
          "     ('when', 'M8[ns]'), ('c', 'c16'), ('b', '?'), ('img', 'f8', (2, 2)), ('words', 'U2', (3,)), ('y', "
          "'f8'),\n"
          "     ('void', 'V7'), ('z', 'i2', (2,))]\n"
          "r = np.zeros(3, dtype=t); r['x'] = [1.5, 3, -2]; r['y'] = [10, .25, 7]; r['s'] = b'abc'; r['u'] = 'n, (x)'\n"
          "r['z'] = np.arange(6).reshape(3, 2)\n"
          "np.save('r', r); np.savez('r', r); np.save('aligned', r.astype(np.dtype(t, align=True)))\n"
          "np.save('words', r[['s', 'u']].copy()); np.save('objects', np.array([(1., 'a')], dtype=[('x', 'f8'), ('o', "
          "'O')]))\n"
          "b = open('r.npy', 'rb').read()\n"
          "for i, (old, new) in enumerate([(b'<U5', b'<U-'), (b'|S3', b'|Sx'), (b'(3,)', b'(-3)'), (b'[(\\'p', "
          "b'(((\\'p'), "
          "(b')])]),', b')])))'), (b'(2, 2)', b'(9**9)'), (b'M8[', b'M[8')]):\n"
          "  assert old in b, old; open('lie%d.npy' % i, 'wb').write(b.replace(old, new, 1))\n"
          "deep = \"{'descr': \" + \"[('a', \" * 3000 + \"'<f8'\" + ')]' * 3000 + \", 'fortran_order': False, 'shape': "
          "(1,), }\"\n"
          "open('deep.npy', 'wb').write(b'\\x93NUMPY\\x01\\x00' + len(deep).to_bytes(2, 'little') + deep.encode() + "
          "bytes(8))\n"
          "with h5py.File('r.h5', 'w') as f: f['r'] = r[['x', 's', 'img', 'y', 'z']]"),
      "");
  const char* all = "fields without numbers are left out: s, u, n, when, c, b, img, words, void";
  for (const char* name : {"r.npy", "r.npz", "aligned.npy", "r.h5"}) {
    std::vector<std::string> notes;
    const auto table = read_table(file(name), {}, {}, &notes);
    EXPECT_THAT(table.columns, ElementsAre("x", "y", "z_0", "z_1")) << name;
    EXPECT_EQ(table.values.topRows(2), expected_) << name;
    EXPECT_EQ(table.values.row(3), RowVector<double>({{1, 3, 5}})) << name;
    const bool numpy = std::string(name) != "r.h5";
    EXPECT_THAT(notes, ElementsAre(EndsWith(numpy ? all : "fields without numbers are left out: s, img"))) << name;
  }
  EXPECT_EQ(read_table(file("r.npy"), {"y", "x"}).values, expected_.colwise().reverse());
  EXPECT_THAT(message([&] { (void)read_table(file("r.npy"), {"u"}); }), HasSubstr("no column 'u'"));
  EXPECT_THAT(refused("words.npy"), EndsWith("words.npy: none of the fields holds numbers: s, u"));
  EXPECT_THAT(refused("objects.npy"),
              HasSubstr("the field 'o' holds Python objects, so that the file is a pickle; save"));
  for (int i = 0; i < 7; ++i) EXPECT_THAT(refused(fmt::format("lie{}.npy", i)), HasSubstr("lie")) << i;
  EXPECT_THAT(refused("deep.npy"), HasSubstr("no list of fields as NumPy writes it"));
}

// Vectors in records were columns in HDF5 and refused in NPY.
TEST_F(Layouts, VectorsInRecordsAreColumnsInNumpysFilesAsInHdf5) {
  ASSERT_EQ(
      python("r = np.zeros(3, dtype=[('t', 'f4'), ('z', '>i2', (2,)), ('s', 'S3'), ('w', 'f8', (1,)), ('u', 'f8', 3), "
             "('e', "
             "'i1')])\n"
             "r['t'] = [1, 2, 3]; r['z'] = np.arange(6).reshape(3, 2); r['w'] = [[7], [8], [9]]\n"
             "r['u'] = np.arange(9).reshape(3, 3) / 2; r['e'] = [-1, -2, -3]\n"
             "p = r[['t', 'z', 'w', 'u', 'e']]; np.save('r', p); np.savez('r', p)\n"  // with padding
             "with h5py.File('r.h5', 'w') as f: f['r'] = r[['t', 'z', 's', 'u', 'e']]\n"
             "np.save('same', np.zeros(2, dtype=[('z_1', 'f8'), ('z', 'f8', (2,))]))\n"
             "np.save('wide', np.array([(1, [2, 2**60])], dtype=[('x', 'f8'), ('z', 'i8', (2,))]))\n"
             "b = open('r.npy', 'rb').read()\n"
             "for i, text in enumerate([b'(9,)', b'(0,)', b'(-,)', b'(2;)', b'(2, ', b'2), ', b'(), ']):\n"
             "  open('lie%d.npy' % i, 'wb').write(b.replace(b'(2,)', text))\n"
             "open('large.npy', 'wb').write(b.replace(b'(2,)', b'(9' + b'9' * 8 + b',)').replace(b' ' * 8, b'', 1))"),
      "");
  Matrix<double> expected(7, 3);
  expected << 1, 2, 3, 0, 2, 4, 1, 3, 5, 0, 1.5, 3, 0.5, 2, 3.5, 1, 2.5, 4, -1, -2, -3;
  const std::vector<std::string> names = {"t", "z_0", "z_1", "u_0", "u_1", "u_2", "e"};
  for (const char* name : {"r.npy", "r.npz", "r.h5"}) EXPECT_EQ(read_table(file(name), names).values, expected) << name;
  EXPECT_EQ(read_table(file("r.npy"), {"w_0"}).values, (Matrix<double>(1, 3) << 7, 8, 9).finished());
  EXPECT_THAT(refused("same.npy"), HasSubstr("columns 1 and 3 are both named 'z_1'"));
  EXPECT_THAT(refused("wide.npy"), HasSubstr("row 1, column 3 (z_1): an integer of 2^53 or more"));
  EXPECT_THAT(refused("lie0.npy"), HasSubstr("lie0.npy: truncated: "));
  for (int i = 1; i < 7; ++i) EXPECT_THAT(refused(fmt::format("lie{}.npy", i)), HasSubstr("lie")) << i;
  EXPECT_THAT(refused("large.npy"),
              HasSubstr("the field 'z' has 999999999 elements, more than a table may have"));
}

// As pandas writes a frame of one number and one integer column. The library refuses to read an array as a number.
TEST_F(Layouts, AVectorOfOneElementIsAColumn) {
  ASSERT_EQ(python("with h5py.File('one.h5', 'w') as f:\n"
                   "  f['r'] = np.array([(1., [2.]), (3., [4.])], dtype=[('t', 'f8'), ('z', 'f8', (1,))])\n"
                   "with h5py.File('table.h5', 'w') as f:\n"
                   "  g = f.create_group('df'); g.attrs['pandas_type'] = np.bytes_('frame_table')\n"
                   "  t = g.create_dataset('table', data=np.array([(0, [1.5], [10]), (1, [3], [25])], dtype=[('index', "
                   "'i8'), ('values_block_0', 'f8', (1,)), ('values_block_1', 'i8', (1,))]))\n"
                   "  for b, n in ('0', 'x'), ('1', 'n'):\n"
                   "    t.attrs[f'values_block_{b}_kind'] = np.bytes_(f'(lp0\\nV{n}\\np1\\na.')"),
            "");
  const auto record = read_table(file("one.h5"));
  EXPECT_THAT(record.columns, ElementsAre("t", "z_0"));
  EXPECT_EQ(record.values, (Matrix<double>(2, 2) << 1, 3, 2, 4).finished());
  const auto frame = read_table(file("table.h5:df"));
  EXPECT_THAT(frame.columns, ElementsAre("x", "n"));
  EXPECT_EQ(frame.values, (Matrix<double>(2, 2) << 1.5, 3, 10, 25).finished());
}

// A part that ended inside a step of the chain.
TEST_F(Layouts, AChainOfThreeAxesIsReadInPartsOfAnySize) {
  ASSERT_EQ(python("with h5py.File('chain.h5', 'w') as f: f['chain'] = np.arange(30.).reshape(5, 3, 2)"), "");
  for (const Index most : {1, 2, 4, 7, 100}) {
    const auto reader = TableReader::open(file("chain.h5"));
    Matrix<double> part;
    double next = 0;
    while (reader->read(part, most))
      for (Index i = 0; i < part.size(); ++i) EXPECT_EQ(part.data()[i], next++);
    EXPECT_EQ(next, 30) << most;
  }
}

// Two groups that each hold both made a listing without an end.
TEST_F(Layouts, LinksThatLeadInCirclesEnd) {
  ASSERT_EQ(python("with h5py.File('c.h5', 'w') as f:\n"
                   "  a, b = f.create_group('a'), f.create_group('b')\n"
                   "  for g in (a, b):\n"
                   "    for i in range(8): g['a%d' % i], g['b%d' % i] = a, b\n"
                   "    g['x'] = [1.0, 2.0]\n"),
            "");
  EXPECT_LT(message([&] { read_table(file("c.h5")); }).size(), 2000u);
}

}  // namespace
}  // namespace pathline
