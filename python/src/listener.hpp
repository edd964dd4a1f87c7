// Talks to Python from a computation that runs without the GIL.
#pragma once

#include <chrono>
#include <optional>

#include <pybind11/pybind11.h>

namespace pathline::python {

// Looks for signals, and calls functions of Python. What Python raises is kept: stop() is then true, so that the
// computation can end and save, and rethrow() raises it.
class Listener {
 public:
  // True if a signal or a function has raised. It looks for a signal ten times a second, so that a fast loop does not
  // wait for the GIL.
  bool stop() {
    if (!error_ && is_time(asked_)) guarded(check_signals);
    return error_.has_value();
  }

  // function(make()), at most ten times a second unless it is `important`. None is no function.
  template <class Make> void report(const pybind11::object& function, bool important, Make make) {
    if (function.is_none() || error_) return;
    if (is_time(reported_) || important) guarded([&] { function(make()); });
  }

  // With the GIL, after the computation.
  void rethrow() {
    if (error_) throw *error_;
    check_signals();
  }

 private:
  using Clock = std::chrono::steady_clock;

  static void check_signals() {
    if (PyErr_CheckSignals() != 0) throw pybind11::error_already_set();
  }

  template <class F> void guarded(F f) {
    const pybind11::gil_scoped_acquire acquired;
    try {
      f();
    } catch (pybind11::error_already_set& error) {
      error_ = error;
    }
  }

  static bool is_time(Clock::time_point& last) {
    const auto now = Clock::now();
    if (now - last < std::chrono::milliseconds(100)) return false;
    last = now;
    return true;
  }

  std::optional<pybind11::error_already_set> error_;
  Clock::time_point asked_ = {}, reported_ = {};
};

}  // namespace pathline::python
