#include "errors.hpp"

#include <charconv>
#include <string>
#include <string_view>

#include "pathline/core/error.hpp"

namespace py = pybind11;

namespace pathline::python {
namespace {

// The first row that a message names, counted from 0 as in NumPy, or None. Messages count from 1: "point 3, column 1",
// "points 65 to 128", "array: row 3".
py::object row_of(std::string_view message) {
  for (const std::string_view word : {"point ", "points ", "row "}) {
    for (auto at = message.find(word); at != message.npos; at = message.find(word, at + 1)) {
      const char* begin = message.data() + at + word.size();
      long long number = 0;
      const auto [end, error] = std::from_chars(begin, message.data() + message.size(), number);
      if (error == std::errc() && number >= 1) return py::int_(number - 1);
    }
  }
  return py::none();
}

void raise(const char* name, const char* message) {
  const py::object type = py::module_::import("pathline.errors").attr(name);
  const py::object error = type(message, row_of(message));
  PyErr_SetObject(type.ptr(), error.ptr());
}

}  // namespace

void bind_errors(py::module_&) {
  py::register_exception_translator([](std::exception_ptr pointer) {
    try {
      if (pointer) std::rethrow_exception(pointer);
    } catch (const InputError& error) {
      // A signal ends a wait for a pipe as a failed read. What its handler raises, as KeyboardInterrupt, tells more.
      if (PyErr_CheckSignals() != 0) return;
      raise("InputError", error.what());
    } catch (const NumericalError& error) {
      raise("NumericalError", error.what());
    }
  });
}

}  // namespace pathline::python
