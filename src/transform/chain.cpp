#include "pathline/transform/chain.hpp"

#include <algorithm>
#include <cassert>
#include <limits>
#include <map>

namespace pathline {

template <class S> Chain<S> Chain<S>::share() const {
  Chain out;
  for (const auto& link : links_) out.add(link->share());
  return out;
}

template <class S> Index Chain<S>::condition_dim() const {
  Index largest = 0;
  for (const auto& link : links_) largest = std::max(largest, link->condition_dim());
  return largest;
}

template <class S> double Chain<S>::end_time() const {
  double sum = 0;
  for (const auto& link : links_) sum += link->duration();
  return sum;
}

template <class S> std::size_t Chain<S>::solves() const {
  std::size_t n = 0;
  for (const auto& link : links_) n += link->duration() > 0;
  return n;
}

template <class S> Index Chain<S>::parameter_count() const {
  Index n = 0;
  for (const auto& link : links_) n += link->parameter_count();
  return n;
}

template <class S> Index Chain<S>::solved_parameter_count() const {
  Index n = 0;
  for (const auto& link : links_) n += link->duration() > 0 ? link->parameter_count() : 0;
  return n;
}

template <class S> std::vector<Index> Chain<S>::offsets() const {
  std::vector<Index> out(links_.size());
  Index at = 0;
  for (bool solves : {true, false})
    for (std::size_t i = 0; i < links_.size(); ++i)
      if ((links_[i]->duration() > 0) == solves) out[i] = at, at += links_[i]->parameter_count();
  return out;
}

template <class S> std::vector<Parameter> Chain<S>::parameters() const {
  const auto at = offsets();
  std::map<std::string, int> count;  // for each prefix
  std::vector<Parameter> out;
  for (std::size_t i = 0; i < links_.size(); ++i) {
    const std::string prefix = links_[i]->prefix(), full = prefix + "." + std::to_string(count[prefix]++) + ".";
    for (auto p : links_[i]->parameters()) {
      p.name = full + p.name, p.offset += at[i];
      out.push_back(std::move(p));
    }
  }
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.offset < b.offset; });
  return out;
}

template <class S> Vector<double> Chain<S>::theta() const {
  const auto at = offsets();
  Vector<double> out(parameter_count());
  for (std::size_t i = 0; i < links_.size(); ++i) out.segment(at[i], links_[i]->parameter_count()) = links_[i]->theta();
  return out;
}

template <class S> void Chain<S>::set_theta(ConstVectorRef<double> theta) {
  assert(theta.size() == parameter_count());
  const auto at = offsets();
  for (std::size_t i = 0; i < links_.size(); ++i)
    links_[i]->set_theta(theta.segment(at[i], links_[i]->parameter_count()));
}

template <class S>
void Chain<S>::add_time_gradient(const std::vector<EndTimes>& ends, VectorRef<double> theta_bar) const {
  const auto at = offsets();
  std::size_t n = 0;
  for (std::size_t i = 0; i < links_.size(); ++i)
    if (links_[i]->duration() > 0)
      links_[i]->add_time_gradient(ends[n++], theta_bar.segment(at[i], links_[i]->parameter_count()));
}

template <class S> void Chain<S>::check(const SolveOptions<S>& options) const {
  for (const auto& link : links_) link->check(options);
}

template <class S> bool Chain<S>::gathers() const {
  return std::any_of(links_.begin(), links_.end(), [](const auto& link) { return link->gathers(); });
}

template <class S> void Chain<S>::update(const std::vector<BatchStatistics>& statistics) {
  assert(statistics.size() == links_.size());
  for (std::size_t i = 0; i < links_.size(); ++i)
    if (links_[i]->gathers()) links_[i]->update(statistics[i]);
}

// An interval of the time of the chain, and the times within it at which z is recorded.
template <class S> struct Chain<S>::Span {
  double from, to;
  const std::vector<double>& times;

  double low() const { return std::min(from, to); }
  double high() const { return std::max(from, to); }
};

// Applies one transform, and fills in the part of its tape that all kinds have in common.
template <class S> SolveReport Chain<S>::one(std::size_t i, Direction direction, MatrixRef<S> z,
                                             RowVector<double>* log_det, const TransformContext<S>& context,
                                             ChainTape<S>* tape) const {
  const auto& link = *links_[i];
  if (!tape) return link.apply(direction, z, log_det, context, nullptr);
  auto& to = *tape->tapes_[i];
  to.log_det = std::numeric_limits<double>::quiet_NaN(), to.penalty = 0;
  if (link.gathers()) {
    const Matrix<double> x = z.template cast<double>();
    to.sum = x.rowwise().sum();
    const Vector<double> centre = to.sum / static_cast<double>(x.cols());
    to.squares = (x.colwise() - centre).rowwise().squaredNorm();
  }
  return link.apply(direction, z, log_det, context, &to);
}

template <class S> SolveReport Chain<S>::walk(Direction direction, const Span* span, MatrixRef<S> z,
                                              RowVector<double>* log_det, const TransformContext<S>& context,
                                              ChainTape<S>* tape) const {
  const bool up = direction == Direction::base_to_data;
  const std::size_t n = links_.size();
  // The time at which a transform starts: always summed up from the base, so that it has the same bits in both directions.
  auto start_of = [&](std::size_t i) {
    double sum = 0;
    for (std::size_t k = 0; k < i; ++k) sum += links_[k]->duration();
    return sum;
  };
  const double whole = span ? start_of(n) : 0;
  std::size_t passed = up ? 0 : solves();  // the number of transforms that take time between here and the base
  SolveReport report;
  report.status = SolveStatus::success;
  for (std::size_t j = 0; j < n && report.ok(); ++j) {
    const std::size_t i = up ? j : n - 1 - j;
    const bool takes_time = links_[i]->duration() > 0;
    if (!up) passed -= takes_time;
    auto here = context;
    here.probes = context.probes.of_solve(passed);
    here.first_step = context.first_step ? context.first_step + passed : nullptr;
    if (up) passed += takes_time;
    if (!span) {
      report.add(one(i, direction, z, log_det, here, tape));
      continue;
    }
    const double begin = start_of(i), end = start_of(i + 1);
    if (begin == end) {
      const bool inside = span->low() <= begin && begin < span->high();
      if (inside || (begin == whole && span->high() == whole)) report.add(one(i, direction, z, log_det, here, tape));
      continue;
    }
    const double low = std::max(begin, span->low()), high = std::min(end, span->high());
    if (!(low < high)) continue;
    TimePart part{(up ? low : high) - begin, (up ? high : low) - begin};
    for (std::size_t k = 0; up && k < span->times.size(); ++k) {
      const double t = span->times[k];
      if (t > low && t <= high && t != whole) part.times.push_back({t - begin, k});
    }
    here.part = &part;
    report.add(one(i, direction, z, log_det, here, tape));
  }
  return report;
}

template <class S> SolveReport Chain<S>::apply(Direction direction, MatrixRef<S> z, RowVector<double>* log_det,
                                               const TransformContext<S>& context, ChainTape<S>* tape) const {
  if (tape) {
    tape->direction_ = direction;
    tape->tapes_.resize(links_.size()), tape->kinds_.resize(links_.size());
    for (std::size_t i = 0; i < links_.size(); ++i) {
      auto kind = links_[i]->kind();
      if (tape->tapes_[i] && tape->kinds_[i] == kind) continue;
      tape->tapes_[i] = links_[i]->make_tape(), tape->kinds_[i] = std::move(kind);
    }
  }
  return walk(direction, nullptr, z, log_det, context, tape);
}

template <class S> SolveReport Chain<S>::apply_between(double from, double to, MatrixRef<S> z,
                                                       RowVector<double>* log_det, const TransformContext<S>& context,
                                                       const std::vector<double>& times) const {
  const Span span{from, to, times};
  const bool up = from <= to;
  const double end = end_time();
  auto keep_at = [&](double t) {
    for (std::size_t k = 0; up && context.keeper && k < times.size(); ++k)
      if (times[k] == t) context.keeper->keep(k, z);
  };
  keep_at(from);
  SolveReport report;
  report.status = SolveStatus::success;
  if (from == to) return report;
  report = walk(up ? Direction::base_to_data : Direction::data_to_base, &span, z, log_det, context, nullptr);
  if (to == end && report.ok()) keep_at(to);
  return report;
}

template <class S> SolveReport Chain<S>::pullback(const ChainTape<S>& tape, ChainCotangent<S> to,
                                                  const TransformContext<S>& context) const {
  assert(tape.tapes_.size() == links_.size());
  const bool up = tape.direction_ == Direction::base_to_data;
  const auto at = offsets();
  const std::size_t n = links_.size();
  std::size_t solve = up ? solves() : 0;  // counts the transforms that take time, in the order of the chain
  SolveReport report;
  report.status = SolveStatus::success;
  for (std::size_t j = 0; j < n && report.ok(); ++j) {
    const std::size_t i = up ? n - 1 - j : j;
    const bool solves_one = links_[i]->duration() > 0;
    if (up && solves_one) --solve;
    const Index count = to.theta.size() > 0 ? links_[i]->parameter_count() : 0;
    report.add(links_[i]->pullback(tape.direction_, *tape.tapes_[i],
                                   {to.z, to.log_det, to.theta.segment(to.theta.size() > 0 ? at[i] : 0, count),
                                    to.condition, solves_one && to.ends ? to.ends + solve : nullptr},
                                   context));
    if (!up && solves_one) ++solve;
  }
  return report;
}

template class Chain<float>;
template class Chain<double>;

}  // namespace pathline
