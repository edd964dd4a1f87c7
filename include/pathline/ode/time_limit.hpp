/// \file
/// A limit of the time of a solve.
#pragma once

namespace pathline {

/// Sets how many seconds of wall-clock time each ODE solve may take; 0, the value at the start of the program, is no
/// limit. A solve that takes longer throws NumericalError with advice. Without a limit, a field that is stiff far from
/// the data, or that was made so on purpose, takes as long as `max_steps` steps for each tile of points. A solve that
/// ends in time gives the same bits as without a limit. Throws InputError for a number that is negative or not finite.
///
/// The limit belongs to the process and not to SolverOptions, because those are stored in recipes and in model files and
/// decide the result, whereas the limit depends on the machine and on the patience of its user only.
///
/// Threads: the limit is atomic, so that any thread may set it at any time. A solve reads it once, when it begins, and
/// keeps it; solves that have begun keep the former limit, on whatever thread. Two threads of one program cannot have
/// different limits.
void limit_solve_time(double seconds);
/// The present limit, seconds; 0: none.
[[nodiscard]] double solve_time_limit();

/// While it lives, all solves together have a limit in place of that of each, so that many short ones end, too: a solve
/// throws as above when the process, its threads together, has used so many seconds of the CPU since this was made. A
/// busy machine does not shorten it. 0: no limit. Only one may live at a time. Throws InputError for a number that is
/// negative or not finite.
class CommonTimeLimit {
 public:
  explicit CommonTimeLimit(double seconds);
  ~CommonTimeLimit();
  CommonTimeLimit(const CommonTimeLimit&) = delete;
  CommonTimeLimit& operator=(const CommonTimeLimit&) = delete;
};

}  // namespace pathline
