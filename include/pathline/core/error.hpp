/// \file
/// The errors that reach a user. A mistake of the programmer is an assert. A numerical failure inside a solve is a
/// result value (ode/report.hpp); it becomes a NumericalError when the caller needs the number that the solve could not
/// give.
///
/// Every message is one line fit for a terminal, whatever text of a file it quotes: a character that a terminal obeys,
/// such as a line end, is replaced by its escape in C, as is a byte that is not UTF-8.
#pragma once

#include <stdexcept>
#include <string>

namespace pathline {

/// A bad option, file or recipe. The message names the file, row, column or key, the value found and
/// the constraint ("solver.rtol = -1: must be > 0"). The command exits with code 2.
class InputError : public std::runtime_error {
 public:
  explicit InputError(const std::string& message);
};

/// A computation that failed. The message says where it failed and what to try. The command exits with code 1.
class NumericalError : public std::runtime_error {
 public:
  explicit NumericalError(const std::string& message);
};

/// A solve that took longer than its time limit (ode/time_limit.hpp). Another try would take as long.
class TimeLimitReached : public NumericalError {
 public:
  using NumericalError::NumericalError;
};

/// The user interrupted the run (Ctrl-C) and its state was saved. The command exits with code 130.
class Interrupted : public std::runtime_error {
 public:
  explicit Interrupted(const std::string& message);
};

}  // namespace pathline
