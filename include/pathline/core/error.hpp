// The two errors that reach a user. A programmer's error is an assert; a numerical failure inside a
// solve is a result value (ode/report.hpp) until somebody needs the number it could not give.
#pragma once

#include <stdexcept>
#include <string>

namespace pathline {

// A bad option, file or recipe. The message is one line that names the file, row, column or key, the
// value found and the constraint ("solver.rtol = -1: must be > 0"). The command exits with 2.
class InputError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// A computation that did not reach its end. The message says where and what to try. The command
// exits with 1.
class NumericalError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// The user asked to stop (Ctrl-C) and the state was saved. The command exits with 130.
class Interrupted : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace pathline
