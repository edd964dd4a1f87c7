/// \file
/// A limit of the time of a solve.
#pragma once

namespace pathline {

/// Sets how many seconds each solve that begins from now on in this process may take, on whatever thread; 0, as at the
/// start, is no limit. A solve that takes longer throws NumericalError with advice: a field that is stiff far from the
/// data, or that a stranger made so, would otherwise take its step limit's worth of time for each tile. A solve that
/// ends in time has the same bits as without a limit. The limit belongs to the process because it depends on the
/// machine: it is no part of a model, of its options or of a recipe. Throws InputError for a number below 0.
void limit_solve_time(double seconds);
[[nodiscard]] double solve_time_limit();

}  // namespace pathline
