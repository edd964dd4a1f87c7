#include "pathline/core/error.hpp"

#include "core/printable.hpp"

namespace pathline {

InputError::InputError(const std::string& message) : std::runtime_error(printable(message)) {}
NumericalError::NumericalError(const std::string& message) : std::runtime_error(printable(message)) {}
Interrupted::Interrupted(const std::string& message) : std::runtime_error(printable(message)) {}

}  // namespace pathline
