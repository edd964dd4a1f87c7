#include "pathline/verify/verify.hpp"

#include <algorithm>
#include <cmath>

#include "pathline/core/error.hpp"

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

Check run(const NamedCheck& check, const Subject& subject) {
  std::string what;
  try {
    Check out = check.run(subject);
    out.name = check.name;
    return out;
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
  for (const auto& check : checks()) {
    out.push_back(run(check, subject));
    if (done) done(out.back());
  }
  return out;
}

bool all_passed(const std::vector<Check>& results) {
  return std::none_of(results.begin(), results.end(), [](const Check& c) { return c.verdict == Verdict::fail; });
}

}  // namespace pathline
