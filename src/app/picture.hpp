// The picture of a model, beside its data and, where it is known, its true density.
#pragma once

#include <string>

#include "app/plot_flags.hpp"

namespace pathline {

// One column: densities and histograms. Two: points, density and, if known, true density. More, or --columns: a corner
// plot. The bytes of a file with the name flags.output.
std::string picture_of(const PlotFlags& flags);

// The vector field over the density at five times. In double, which the residual needs, whatever the precision of the
// model. InputError for a model without exactly two columns.
std::string field_picture_of(const PlotFlags& flags);

}  // namespace pathline
