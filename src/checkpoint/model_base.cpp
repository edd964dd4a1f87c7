#include "checkpoint/model_base.hpp"

#include <cstdint>

namespace pathline::model_file {

template <class S> void write_base(Hdf5Group& out, const Flow<S>& flow) {
  auto base = out.create_group("base");
  base.set_attribute("kind", to_string(flow.base->kind()));
  base.set_attribute("components", static_cast<std::int64_t>(flow.base->components()));
}

template <class S> void read_base(const Hdf5Group& in, Flow<S>& flow, SizeBudget& budget) {
  const auto base = in.group("base");
  const auto kind = parse_base(base.attribute<std::string>("kind"));
  const Index components = base.attribute<std::int64_t>("components");
  budget.take_base(kind, flow.dim(), components, flow.condition_dim());
  Engine unused = make_stream(0, "checkpoint.base");
  flow.base = make_base(kind, flow.dim(), components, unused, flow.condition_dim());
}

#define PATHLINE_INSTANTIATE(S)                         \
  template void write_base(Hdf5Group&, const Flow<S>&); \
  template void read_base(const Hdf5Group&, Flow<S>&, SizeBudget&);
PATHLINE_INSTANTIATE(float)
PATHLINE_INSTANTIATE(double)
#undef PATHLINE_INSTANTIATE

}  // namespace pathline::model_file
