// Adapts State<S> to Boost.Odeint: how it is resized, and an algebra of plain loops over its flat array.
#pragma once

#include <boost/numeric/odeint/algebra/default_operations.hpp>
#include <boost/numeric/odeint/util/is_resizeable.hpp>
#include <boost/numeric/odeint/util/resize.hpp>
#include <boost/numeric/odeint/util/same_size.hpp>

#include "pathline/ode/state.hpp"

namespace boost::numeric::odeint {

template <class S> struct is_resizeable<pathline::State<S>> : boost::true_type {
  static const bool value = true;
};
template <class S> struct same_size_impl<pathline::State<S>, pathline::State<S>> {
  static bool same_size(const pathline::State<S>& a, const pathline::State<S>& b) { return a.layout() == b.layout(); }
};
template <class S> struct resize_impl<pathline::State<S>, pathline::State<S>> {
  static void resize(pathline::State<S>& a, const pathline::State<S>& b) { a.resize(b.layout()); }
};

}  // namespace boost::numeric::odeint

namespace pathline {

// Odeint calls for_each1 ... for_each15, which are all the same loop here.
struct FlatAlgebra {
#define PATHLINE_FOR_EACH(N)                                                            \
  template <class First, class... Rest> static void for_each##N(First& first, Rest&&... rest) { \
    loop(first, rest...);                                                               \
  }
  PATHLINE_FOR_EACH(1) PATHLINE_FOR_EACH(2) PATHLINE_FOR_EACH(3) PATHLINE_FOR_EACH(4) PATHLINE_FOR_EACH(5)
  PATHLINE_FOR_EACH(6) PATHLINE_FOR_EACH(7) PATHLINE_FOR_EACH(8) PATHLINE_FOR_EACH(9) PATHLINE_FOR_EACH(10)
  PATHLINE_FOR_EACH(11) PATHLINE_FOR_EACH(12) PATHLINE_FOR_EACH(13) PATHLINE_FOR_EACH(14) PATHLINE_FOR_EACH(15)
#undef PATHLINE_FOR_EACH

  template <class S> static S norm_inf(const State<S>& x) { return static_cast<S>(sample_norm(x.layout(), x.data())); }

 private:
  // The last argument is the operation; the others are states.
  template <class... Args> static void loop(Args&... args) {
    auto all = std::tie(args...);
    constexpr std::size_t states = sizeof...(Args) - 1;
    each(all, std::get<states>(all), std::make_index_sequence<states>());
  }
  template <class All, class Operation, std::size_t... I>
  static void each(All& all, Operation& operation, std::index_sequence<I...>) {
    const Index n = std::get<0>(all).size();
    [n, &operation](auto*... p) {
      for (Index i = 0; i < n; ++i) operation(p[i]...);
    }(std::get<I>(all).data()...);
  }
};

}  // namespace pathline
