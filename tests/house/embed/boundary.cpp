// What crosses the boundary of a shared library: an exception by its type, and a class derived from one of the
// library's.
#include "pathline/checkpoint/model.hpp"
#include "pathline/core/error.hpp"
#include "pathline/field/autodiff_field.hpp"

struct Relaxation {  // everything relaxes to 0 at the rate exp(a)
  template <class T> void operator()(const T&, const pathline::Vector<T>& z, const pathline::Vector<T>&,
                                     const pathline::Vector<T>& theta, pathline::Vector<T>& f) const {
    f = -exp(theta[0]) * z;
  }
};

bool catches_an_input_error() {
  try {
    pathline::read_model<double>("no such model.h5");
  } catch (const pathline::InputError&) {
    return true;
  }
  return false;
}

int main() {
  const auto field = pathline::make_field<double>(Relaxation{}, 2, {{"a", 0.0}});
  const pathline::Flow<double> flow(pathline::Cnf<double>{field});
  const pathline::Matrix<double> origin = pathline::Matrix<double>::Zero(2, 1);
  const double log_p = flow.log_prob(origin).log_prob[0];  // a normal density of width exp(-1)
  return catches_an_input_error() && std::abs(log_p - (2 - std::log(2 * M_PI))) < 1e-5 ? 0 : 1;
}
