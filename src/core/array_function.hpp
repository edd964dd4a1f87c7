// Functions of whole arrays in packets. The last elements, which do not fill a packet, are computed like the others, so
// that the result for an element does not depend on its position.
#pragma once

#include "pathline/core/types.hpp"

namespace pathline {

template <class S> void exp_in_place(Index n, S* x);
template <class S> void log_in_place(Index n, S* x);

// x = least + log(1 + exp(x + shift))
template <class S> void softplus_in_place(Index n, S* x, S least, S shift);

}  // namespace pathline
