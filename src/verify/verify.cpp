#include "pathline/verify/verify.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <set>
#include <string>

#include <fmt/format.h>

#include "pathline/core/error.hpp"
#include "pathline/flow/flow_mixture.hpp"
#include "pathline/ode/time_limit.hpp"
#include "verify/subject.hpp"

namespace pathline {

const std::vector<NamedCheck>& checks() {
  static const std::vector<NamedCheck> all{{"there and back", check_there_and_back},
                                           {"density both ways", check_both_ways},
                                           {"log-determinant", check_log_determinant},
                                           {"continuity", check_continuity},
                                           {"trace", check_trace},
                                           {"adjoint gradient", [](const Subject& s) { return check_adjoint(s); }},
                                           {"monotone maps", check_monotone},
                                           {"known answers", check_answers},
                                           {"integral", check_integral},
                                           {"tolerance", check_tolerance},
                                           {"tails", check_tails},
                                           {"base", check_base},
                                           {"likelihood", check_likelihood},
                                           {"energy distance", check_energy},
                                           {"coverage", check_coverage},
                                           {"marginals", check_marginals},
                                           {"calibration", check_calibration}};
  return all;
}

namespace {

// The checks of one map, of its field and of its base. For an ensemble they are done for each member.
bool is_of_a_member(const std::string& name) {
  static const std::set<std::string> names{"there and back", "density both ways", "log-determinant",
                                           "continuity",     "trace",             "adjoint gradient",
                                           "monotone maps",  "tails",             "base"};
  return names.contains(name);
}

// The distance of a check to its bound: the smaller, the worse. A failed check has the least, a skipped one the largest.
double margin(const Check& c) {
  if (c.verdict == Verdict::fail) return -std::numeric_limits<double>::infinity();
  if (c.verdict == Verdict::skipped) return std::numeric_limits<double>::infinity();
  return c.side == Check::Side::at_most ? c.bound - c.figure : c.figure - c.bound;
}

// The worst check of the members. A p-value is the least one times their number.
Check worst_of_members(const NamedCheck& check, const Subject& s, const FlowMixture<double>& mixture) {
  std::optional<Check> worst;
  const auto count = static_cast<std::size_t>(mixture.components());
  for (std::size_t k = 0; k < count; ++k) {
    const Flow<float>* single = s.single ? &s.single->members()->members()[k] : nullptr;
    Check out = check.run(with_flow(s, mixture.members()[k], single));
    if (out.side == Check::Side::at_least && std::isfinite(out.figure)) {
      out.figure = std::min(1.0, out.figure * static_cast<double>(count));
      if (out.verdict != Verdict::skipped) out.verdict = out.figure >= out.bound ? Verdict::pass : Verdict::fail;
    }
    out.detail = fmt::format("{}; the worst of {} members, number {}", out.detail, count, k + 1);
    if (!worst || margin(out) < margin(*worst)) worst = std::move(out);
  }
  return *worst;
}

// The solves of the check take at most so many seconds of the CPU together; 0: no limit.
Check run(const NamedCheck& check, const Subject& subject, double seconds, bool& given_up) {
  std::string what;
  const CommonTimeLimit limit(seconds);
  try {
    const auto* mixture = subject.flow.members();
    Check out = mixture && is_of_a_member(check.name) ? worst_of_members(check, subject, *mixture) : check.run(subject);
    out.name = check.name;
    return out;
  } catch (const TimeLimitReached& error) {
    given_up = true;
    what = fmt::format("given up: {}", error.what());
  } catch (const NumericalError& error) {
    what = error.what();
  } catch (const InputError& error) {
    what = error.what();
  }
  return {check.name, std::nan(""), std::nan(""), Check::Side::at_most, {}, Verdict::fail, what};
}

}  // namespace

std::vector<Check> verify(const Subject& subject, const std::function<void(const Check&)>& done) {
  std::vector<Check> out;
  // A field that is too stiff for one check is so for most others: those get less, so that all of them end.
  constexpr double kPartOfOthers = 0.1;
  bool given_up = false;
  for (const auto& check : checks()) {
    out.push_back(run(check, subject, (given_up ? kPartOfOthers : 1) * solve_time_limit(), given_up));
    if (done) done(out.back());
  }
  return out;
}

bool all_passed(const std::vector<Check>& results) {
  return std::none_of(results.begin(), results.end(), [](const Check& c) { return c.verdict == Verdict::fail; });
}

}  // namespace pathline
