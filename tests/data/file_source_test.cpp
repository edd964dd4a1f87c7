// Tables as they are: weights, own splits, copies, and what is found before training.
#include <cmath>
#include <map>
#include <set>
#include <string>

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "data/table_findings.hpp"
#include "pathline/core/error.hpp"
#include "pathline/data/source.hpp"
#include "scratch.hpp"

namespace pathline {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ContainsRegex;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

class FileSource : public Scratch {
 protected:
  std::string refusal(const std::string& name, const SourceOptions& options = {}) const {
    try {
      make_source(file(name), options);
    } catch (const InputError& error) {
      return error.what();
    }
    return "accepted";
  }
  // n rows "x,y" of two independent normal columns.
  static std::string normal_rows(Index n, std::uint64_t seed = 1) {
    Engine engine = make_stream(seed, "test");
    Matrix<double> z(2, n);
    fill_normal<double>(engine, z);
    std::string out;
    for (Index i = 0; i < n; ++i) out += std::to_string(z(0, i)) + "," + std::to_string(z(1, i)) + "\n";
    return out;
  }
};

TEST_F(FileSource, BatchesFollowTheWeightsAndTheStandardizerIsWeighted) {
  put("w.csv", "a,w\n1,1\n2,0\n3,2\n4,5\n");
  const auto source = make_source(file("w.csv"), {.validation_fraction = 0, .test_fraction = 0, .weights = "w"});
  EXPECT_EQ(source->columns(), (std::vector<std::string>{"a"}));
  EXPECT_NEAR(source->standardizer().mean(0), (1 + 6 + 20) / 8.0, 1e-14);
  const double square = (1 + 2 * 9 + 5 * 16) / 8.0 - std::pow(27 / 8.0, 2);
  EXPECT_NEAR(source->standardizer().scale(0), std::sqrt(square), 1e-14);
  Matrix<double> batch(1, 8000);
  Engine engine = make_stream(3, "test");
  source->batch(engine, batch);
  std::map<double, double> count;
  for (const double x : batch.row(0)) ++count[x];
  // Stratified: a row's count differs from the expected one by less than 2.
  EXPECT_NEAR(count[1], 1000, 2);
  EXPECT_NEAR(count[3], 2000, 2);
  EXPECT_NEAR(count[4], 5000, 2);
  EXPECT_EQ(count[2], 0);
  // (1 + 2 + 5)^2 / (1 + 4 + 25)
  EXPECT_THAT(source->notes(), Contains(HasSubstr("effective sample size 2.1 of 3 training rows")));
}

// Such columns were "collinear", or had a standard deviation of 0.
TEST_F(FileSource, ColumnsWhoseSquaresDoublePrecisionCannotRepresentAreNamed) {
  for (const std::string exponent : {"e200", "e-200"}) {
    std::string text = "x,y\n";
    for (int i = 0; i < 40; ++i) text += std::to_string(i % 7 + 1) + exponent + "," + std::to_string(i * i % 11) + "\n";
    put("units.csv", text);
    EXPECT_THAT(refusal("units.csv", {}), HasSubstr("column 1 (\"x\"): the values span 6.0" + exponent.substr(0, 1)));
  }
}

// Where all validation rows had the weight 0, the user was told to look for values far outside.
TEST_F(FileSource, RowsOfWeightZeroAreLeftOutBeforeTheSplit) {
  std::string rows = "a,w\n", few = "a,w\n";
  for (int i = 0; i < 200; ++i) {
    rows += std::to_string(i) + "," + (i % 10 == 0 ? "2" : "0") + "\n";
    few += std::to_string(i) + "," + (i % 50 == 0 ? "2" : "0") + "\n";
  }
  put("most.csv", rows), put("few.csv", few), put("part.csv", "a,w\n1,0\n2,3\n"), put("none.csv", "a,w\n1,0\n2,0\n");
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    const auto source = make_source(file("most.csv"), {.seed = seed, .weights = "w"});
    EXPECT_EQ(source->training()->cols(), 16);
    EXPECT_EQ(source->validation_weights().minCoeff(), 2);
    EXPECT_EQ(source->test_weights().minCoeff(), 2);
    EXPECT_THAT(source->notes(), Contains(HasSubstr("180 of 200 rows have the weight 0 and are left out")));
  }
  EXPECT_THAT(
      refusal("few.csv", {.weights = "w"}),
      HasSubstr("of 4 rows: must give at least one row; use more rows or a larger fraction, or 0 to hold none out "
                "(196 rows of weight 0 are left out)"));
  const auto parts = make_source(file("most.csv"), {.validation = file("part.csv"), .weights = "w"});
  EXPECT_EQ(parts->validation(), Matrix<double>::Constant(1, 1, 2));
  EXPECT_THAT(refusal("most.csv", {.validation = file("none.csv"), .weights = "w"}),
              HasSubstr("none.csv: every weight in column w is 0"));
  EXPECT_THAT(refusal("most.csv", {.test = file("none.csv"), .weights = "w"}),
              HasSubstr("none.csv: every weight in column w is 0"));
}

TEST_F(FileSource, AWeightThatIsNegativeOrMissingIsRefusedWithItsRow) {
  put("negative.csv", "a,w\n1,1\n2,0.5\n3,-2\n4,5\n"), put("nan.csv", "a,w\n1,1\n2,nan\n3,2\n4,5\n");
  put("zero.csv", "a,w\n1,0\n2,0\n3,0\n");
  EXPECT_THAT(refusal("negative.csv", {.weights = "w"}),
              HasSubstr("negative.csv: row 3, w = -2: a weight must be >= 0; events of negative weight"));
  put("log.csv", "a,w\n1,-1\n2,-0.5\n3,-2\n4,0.1\n");
  EXPECT_THAT(
      refusal("log.csv", {.weights = "w"}),
      EndsWith("w = -1: a weight must be >= 0; if the column holds logarithms of weights, write their exponentials"));
  EXPECT_THAT(refusal("nan.csv", {.weights = "w"}), StartsWith(file("nan.csv") + ": "));
  EXPECT_THAT(refusal("zero.csv", {.weights = "w"}), HasSubstr("every weight in column w is 0"));
  EXPECT_THAT(refusal("zero.csv", {.columns = {"a", "w"}, .weights = "w"}), HasSubstr("weights = w: this column"));
}

// One row with the weight 1e12 was the whole validation, and nothing said so.
TEST_F(FileSource, AFewRowsWithMostOfTheWeightAreNoted) {
  std::string rows = "a,w\n";
  for (int i = 0; i < 400; ++i) rows += std::to_string(i * 37 % 401) + "," + (i == 5 ? "1e12" : "1") + "\n";
  put("one.csv", rows);
  EXPECT_THAT(make_source(file("one.csv"), {.weights = "w"})->notes(),
              Contains(AllOf(HasSubstr("rows have an effective sample size of 1.0 of "),
                             HasSubstr("and 100 % of their weight is in one row"), HasSubstr("more rows"))));
}

// Chains of nested sampling were told in 95 % of the splits to cut their largest weights, which biases, and tables of 30
// rows with exponential weights in 34 %.
TEST_F(FileSource, HealthyWeightsAreNotNoted) {
  std::string nested = "a,w\n", exponential = "a,w\n";
  for (int i = 0; i < 500; ++i) {  // a Gaussian in three dimensions; the prior volume shrinks by 1/50 a row
    const double log_volume = -i / 50.0, square = 40 * std::exp(2 * log_volume / 3);
    nested += std::to_string(i) + "," + fmt::format("{}", std::exp(log_volume - square / 2)) + "\n";
  }
  for (int i = 0; i < 30; ++i)
    exponential += std::to_string(i) + "," + fmt::format("{}", -std::log((i + 0.5) / 30)) + "\n";
  put("nested.csv", nested), put("exponential.csv", exponential);
  for (std::uint64_t seed = 0; seed < 50; ++seed)
    for (const char* table : {"nested.csv", "exponential.csv"})
      EXPECT_THAT(make_source(file(table), {.seed = seed, .weights = "w"})->notes(), Not(Contains(HasSubstr("decide"))))
          << table << " by seed " << seed;
}

// The rows of a chain were trained on as draws of the prior, 3.2 nats off.
TEST_F(FileSource, AColumnNamedWeightIsNeverSilentlyData) {
  std::string rows = "weight logl a\n";
  for (int i = 0; i < 40; ++i)
    rows += std::to_string(1 + i % 3) + " " + std::to_string(-i * i % 17) + " " + std::to_string(i * 37 % 41 + 0.5) + "\n";
  put("chain.txt", rows);
  EXPECT_THAT(refusal("chain.txt"),
              HasSubstr("chain.txt: a column is named 'weight': pass SourceOptions.weights = weight"));
  const auto weighted = make_source(file("chain.txt"), {.weights = "weight"});
  EXPECT_EQ(weighted->columns(), (std::vector<std::string>{"a"}));
  EXPECT_THAT(weighted->notes(), Contains(HasSubstr("left out logl")));
  const auto chosen = make_source(file("chain.txt"), {.columns = {"weight", "a"}});
  EXPECT_EQ(chosen->columns(), (std::vector<std::string>{"weight", "a"}));
  put("chain_1.txt", "2 3.5 0.1\n1 2.5 0.3\n4 9 0.2\n"), put("chain.paramnames", "a \\alpha\n");
  EXPECT_THAT(refusal("chain_1.txt"), HasSubstr("pass SourceOptions.weights = weight"));
}

TEST_F(FileSource, PartsInFilesOfTheirOwn) {
  put("train.csv", "a,b\n" + normal_rows(50));
  put("validation.csv", "b,a\n1,2\n3,4\n"), put("test.csv", "a,b,c\n5,6,7\n");
  put("narrow.csv", "a\n5\n");
  const auto source =
      make_source(file("train.csv"), {.validation = file("validation.csv"), .test = file("test.csv")});
  EXPECT_EQ(*source->training_rows(), 50);
  Matrix<double> validation(2, 2), test(2, 1);
  validation << 2, 4, 1, 3;
  test << 5, 6;
  EXPECT_EQ(source->validation(), validation);
  EXPECT_EQ(source->test(), test);
  EXPECT_THAT(refusal("train.csv", {.test = file("narrow.csv")}), StartsWith(file("narrow.csv") + ": no column 'b'"));
}

// A Metropolis chain repeats the point where it stayed. Its copies were on both sides of the split.
TEST_F(FileSource, CopiesOfARowAreInOnePart) {
  std::string rows = "x,y\n";
  for (int i = 0; i < 300; ++i)
    for (int copy = 0; copy <= i % 4; ++copy)
      rows += std::to_string(i * 0.37) + "," + std::to_string(i * i * 0.11 - i) + "\n";
  put("chain.csv", rows);
  const auto source = make_source(file("chain.csv"));
  std::set<double> trained(source->training()->row(0).begin(), source->training()->row(0).end());
  std::set<double> validated(source->validation().row(0).begin(), source->validation().row(0).end());
  for (const double x : source->validation().row(0)) EXPECT_EQ(trained.count(x), 0u);
  for (const double x : source->test().row(0)) EXPECT_EQ(trained.count(x) + validated.count(x), 0u);
  EXPECT_NEAR(static_cast<double>(source->validation().cols()), 75, 8);
  EXPECT_NEAR(static_cast<double>(source->test().cols()), 75, 8);
  EXPECT_EQ(source->training()->cols() + source->validation().cols() + source->test().cols(), 750);
  EXPECT_THAT(source->notes(), Contains(HasSubstr("450 of 750 rows are copies of another row")));
}

TEST_F(FileSource, WhatHasNoDensityIsFoundBeforeTraining) {
  Engine engine = make_stream(5, "test");
  Matrix<double> z(3, 400);
  fill_normal<double>(engine, z);
  const auto table = [&](const std::string& name, const std::string& header, auto row) {
    std::string rows = header + "\n";
    for (Index i = 0; i < z.cols(); ++i) rows += row(i) + "\n";
    put(name, rows);
  };
  const auto text = [](double x) {
    char out[40];
    std::snprintf(out, sizeof out, "%.17g", x);
    return std::string(out);
  };
  table("good.csv", "a,b", [&](Index i) { return text(z(0, i)) + "," + text(z(1, i) + z(0, i)); });
  EXPECT_THAT(make_source(file("good.csv"))->notes(), IsEmpty());

  table("mass.csv", "a,b", [&](Index i) { return text(z(0, i)) + "," + (i % 3 == 0 ? "-999" : text(z(1, i))); });
  EXPECT_THAT(make_source(file("mass.csv"))->notes(), Contains(HasSubstr("column b is -999 in 3")));

  // Of several sentinels only the most frequent one was named.
  table("masses.csv", "a,b", [&](Index i) {
    return text(z(0, i)) + "," + (i % 10 == 0 ? "-9999" : i % 5 == 1 ? "-999" : text(z(1, i)));
  });
  EXPECT_THAT(make_source(file("masses.csv"))->notes(),
              Contains(ContainsRegex("column b is -999 in .* % and -9999 in ")));

  table("count.csv", "a,n", [&](Index i) { return text(z(0, i)) + "," + std::to_string(i % 9); });
  EXPECT_THAT(make_source(file("count.csv"))->notes(), Contains(HasSubstr("column n contains only integers (9 ")));
  EXPECT_THAT(make_source(file("count.csv"), {.discrete = {"n"}})->notes(),
              ElementsAre(HasSubstr("column n ends abruptly at 0 and 8")));
  EXPECT_THAT(make_source(file("count.csv"), {.discrete = {"n"}, .table = {.bounds = {{"n", 0, 8}}}})->notes(),
              IsEmpty());

  table("sum.csv", "a,b,c",
        [&](Index i) { return text(z(0, i)) + "," + text(z(1, i)) + "," + text(1e6 * (z(0, i) - 2 * z(1, i)) + 7); });
  EXPECT_THAT(refusal("sum.csv"), HasSubstr("sum.csv: the columns a, b, c are collinear"));
  EXPECT_THAT(refusal("sum.csv", {.condition = {"a", "b"}}), HasSubstr("collinear"));
  EXPECT_EQ(refusal("sum.csv", {.condition = {"a", "b", "c"}}), "accepted");
  EXPECT_EQ(refusal("sum.csv", {.columns = {"a", "c"}}), "accepted");

  table("near.csv", "a,b", [&](Index i) { return text(z(0, i)) + "," + text(z(0, i) + 1e-5 * z(1, i)); });
  EXPECT_THAT(make_source(file("near.csv"), {.condition = {"a"}})->notes(),
              Contains(HasSubstr("the columns a, b are nearly collinear")));

  put("constant.csv", "a,b\n1,2\n2,2\n3,2\n4,2\n5,2\n6,2\n7,2\n8,2\n9,2\n10,2\n");
  EXPECT_THAT(refusal("constant.csv"), HasSubstr("is constant (2): a constant column has no density; leave it out"));
}

// A sentinel in 3 % of the rows, a category in fractions and a number of the event were trained on without a word.
TEST_F(FileSource, RareSentinelsFewValuesAndRowNumbersAreFound) {
  Engine engine = make_stream(6, "test");
  Matrix<double> z(2, 2000);
  fill_normal<double>(engine, z);
  const auto findings = [&](const std::function<std::string(Index)>& second) {
    std::string rows = "a,b\n";
    for (Index i = 0; i < z.cols(); ++i) rows += std::to_string(z(0, i)) + "," + second(i) + "\n";
    put("t.csv", rows);
    return make_source(file("t.csv"))->notes();
  };
  const auto number = [&](Index i) { return std::to_string(z(1, i)); };
  EXPECT_THAT(findings([&](Index i) { return i % 33 == 0 ? "-999" : number(i); }),
              ElementsAre(ContainsRegex("column b is -999 in [23][.0-9]* % of the rows: a point mass has no density")));
  EXPECT_THAT(findings([&](Index i) { return i % 33 == 0 ? "0" : number(i); }),
              ElementsAre(HasSubstr("column b is 0 in")));
  EXPECT_THAT(findings([&](Index i) { return std::to_string(0.5 * static_cast<double>(i % 5)); }),
              ElementsAre(HasSubstr("column b contains only 5 different values, which have no density")));
  EXPECT_THAT(findings([&](Index i) { return i == 7 ? "1e6" : "3.5"; }),
              ElementsAre(HasSubstr("column b contains only 2 different values")));
  EXPECT_THAT(findings([&](Index i) { return std::to_string(5000 + i); }),
              ElementsAre(HasSubstr("column b numbers the rows, as an index does: leave it out")));
  char text[40];
  const auto rounded = [&](double x) { return std::snprintf(text, sizeof text, "%.1f", x), std::string(text); };
  EXPECT_THAT(findings([&](Index i) { return rounded(z(1, i)); }), IsEmpty());
  EXPECT_THAT(findings([&](Index i) { return rounded(50 * z(1, i) * z(1, i)); }),
              testing::Each(testing::Not(HasSubstr("point mass"))));
  EXPECT_THAT(findings([&](Index i) { return std::to_string(std::floor(1e9 * z(1, i))); }), IsEmpty());  // integers
}

// From 99.5 % on the part was "1e+02 %".
TEST(TableFindings, AValueOfNearlyAllRowsHasItsPartInPerCent) {
  Engine engine = make_stream(8, "test");
  Matrix<double> x(2, 10000);
  fill_normal<double>(engine, x);
  for (Index b = 30; b < x.cols(); ++b) x(1, b) = 0;
  EXPECT_THAT(table_findings(x, {"a", "b"}, {}, {}),
              ElementsAre(HasSubstr("column b is 0 in 99.7 % of the rows: a point mass has no density")));
}

TEST_F(FileSource, NegativeWeightsAreNamedAsThoseOfAGenerator) {
  std::string rows = "a,w\n";
  for (Index i = 0; i < 100; ++i) rows += std::to_string(i) + (i % 7 == 5 ? ",-1\n" : ",1\n");
  put("t.csv", rows);
  EXPECT_THAT(refusal("t.csv", {.weights = "w"}),
              HasSubstr("row 6, w = -1: a weight must be >= 0; events of negative weight, as those of a generator"));
}

// Weights and log-posteriors without names were modelled as two columns of the data.
TEST_F(FileSource, AChainWithoutNamesIsAsked) {
  Engine engine = make_stream(5, "test");
  std::string chain, counts;
  for (int i = 0; i < 200; ++i) {
    const double a = normal(engine), b = normal(engine), c = normal(engine);
    const auto rest = " " + std::to_string(a) + " " + std::to_string(b);
    const auto first = std::to_string(1 + i * i % 4) + " ";
    chain += first + std::to_string(50 + (a * a + b * b) / 2) + rest + "\n",
        counts += first + std::to_string(c) + rest + "\n";
  }
  put("chain.txt", chain), put("counts.txt", counts);
  EXPECT_THAT(refusal("chain.txt"), HasSubstr("without its .paramnames): pass SourceOptions.weights = 1 and "
                                              "SourceOptions.columns = 3,4, or SourceOptions.columns = 1,2,3,4 if all"));
  EXPECT_EQ(refusal("counts.txt"), "accepted");
  EXPECT_EQ(refusal("chain.txt", {.columns = {"1", "2", "3", "4"}}), "accepted");
  EXPECT_EQ(refusal("chain.txt", {.columns = {"3", "4"}, .weights = "1"}), "accepted");
}

TEST_F(FileSource, ATransposedTableIsNamedAsSuch) {
  std::string text;
  for (int row = 0; row < 2; ++row)
    for (int i = 0; i < 50; ++i) text += std::to_string(i * i % 7) + (i < 49 ? " " : "\n");
  put("t.txt", text);
  EXPECT_THAT(refusal("t.txt"), HasSubstr("t.txt: 2 rows of 50 columns; expected one sample a row"));
}

TEST_F(FileSource, TheReadersNotesAreTheSources) {
  put("missing.csv", "a,b\n" + normal_rows(30) + "1,\nNA,2\n");
  EXPECT_THAT(refusal("missing.csv"), HasSubstr("missing.csv: line 32"));
  const auto source = make_source(file("missing.csv"), {.table = {.drop_missing = true}});
  EXPECT_THAT(source->notes(), Contains(HasSubstr("2 rows with missing values are left out")));
}

// "2019,2020" is a row of numbers by the rule, and a header for whoever expects these names.
TEST_F(FileSource, AHeaderOfNumbersThatIsExpectedIsAHeader) {
  put("years.csv", "2019,2020\n1.5,2.5\n3.5,4.5\n");
  EXPECT_EQ(read_table(file("years.csv")).values.cols(), 3);
  EXPECT_EQ(read_table(file("years.csv"), {}, {.expected_names = {"2020", "2019"}}).values.cols(), 2);
  EXPECT_EQ(read_table(file("years.csv"), {}, {.expected_names = {"2019", "2021"}}).values.cols(), 3);
}

TEST_F(FileSource, ATableInMemoryIsSplitAndDrawnLikeItsFile) {
  put("t.csv", "a,b,w\n" + [] {
    std::string rows;
    for (int i = 0; i < 60; ++i) rows += std::to_string(i) + "," + std::to_string(i * i % 17) + ",1\n";
    return rows;
  }());
  Matrix<double> values(3, 60);
  for (int i = 0; i < 60; ++i) values.col(i) << i, i * i % 17, 1;
  const TableView table{ConstMatrixMap<double>(values.data(), 3, 60), {"a", "b", "w"}};
  const SourceOptions options{.seed = 4, .weights = "w"};
  const auto in_file = make_source(file("t.csv"), options), in_memory = make_source(table, "array", options);
  EXPECT_EQ(in_memory->columns(), in_file->columns());
  EXPECT_EQ(in_memory->validation(), in_file->validation());
  EXPECT_EQ(*in_memory->training(), *in_file->training());
  EXPECT_EQ(in_memory->training_weights(), in_file->training_weights());
  EXPECT_EQ(in_memory->standardizer().mean, in_file->standardizer().mean);
}

TEST_F(FileSource, AnErrorInATableInMemoryNamesItsRow) {
  Matrix<double> values = Matrix<double>::Random(2, 50);
  values(1, 6) = std::nan("");
  const auto refused = [](const TableView& table) {
    try {
      make_source(table, "array");
    } catch (const InputError& error) {
      return std::string(error.what());
    }
    return std::string("accepted");
  };
  const auto view = [&](Index d, Index n, std::vector<std::string> names = {}) {
    return TableView{ConstMatrixMap<double>(values.data(), d, n), std::move(names)};
  };
  EXPECT_EQ(refused(view(2, 50)),
            "array: row 7, column 2: nan: must be finite; TableOptions.drop_missing leaves such rows out");
  EXPECT_EQ(refused(view(2, 0)), "array: no rows");
  EXPECT_EQ(refused(view(0, 5)), "array: the table has no columns");
  EXPECT_EQ(refused(view(2, 5, {"a"})), "array: 1 names for 2 columns");
  EXPECT_THAT(refused(view(2, 5, {"a", "a"})), HasSubstr("both named 'a'"));
}

}  // namespace
}  // namespace pathline
