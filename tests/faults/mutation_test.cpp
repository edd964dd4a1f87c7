// Files damaged at random: bits flipped, bytes overwritten, runs zeroed, copied or left out, ends cut off. A model gives
// the same density or an error; nothing crashes or loops, because the HDF5 library works in a child process.
#include <algorithm>
#include <chrono>
#include <functional>
#include <random>
#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "pathline/checkpoint/model.hpp"
#include "pathline/checkpoint/training_state.hpp"
#include "pathline/core/error.hpp"
#include "pathline/io/table.hpp"
#include "paths.hpp"
#include "scratch.hpp"

namespace pathline {
namespace {

// One to four changes, each a function of the engine alone.
std::string mutated(std::string bytes, std::mt19937_64& engine) {
  const auto below = [&](std::size_t n) { return static_cast<std::size_t>(engine() % std::max<std::size_t>(n, 1)); };
  for (std::size_t changes = 1 + below(4); changes > 0 && !bytes.empty(); --changes) {
    const std::size_t at = below(2) ? below(bytes.size()) : below(std::min<std::size_t>(bytes.size(), 4096));
    const std::size_t run = std::min(bytes.size() - at, std::size_t{1} << below(10));
    switch (below(8)) {
      case 0: bytes.resize(at); break;
      case 1: std::fill_n(bytes.begin() + static_cast<long>(at), run, '\0'); break;
      case 2: std::fill_n(bytes.begin() + static_cast<long>(at), std::min<std::size_t>(run, 8), '\xff'); break;
      case 3: bytes.erase(at, run); break;
      case 4: bytes.insert(at, bytes.substr(below(bytes.size()), run)); break;
      case 5: bytes[at] = static_cast<char>(engine()); break;
      default: bytes[at] = static_cast<char>(bytes[at] ^ (1 << below(8)));
    }
  }
  return bytes;
}

struct Counts {
  int same = 0, refused = 0, changed = 0, slow = 0;
};

class Mutations : public Scratch {
 protected:
  void SetUp() override {
    Scratch::SetUp();
    read_hdf5_in_child(true);
  }
  void TearDown() override {
    read_hdf5_in_child(false);
    Scratch::TearDown();
  }

  // read() gives what the file says, or throws.
  Counts try_mutations(const std::string& name, int count, const std::function<std::string()>& read) const {
    const std::string whole = get(name), expected = read();
    Counts counts;
    for (int i = 0; i < count; ++i) {
      std::mt19937_64 engine(static_cast<std::uint64_t>(i));
      put(name, mutated(whole, engine));
      const auto begin = std::chrono::steady_clock::now();
      try {
        ++(read() == expected ? counts.same : counts.changed);
      } catch (const InputError&) {
        ++counts.refused;
      }
      // The limit of a child is half a second of CPU time; a busy machine may take more.
      if (std::chrono::steady_clock::now() - begin > std::chrono::seconds(10)) ++counts.slow;
    }
    fmt::print("{}: {} mutations: 0 crashes, {} hangs, {} silent changes, {} refused, {} harmless\n", name, count,
               counts.slow, counts.changed, counts.refused, counts.same);
    put(name, whole);
    return counts;
  }

  std::string density_of(const std::string& name) const {
    const auto model = read_model<double>(file(name));
    Matrix<double> x(2, 3);
    x << 0.5, -1, 2, 0.25, 1, -3;
    const auto got = model.flow.log_prob(x, Matrix<double>(0, 3), {.solver = model.card.evaluation});
    return fmt::format("{} {} {} {}", got.log_prob[0], got.log_prob[1], got.log_prob[2], got.nfe);
  }

  void mutate_models(int count) {
    const auto model = read_model<float>(fixtures_dir() + "/model_format_1.h5");
    write_model(file("sealed.h5"), model);
    auto open = Hdf5File::create(file("unsealed.h5"));
    write_model(open, model);
    open.commit();
    for (const std::string name : {"sealed.h5", "unsealed.h5"}) {
      const auto counts = try_mutations(name, count, [&] { return density_of(name); });
      EXPECT_EQ(counts.changed, 0) << name;
      EXPECT_EQ(counts.slow, 0) << name;
      EXPECT_GT(counts.refused, count / 2) << name;
    }
  }
};

TEST_F(Mutations, AModelKeepsItsDensityOrIsRefusedSlow) { mutate_models(300); }

TEST_F(Mutations, TenThousandOfAModelExhaustive) { mutate_models(5000); }

TEST_F(Mutations, ALastCheckpointIsWholeOrRefused) {
  const auto model = read_model<float>(fixtures_dir() + "/model_format_1.h5");
  auto out = Hdf5File::create_sealed(file("last.h5"));
  write_model(out, model);
  const Vector<double> v = Vector<double>::LinSpaced(model.flow.theta().size(), 0, 1);
  write_training_state(out, {.iteration = 7, .theta = v, .adam = {.m = v, .v = v, .steps = 7}, .ema = {}});
  out.commit();
  const auto counts = try_mutations("last.h5", 150, [&] {
    const auto s = read_training_state(file("last.h5"));
    return fmt::format("{} {} {} {}", s.iteration, s.theta.sum(), s.adam.m.sum(), s.adam.v.sum());
  });
  EXPECT_EQ(counts.changed, 0);
  EXPECT_EQ(counts.slow, 0);
}

// Nothing says what the values of a stranger's table were; it has to be read, or refused, in time.
TEST_F(Mutations, ATableIsReadOrRefusedSlow) {
  ASSERT_EQ(python("f = h5py.File('t.h5', 'w'); f['g/x'] = np.arange(200.).reshape(100, 2)\n"
                   "f.create_dataset('g/y', data=np.arange(40.).reshape(20, 2), chunks=(8, 2), compression='gzip')\n"
                   "f['g/x'].attrs['columns'] = ['a', 'b']\n"),
            "");
  for (const char* of : {"t.h5:g/x", "t.h5:g/y", "t.h5"}) {
    const auto counts = try_mutations("t.h5", 150, [&]() -> std::string {
      std::string error;
      try {
        return fmt::format("{}", read_table(file(of)).values.sum());
      } catch (const InputError& e) {
        error = e.what();
      }
      EXPECT_EQ(error.find('\n'), std::string::npos) << error;
      return error;
    });
    EXPECT_EQ(counts.slow, 0) << of;
  }
}

}  // namespace
}  // namespace pathline
