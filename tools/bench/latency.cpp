// How long one point takes from a program of C++: the quantiles of single calls of Density::log_prob, what they
// allocate, and what 8 threads on one Density need.
//
//     bench_latency [MODEL [CALLS]]

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "counted_malloc.hpp"
#include "pathline/density.hpp"
#include "quantile.hpp"

namespace {

using pathline::Index;
using Clock = std::chrono::steady_clock;

// One line of the table: single points one after the other.
void measure(const std::string& name, const pathline::Density& density, const pathline::Matrix<double>& x) {
  std::vector<double> us;
  us.reserve(static_cast<std::size_t>(x.cols()));
  double sum = 0;
  for (Index i = 0; i < 100; ++i) sum += density.log_prob(x.col(i % x.cols()))[0];  // the caches, and the memory
  const long calls = t_counted.calls;
  for (Index i = 0; i < x.cols(); ++i) {
    const auto begin = Clock::now();
    sum += density.log_prob(x.col(i))[0];
    us.push_back(std::chrono::duration<double, std::micro>(Clock::now() - begin).count());
  }
  const double allocations = static_cast<double>(t_counted.calls - calls) / static_cast<double>(x.cols());
  fmt::print("| {:<34} | {:>8.1f} | {:>8.1f} | {:>8.1f} | {:>11.1f} |\n", name, quantile(us, 0.5), quantile(us, 0.99),
             quantile(us, 1), allocations);
  if (sum == 0) fmt::print("\n");  // the sum is used
}

}  // namespace

int main(int argc, char** argv) {
  const std::string file = argc > 1 ? argv[1] : "models/moons.h5";
  const Index calls = argc > 2 ? std::stol(argv[2]) : 5000;
  const pathline::Density density(file);
  const auto x = density.sample(calls, 1);
  auto loose = density.solver();
  loose.rtol = loose.atol = 1e-3;
  fmt::print("{} calls of log_prob with one point of {}\n\n", calls, file);
  fmt::print("| {:<34} | {:>8} | {:>8} | {:>8} | {:>11} |\n|---|---|---|---|---|\n", "solver", "p50, us", "p99, us",
             "max, us", "allocations");
  measure(fmt::format("{} at {}", to_string(density.solver().stepper), density.solver().rtol), density, x);
  measure(fmt::format("{} at 0.001", to_string(loose.stepper)), pathline::Density(file, {.solver = loose}), x);
  auto one = loose;
  one.stepper = pathline::StepperKind::euler, one.steps = 1;
  measure("one step of Euler's method", pathline::Density(file, {.solver = one}), x);

  constexpr std::size_t kThreads = 8;
  const pathline::RowVector<double> serial = density.log_prob(x);
  std::vector<long> most(kThreads), same(kThreads);
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < kThreads; ++i)
    threads.emplace_back([&, i] {
      t_counted = {};
      const pathline::RowVector<double> own = density.log_prob(x);
      most[i] = t_counted.most - static_cast<long>(sizeof(double)) * x.cols() * (1 + x.rows());  // without the result
      same[i] = own == serial;
    });
  for (auto& thread : threads) thread.join();
  const bool all_same = std::count(same.begin(), same.end(), 1) == static_cast<long>(kThreads);
  fmt::print("\n{} threads on one Density, {} points each: {}; at most {:.2f} MB a thread\n", kThreads, calls,
             all_same ? "bit for bit the serial result" : "NOT the serial result",
             static_cast<double>(*std::max_element(most.begin(), most.end())) / 1e6);
  return all_same ? 0 : 1;
}
