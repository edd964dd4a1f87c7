// The tiles of points over which a flow is evaluated, in parallel.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "core/tile.hpp"
#include "pathline/core/error.hpp"
#include "pathline/core/parallel.hpp"
#include "pathline/flow/flow.hpp"
#include "trace/probe_memory.hpp"

namespace pathline {

// The memory of one thread, which is reused for each of its tiles.
template <class S> struct TileWorker {
  TransformScratch<S> scratch;
  Matrix<S> condition;
  Matrix<S> image_condition;
  ChainTape<S> tape;
};

// The memory that a calling thread keeps from one call to the next, so that a call with few points need not make its
// steppers anew. A call takes it and gives it back if nothing failed; a nested call finds none and makes its own.
template <class S> struct CallMemory {
  std::vector<TileWorker<S>> workers;
  std::vector<SolveReport> reports;  // of each tile

  // Keeps the memory of one worker, unless the Jacobian products of a tile (dim x directions * batch) are large.
  void keep(Index dim, Index directions, Index batch) {
    constexpr Index kMost = 1 << 18;
    if (dim * directions * batch > kMost) return;
    workers.resize(1);
    workers[0].tape = {};
    constexpr std::size_t kReports = 64;
    if (reports.capacity() > kReports) reports = {};
    t_kept = std::move(*this);
  }
  static CallMemory take() { return std::move(t_kept); }

 private:
  static thread_local CallMemory t_kept;
};
template <class S> thread_local CallMemory<S> CallMemory<S>::t_kept;

// How the points are cut into tiles.
struct TileOptions {
  Index tile;
  std::uint64_t seed;
  Index first;
  int threads;
  explicit TileOptions(const EvaluationOptions& o) : tile(o.tile), seed(o.seed), first(o.first), threads(o.threads) {}
  explicit TileOptions(const ScoreOptions& o) : tile(o.tile), seed(o.seed), first(o.first), threads(o.threads) {}

  void check() const { check_tiles(tile, first); }
};

// "points 64 to 127: advice", if the solve of the tile of points first, ..., first + batch - 1 failed; first is from 0.
inline NumericalError tile_error(Index first, Index batch, const SolveReport& report) {
  return NumericalError(fmt::format("points {} to {}: {}", first + 1, first + batch, report.advice()));
}

// Says "point 70: advice" if one point fails when it is solved alone, or else as tile_error(). first: the number of the
// first point of all. alone(b) solves the point with the number first + b.
template <class Alone>
NumericalError point_error(const SolveReport& report, Index first, Index begin, Index batch, Alone alone) {
  for (Index b = begin; b < begin + batch; ++b)
    if (const SolveReport one = alone(b); !one.ok())
      return NumericalError(fmt::format("point {}: {}", first + b + 1, one.advice()));
  return tile_error(first + begin, batch, report);
}

// Runs body(begin, batch, context, worker) for every tile, in parallel. NumericalError with advice if a solve failed.
template <class S, class Body>
SolveReport for_each_tile(const Flow<S>& flow, Index n, ConstMatrixRef<double> c, const TileOptions& o,
                          const SolveOptions<S>& options, double& nfe, Body body) {
  o.check();
  options.solver.check();
  options.trace.check();
  check_probe_memory(options.trace, flow.dim(), std::min(n, o.tile));
  const Tiles tiles{n, o.tile};
  const auto count = static_cast<std::size_t>(tiles.count());
  auto memory = CallMemory<S>::take();
  auto& workers = memory.workers;
  auto& reports = memory.reports;
  reports.assign(count, {});
  workers.resize(std::clamp<std::size_t>(count, 1, static_cast<std::size_t>(thread_count(o.threads))));
  auto run = [&](Index begin, Index batch, TileWorker<S>& w) {
    w.condition = flow.standardized_condition(c, begin, batch);
    const ProbeStream probes{o.seed, "flow.probes", static_cast<std::uint64_t>((o.first + begin) / o.tile), 0};
    return body(begin, batch, TransformContext<S>{w.scratch, options, w.condition, begin, probes}, w);
  };
  auto run_tile = [&](Index tile, int id) {
    reports[static_cast<std::size_t>(tile)] =
        run(tiles.begin(tile), tiles.batch(tile), workers[static_cast<std::size_t>(id)]);
  };
  parallel_for(tiles.count(), o.threads, std::ref(run_tile));  // std::function would copy it to the heap
  SolveReport sum;
  for (const auto& r : reports) sum.add(r);
  if (reports.empty()) sum.status = SolveStatus::success;
  nfe = reports.empty() ? 0 : static_cast<double>(sum.evaluations) / static_cast<double>(reports.size());
  for (Index tile = 0; tile < tiles.count(); ++tile)
    if (const auto& report = reports[static_cast<std::size_t>(tile)]; !report.ok())
      throw point_error(report, o.first, tiles.begin(tile), tiles.batch(tile),
                        [&](Index b) { return run(b, 1, workers[0]); });
  memory.keep(flow.dim(), std::max<Index>(flow.dim(), options.trace.probes), std::min(n, o.tile));
  return sum;
}

}  // namespace pathline
