#include "pathline/core/random.hpp"

#include <array>

#include <boost/random/normal_distribution.hpp>
#include <boost/random/seed_seq.hpp>
#include <boost/random/uniform_01.hpp>
#include <boost/random/uniform_int_distribution.hpp>

namespace pathline {
namespace {

// FNV-1a: only has to tell one purpose from another; seed_seq does the mixing.
std::uint64_t hash(std::string_view text) {
  std::uint64_t h = 14695981039346656037ull;
  for (unsigned char c : text) h = (h ^ c) * 1099511628211ull;
  return h;
}

}  // namespace

Engine make_stream(std::uint64_t seed, std::string_view purpose, std::uint64_t i, std::uint64_t j) {
  std::array<std::uint32_t, 8> words{};
  const std::uint64_t keys[4] = {seed, hash(purpose), i, j};
  for (int k = 0; k < 4; ++k) {
    words[2 * k] = static_cast<std::uint32_t>(keys[k]);
    words[2 * k + 1] = static_cast<std::uint32_t>(keys[k] >> 32);
  }
  boost::random::seed_seq sequence(words.begin(), words.end());
  return Engine(sequence);
}

template <class S> void fill_normal(Engine& engine, MatrixRef<S> out) {
  boost::random::normal_distribution<double> law;
  for (Index c = 0; c < out.cols(); ++c)
    for (Index r = 0; r < out.rows(); ++r) out(r, c) = static_cast<S>(law(engine));
}

template <class S> void fill_rademacher(Engine& engine, MatrixRef<S> out) {
  for (Index c = 0; c < out.cols(); ++c)
    for (Index r = 0; r < out.rows(); ++r) out(r, c) = (engine() >> 63) ? S(1) : S(-1);
}

template <class S> void fill_uniform(Engine& engine, MatrixRef<S> out) {
  boost::random::uniform_01<double> law;
  for (Index c = 0; c < out.cols(); ++c)
    for (Index r = 0; r < out.rows(); ++r) out(r, c) = static_cast<S>(law(engine));
}

template void fill_normal<float>(Engine&, MatrixRef<float>);
template void fill_normal<double>(Engine&, MatrixRef<double>);
template void fill_rademacher<float>(Engine&, MatrixRef<float>);
template void fill_rademacher<double>(Engine&, MatrixRef<double>);
template void fill_uniform<float>(Engine&, MatrixRef<float>);
template void fill_uniform<double>(Engine&, MatrixRef<double>);

double normal(Engine& engine) { return boost::random::normal_distribution<double>()(engine); }

double uniform(Engine& engine, double low, double high) {
  return low + (high - low) * boost::random::uniform_01<double>()(engine);
}

Index uniform_index(Engine& engine, Index n) {
  return boost::random::uniform_int_distribution<Index>(0, n - 1)(engine);
}

}  // namespace pathline
