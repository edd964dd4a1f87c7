#include "checkpoint/model_parameters.hpp"

#include <algorithm>
#include <type_traits>
#include <vector>

#include "checkpoint/model_part.hpp"
#include "checkpoint/parameter_shape.hpp"

namespace pathline::model_file {

namespace {

std::string path_of(std::string name) {
  std::replace(name.begin(), name.end(), '.', '/');
  return "parameters/" + name;
}

}  // namespace

template <class S> void write_parameters(Hdf5Group& out, const Flow<S>& flow) {
  const Vector<double> theta = flow.theta();
  for (const auto& p : flow.parameters()) {
    const Vector<double> values = theta.segment(p.offset, p.size());
    const Hdf5Shape shape = shape_of(p);
    if constexpr (std::is_same_v<S, float>) {
      // The flow keeps norms, bases and end times in double; only the networks are in S.
      const bool of_field =
          (p.name.starts_with("blocks.") && !p.name.ends_with(".sqrt_end_time")) || p.name.starts_with("couplings.");
      const Vector<float> narrow = values.template cast<float>();
      if (of_field)
        out.write_values<float>(path_of(p.name), shape, narrow.data());
      else
        out.write_values<double>(path_of(p.name), shape, values.data());
    } else {
      out.write_values<double>(path_of(p.name), shape, values.data());
    }
  }
}

template <class S> Vector<double> read_parameters(const std::string& file, const Hdf5Group& in, Flow<S>& flow) {
  Vector<double> theta = flow.theta();
  for (const auto& p : flow.parameters()) {
    const std::string name = path_of(p.name);
    const auto values = read_shaped(file, in.dataset(name), shape_of(p));
    theta.segment(p.offset, p.size()) = ConstVectorMap<double>(values.data(), p.size());
    if (!theta.segment(p.offset, p.size()).allFinite()) refuse(file, name + ": a value is not finite");
  }
  // Squaring the root of an end time would round; the attributes of the blocks have the exact end times.
  std::vector<double> times;
  for (const auto* block : flow.blocks()) times.push_back(block->end_time);
  flow.set_theta(theta);
  for (std::size_t i = 0; i < times.size(); ++i) flow.blocks()[i]->end_time = times[i];
  return theta;
}

#define PATHLINE_INSTANTIATE(S)                               \
  template void write_parameters(Hdf5Group&, const Flow<S>&); \
  template Vector<double> read_parameters(const std::string&, const Hdf5Group&, Flow<S>&);
PATHLINE_INSTANTIATE(float)
PATHLINE_INSTANTIATE(double)
#undef PATHLINE_INSTANTIATE

}  // namespace pathline::model_file
