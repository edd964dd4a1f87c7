/// \file
/// Runs all checks of a flow.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "pathline/verify/check.hpp"

namespace pathline {

/// A check by its name, for a caller who wants some of them.
struct NamedCheck {
  std::string name;
  std::function<Check(const Subject&)> run;
};
[[nodiscard]] const std::vector<NamedCheck>& checks();  ///< in the order of the table

/// Runs every check. A check that throws NumericalError or InputError, as the density of a damaged model may, fails
/// with the message. The seconds of limit_solve_time() (ode/time_limit.hpp) are also those of the CPU that all solves
/// of a check may take together; a check that reaches them is given up and fails, and those after it get a tenth. That
/// limit is one of the process: a program that sets it runs nothing else at the same time. The result is a function of
/// the subject and its seed alone, if no limit was reached. done, if given, is called after each check.
[[nodiscard]] std::vector<Check> verify(const Subject& subject, const std::function<void(const Check&)>& done = {});

/// True if no check failed. Skipped checks do not count.
[[nodiscard]] bool all_passed(const std::vector<Check>& results);

}  // namespace pathline
