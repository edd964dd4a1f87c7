// The figure in the title of a picture: how well the model fits the data, if that is known.
#pragma once

#include <string>

#include "app/plot_flags.hpp"
#include "app/plotted_data.hpp"
#include "pathline/flow/flow.hpp"

namespace pathline {

// "moons: KL(data || model) = 0.01 nats, NFE 56"; "" where nothing is known. Warns if the solve is too coarse for it.
template <class S> std::string picture_title(const PlotFlags& f, const Flow<S>& flow, const PlottedData& data,
                                             const EvaluationOptions& options);

extern template std::string picture_title<float>(const PlotFlags&, const Flow<float>&, const PlottedData&,
                                                 const EvaluationOptions&);
extern template std::string picture_title<double>(const PlotFlags&, const Flow<double>&, const PlottedData&,
                                                  const EvaluationOptions&);

}  // namespace pathline
