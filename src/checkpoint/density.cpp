#include "pathline/checkpoint/density.hpp"

#include <mutex>

#include "core/option_check.hpp"
#include "pathline/checkpoint/model.hpp"

namespace pathline {
namespace {

// The HDF5 library is not safe to call from several threads, unless it was built for that.
std::mutex g_reading;

}  // namespace

struct Density::Impl {
  // Returns f(flow), with the flow in the precision of the file.
  template <class F> auto with_flow(F f) const { return single ? f(*single) : f(*wide); }

  ModelCard card;
  EvaluationOptions options;
  std::optional<Flow<float>> single;
  std::optional<Flow<double>> wide;
};

Density::Density(const std::string& file, const DensityOptions& options) {
  auto impl = std::make_shared<Impl>();
  {
    const std::lock_guard lock(g_reading);
    impl->card = read_card(file);
    if (impl->card.precision == "double") impl->wide = read_model<double>(file).flow;
    else impl->single = read_model<float>(file).flow;
  }
  impl->options = {.solver = options.solver.value_or(impl->card.evaluation),
                   .trace = options.trace,
                   .seed = options.seed,
                   .tile = options.tile,
                   .threads = options.threads};
  impl->options.solver.check();
  impl->options.trace.check();
  require(options.threads >= 0, "threads", options.threads, ">= 0");
  require(options.tile >= 1, "tile", options.tile, ">= 1");
  impl_ = std::move(impl);
}

Index Density::dim() const {
  return impl_->with_flow([](const auto& flow) { return flow.dim(); });
}

Index Density::condition_dim() const {
  return impl_->with_flow([](const auto& flow) { return flow.condition_dim(); });
}

const std::vector<std::string>& Density::columns() const { return impl_->card.columns; }

const std::vector<std::string>& Density::condition_columns() const { return impl_->card.condition_columns; }

const SolverOptions& Density::solver() const { return impl_->options.solver; }

RowVector<double> Density::log_prob(ConstMatrixRef<double> x, ConstMatrixRef<double> c) const {
  return impl_->with_flow([&](const auto& flow) { return flow.log_prob(x, c, impl_->options).log_prob; });
}

Matrix<double> Density::score(ConstMatrixRef<double> x, ConstMatrixRef<double> c) const {
  const auto& o = impl_->options;
  const ScoreOptions options{.solver = o.solver, .trace = o.trace, .seed = o.seed, .tile = o.tile, .threads = o.threads};
  return impl_->with_flow([&](const auto& flow) { return flow.score(x, c, options).score; });
}

Matrix<double> Density::sample(Index n, std::uint64_t seed, ConstMatrixRef<double> c) const {
  require(n >= 0, "n", n, ">= 0");
  auto options = impl_->options;
  options.density = false;
  return impl_->with_flow([&](const auto& flow) { return flow.sample(n, seed, options, c).points; });
}

}  // namespace pathline
