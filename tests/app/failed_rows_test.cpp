// Rows whose solve fails, among others.
#include <chrono>
#include <filesystem>
#include <sstream>

#include <gmock/gmock.h>

#include "app/program.hpp"
#include "pathline/checkpoint/model.hpp"
#include "pathline/io/table.hpp"
#include "paths.hpp"

namespace pathline {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

const std::string kMoons = source_dir() + "/models/moons.h5";

class FailedRows : public Scratch {};

std::vector<std::string> lines_printed(const std::string& text) {
  std::vector<std::string> out;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) out.push_back(line);
  return out;
}

// A point at which the field is not finite in any precision.
const std::string kBad = "1.7e308,-1.7e308";

// One such row lost the million beside it.
TEST_F(FailedRows, AreNanWithAReasonAndTheOthersAreEvaluated) {
  put("good.csv", "0.5,1\n-1,0.2\n"), put("bad.csv", "0.5,1\n" + kBad + "\n-1,0.2\n");
  const auto good = run({"density", kMoons, file("good.csv"), "--independent"});
  const auto bad = run({"density", kMoons, file("bad.csv"), "--independent"});
  EXPECT_EQ(good.code, 0) << good.err;
  EXPECT_EQ(bad.code, 1);
  const auto expected = lines_printed(good.out), got = lines_printed(bad.out);
  ASSERT_EQ(got.size(), 3u);
  EXPECT_EQ(got[0], expected[0]);
  EXPECT_THAT(got[1], StartsWith("nan  # the field or its integral is not finite at t = "));
  EXPECT_EQ(got[2], expected[1]);
  EXPECT_THAT(bad.err, AllOf(HasSubstr("bad.csv: 1 of 3 log-densities are NaN"), HasSubstr("row 2: the field or")));
}

TEST_F(FailedRows, AreMarkedInEveryFormat) {
  put("bad.csv", "0.5,1\n" + kBad + "\n-1,0.2\n");
  for (const char* name : {"o.csv", "o.h5", "o.npy"})
    EXPECT_EQ(run({"density", kMoons, file("bad.csv"), "-o", file(name)}).code, 1) << name;
  const auto csv = lines_printed(get("o.csv"));
  ASSERT_EQ(csv.size(), 4u);
  EXPECT_THAT(csv[2], HasSubstr(",nan  # the field"));
  EXPECT_EQ(python(R"(
x = np.loadtxt('o.csv', delimiter=',', skiprows=1)
assert x.shape == (3, 3) and list(np.isnan(x[:, 2])) == [False, True, False]
assert (np.isnan(np.load('o.npy')) == np.isnan(x[:, 2])).all()
f = h5py.File('o.h5')
assert list(f['status'][:]) == [0, 1, 0] and list(f['failed_rows'][:]) == [1]
assert 'not finite' in f['failed_reasons'].asstr()[0]
assert (np.isnan(f['log_density'][:]) == np.isnan(x[:, 2])).all()
)"),
            "");
}

TEST_F(FailedRows, OfAWholeTableEndItSlow) {
  std::string rows;
  for (int i = 0; i < 300; ++i) rows += kBad + "\n";
  put("bad.csv", rows);
  const auto got = run({"density", kMoons, file("bad.csv"), "--summary"});
  EXPECT_EQ(got.code, 1);
  EXPECT_THAT(got.err, HasSubstr("300 of 300 log-densities are NaN"));
}

TEST_F(FailedRows, AreTriedAgainWithOtherSettings) {
  auto model = read_model<float>(kMoons);
  put("p.csv", "0.5,1\n-1,0.2\n2,0.1\n");
  const auto expected = run({"density", kMoons, file("p.csv")});
  model.card.evaluation = {.rtol = 1e-6, .atol = 1e-6, .max_steps = 6};
  write_model(file("m.h5"), model);
  const auto got = run({"density", file("m.h5"), file("p.csv")});
  EXPECT_EQ(got.code, 0) << got.err;
  EXPECT_THAT(got.err, HasSubstr("points whose solve failed were evaluated in double precision with other settings"));
  const auto a = lines_printed(got.out), b = lines_printed(expected.out);
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(std::stod(a[i]), std::stod(b[i]), 1e-3);  // its tolerance
}

// A stiff field took minutes a row.
TEST_F(FailedRows, AStiffFieldEndsAtItsTimeLimit) {
  auto model = read_model<float>(kMoons);
  model.flow.set_theta(300 * model.flow.theta());
  model.card.evaluation = {.rtol = 1e-9, .atol = 1e-9, .max_steps = 1000000000};
  auto out = Hdf5File::create(file("m.h5"));
  write_model(out, model);
  out.commit();
  put("p.csv", "0.5,1\n-1,0.2\n");
  // Over before the first step on any machine: one with AVX-512 ended the whole solve within 1e-4 s.
  const std::vector<std::string> limit{"--timeout", "1e-9", "--precision", "double"};
  const auto begin = std::chrono::steady_clock::now();
  const auto density = run({"density", file("m.h5"), file("p.csv")}, limit);
  EXPECT_EQ(density.code, 1);
  for (const auto& line : lines_printed(density.out))
    EXPECT_THAT(line, StartsWith("nan  # time limit of 1e-09 s reached"));
  EXPECT_THAT(density.err, HasSubstr("p.csv: 2 of 2 log-densities are NaN"));
  const auto sample = run({"sample", file("m.h5"), "-n", "3", "-o", file("s.csv")}, limit);
  EXPECT_EQ(sample.code, 1);
  EXPECT_THAT(sample.err, HasSubstr("time limit of 1e-09 s reached"));
  EXPECT_FALSE(std::filesystem::exists(file("s.csv")));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(60));
  EXPECT_THAT(run({"density", file("m.h5"), file("p.csv"), "--timeout", "-1"}).err,
              HasSubstr("--timeout = -1: must be"));
  EXPECT_EQ(run({"density", kMoons, file("p.csv")}).code, 0);  // the limit of the command before is forgotten
}

TEST_F(FailedRows, IndependentPointsHaveTheSameBitsWhateverIsBesideThem) {
  std::string rows;
  for (int i = 0; i < 130; ++i) rows += std::to_string(0.03 * i - 2) + "," + std::to_string(0.01 * i * i - 1) + "\n";
  put("all.csv", rows + "40,-30\n");
  put("some.csv", "7,7\n" + rows.substr(rows.find('\n') + 1));
  const auto density = [&](const std::string& of) {
    EXPECT_EQ(run({"density", kMoons, file(of), "--independent", "--quiet", "-o", file("o.npy")}).code, 0);
    return read_table(file("o.npy")).values;
  };
  const auto all = density("all.csv"), some = density("some.csv");
  EXPECT_EQ(all.middleCols(1, 129), some.middleCols(1, 129));
}

}  // namespace
}  // namespace pathline
