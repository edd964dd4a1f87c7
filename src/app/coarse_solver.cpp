#include "app/coarse_solver.hpp"

#include <fmt/format.h>

#include "app/report.hpp"
#include "pathline/core/error.hpp"

namespace pathline {

std::string coarse_option(const SolverOptions& given, const SolverOptions& of_model) {
  if (given.steps > 0) return fmt::format("--steps {} is too few", given.steps);
  if (given.rtol > of_model.rtol) return fmt::format("--rtol {} is too large", given.rtol);
  if (given.atol > of_model.atol) return fmt::format("--atol {} is too large", given.atol);
  return "";
}

void warn_of_coarse_option(const std::string& option, double mean, double largest) {
  constexpr double kLargest = 0.01;  // nats
  if (!(mean > kLargest)) return;
  report_warning("{}: the mean log-density error is {:.1e} nats, the largest {:.1e}; {}", option, mean, largest,
                 option.starts_with("--steps") ? "use more steps, or omit --steps for adaptive steps"
                                               : "use a smaller value, or omit the option for that of the model");
}

template <class S>
void warn_of_coarse_solver(const Flow<S>& flow, const ModelCard& card, const EvaluationOptions& options) {
  const std::string option = coarse_option(options.solver, card.evaluation);
  if (option.empty() || solves_of(flow) == 0 || options.solver == card.evaluation) return;
  constexpr Index kDraws = 256;
  const Matrix<double> c = flow.condition_mean.replicate(1, flow.condition_dim() > 0 ? kDraws : 1);
  EvaluationOptions of_model = options, given = options;
  of_model.solver = card.evaluation;
  for (auto* o : {&of_model, &given}) o->trace = {}, o->first = 0, o->density = true;
  try {
    const auto x = flow.sample(kDraws, options.seed, of_model, c).points;
    const RowVector<double> off =
        (flow.log_prob(x, c, given).log_prob - flow.log_prob(x, c, of_model).log_prob).cwiseAbs();
    warn_of_coarse_option(option, off.mean(), off.maxCoeff());
  } catch (const NumericalError&) {  // the command itself will say so
  }
}

template void warn_of_coarse_solver<float>(const Flow<float>&, const ModelCard&, const EvaluationOptions&);
template void warn_of_coarse_solver<double>(const Flow<double>&, const ModelCard&, const EvaluationOptions&);

}  // namespace pathline
