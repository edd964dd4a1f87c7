// A continuous normalizing flow: a vector field followed over a time, with the log-density beside it.
#pragma once

#include <memory>

#include "pathline/model/vector_field.hpp"
#include "pathline/ode/solver.hpp"
#include "pathline/trace/trace.hpp"

namespace pathline {

// Which way the field's own time runs. FFJORD's fields start at the data: t = 0 there and T at the base.
enum class FieldClock { base_to_data, data_to_base };
enum class Direction { base_to_data, data_to_base };

template <class S> struct Cnf {
  std::shared_ptr<VectorField<S>> field;
  double end_time = 1;  // T > 0
  FieldClock clock = FieldClock::base_to_data;

  double base_time() const { return clock == FieldClock::base_to_data ? 0 : end_time; }
  double data_time() const { return clock == FieldClock::base_to_data ? end_time : 0; }
};

// d/dt [z | l] = [f | -tr(df/dz)] (Chen et al. 2018, theorem 1) for one tile. Without seeds: z alone.
template <class S> class Augmented final : public System<S> {
 public:
  // c: dc x B; all outlive the object.
  Augmented(const VectorField<S>& field, const Seeds<S>& seeds, const Matrix<S>& c, Workspace<S>& workspace)
      : field_(field), seeds_(seeds), c_(c), workspace_(workspace) {}
  static StateLayout layout(Index dim, Index batch, bool with_density) {
    return with_density ? StateLayout{batch, {dim, 1}, 2} : StateLayout{batch, {dim}, 1};
  }
  void rates(double t, const State<S>& x, State<S>& dxdt) override;

 private:
  const VectorField<S>& field_;
  const Seeds<S>& seeds_;
  const Matrix<S>& c_;
  Workspace<S>& workspace_;
};

extern template class Augmented<float>;
extern template class Augmented<double>;

}  // namespace pathline
