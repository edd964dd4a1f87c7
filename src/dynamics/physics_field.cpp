#include "pathline/dynamics/physics_field.hpp"

#include <fmt/format.h>

#include "pathline/core/error.hpp"

namespace pathline {

template <class S> PhysicsField<S>::PhysicsField(std::unique_ptr<VectorField<S>> network, PhysicsOptions options)
    : VectorField<S>(network->dim(), network->condition_dim()),
      network_(std::move(network)),
      options_(std::move(options)) {
  const Index d = this->dim();
  for (const auto* m : {&options_.fixed, &options_.map})
    if (m->rows() != d || m->cols() != d)
      throw InputError(fmt::format("PhysicsField: a matrix is {} x {}: must be {} x {}", m->rows(), m->cols(), d, d));
  for (const auto& term : options_.terms) {
    if (term.row < 0 || term.row >= d || term.column < -1 || term.column >= d)
      throw InputError(fmt::format("PhysicsField: the term '{}' is at ({}, {}), outside of {} x {}", term.name,
                                   term.row, term.column, d, d));
    this->add_parameter(term.name, 1, 1, false);
  }
  if (options_.train_gain) this->add_parameter("r", 1, 1, false);
  for (const auto& p : network_->parameters()) this->add_parameter("network." + p.name, p.rows, p.cols, p.decays);
  map_ = options_.map.cast<S>();
  Vector<S> theta(this->theta().size());
  for (std::size_t i = 0; i < options_.terms.size(); ++i)
    theta[static_cast<Index>(i)] = static_cast<S>(options_.terms[i].initial);
  if (options_.train_gain) theta[own() - 1] = static_cast<S>(options_.gain);
  theta.tail(network_->theta().size()) = network_->theta();
  this->set_theta(theta);
}

template <class S> double PhysicsField<S>::gain() const {
  return options_.train_gain ? static_cast<double>(this->theta()[own() - 1]) : options_.gain;
}

template <class S> void PhysicsField<S>::theta_changed() {
  a_ = options_.fixed.cast<S>();
  c_ = Vector<S>::Zero(this->dim());
  for (std::size_t i = 0; i < options_.terms.size(); ++i) {
    const auto& term = options_.terms[i];
    const S value = static_cast<S>(term.sign) * this->theta()[static_cast<Index>(i)];
    (term.column < 0 ? c_[term.row] : a_(term.row, term.column)) += value;
  }
  network_->set_theta(this->theta().tail(network_->theta().size()));
}

// A x + r M g; for the value also + c.
template <class S>
void PhysicsField<S>::combine(ConstMatrixRef<S> x, ConstMatrixRef<S> g, bool affine, MatrixRef<S> f) const {
  f.noalias() = static_cast<S>(gain()) * map_ * g;
  f.noalias() += a_ * x;
  if (affine) f.colwise() += c_;
}

// Forms (f, J E) from (g, J_g E) of the network, gets their cotangents from the rule of the caller, and returns those of
// the network: with y = s(g), y_bar = r M^T f_bar and likewise for each direction.
template <class S> class PhysicsField<S>::Rule final : public CotangentRule<S> {
 public:
  Rule(const PhysicsField& field, const FieldPoint<S>& x, const TangentDirections<S>& e, CotangentRule<S>& outer,
       MatrixRef<S>& f, MatrixRef<S>& je, FieldCotangent<S>& out, Workspace<S>& w)
      : field_(field), x_(x), e_(e), outer_(outer), f_(f), je_(je), out_(out), w_(w), z_bar(x.dim(), x.batch()) {}

  void operator()(ConstMatrixRef<S> g, ConstMatrixRef<S> jg, MatrixRef<S> g_bar, MatrixRef<S> jg_bar) override {
    typename Workspace<S>::Frame frame(w_);
    const Index d = x_.dim(), batch = x_.batch(), columns = e_.k * batch;
    auto y = w_.matrix(d, batch), slope = w_.matrix(d, batch), f_bar = w_.matrix(d, batch);
    auto jy = w_.matrix(d, columns), directions = w_.matrix(d, columns), je_bar = w_.matrix(d, columns);
    e_.write(d, batch, directions);
    y = g, slope.setOnes(), jy = jg;
    if (field_.options_.bounded) {
      y = g.array().tanh();
      slope = 1 - y.array().square();
      for (Index j = 0; j < e_.k; ++j) jy.middleCols(j * batch, batch).array() *= slope.array();
    }
    field_.combine(x_.z, y, true, f_);
    if (columns > 0) field_.combine(directions, jy, false, je_);
    outer_(f_, je_, f_bar, je_bar);

    z_bar.noalias() = field_.a_.transpose() * f_bar;
    if (out_.theta.size() > 0) add_own(directions, y, jy, f_bar, je_bar);
    const S r = static_cast<S>(field_.gain());
    g_bar.noalias() = r * field_.map_.transpose() * f_bar;
    jg_bar.noalias() = r * field_.map_.transpose() * je_bar;
    if (!field_.options_.bounded) return;
    g_bar.array() *= slope.array();
    for (Index j = 0; j < e_.k; ++j) {
      auto part = jg_bar.middleCols(j * batch, batch);
      // s'' = -2 y s', and jy = s' J_g e.
      g_bar.array() -= 2 * y.array() * jy.middleCols(j * batch, batch).array() * part.array();
      part.array() *= slope.array();
    }
  }

 private:
  void add_own(ConstMatrixRef<S> directions, ConstMatrixRef<S> y, ConstMatrixRef<S> jy, ConstMatrixRef<S> f_bar,
               ConstMatrixRef<S> je_bar) {
    const auto& terms = field_.options_.terms;
    for (std::size_t i = 0; i < terms.size(); ++i) {
      const auto& term = terms[i];
      const S by = term.column < 0 ? f_bar.row(term.row).sum()
                                   : f_bar.row(term.row).dot(x_.z.row(term.column)) +
                                         je_bar.row(term.row).dot(directions.row(term.column));
      out_.theta[static_cast<Index>(i)] += static_cast<S>(term.sign) * by;
    }
    if (field_.options_.train_gain)
      out_.theta[field_.own() - 1] +=
          (field_.map_ * y).cwiseProduct(f_bar).sum() + (field_.map_ * jy).cwiseProduct(je_bar).sum();
  }

  const PhysicsField& field_;
  const FieldPoint<S>& x_;
  const TangentDirections<S>& e_;
  CotangentRule<S>& outer_;
  MatrixRef<S>&f_, &je_;
  FieldCotangent<S>& out_;
  Workspace<S>& w_;

 public:
  Matrix<S> z_bar;  // of the known part
};

template <class S> void PhysicsField<S>::value(const FieldPoint<S>& x, MatrixRef<S> f, Workspace<S>& w) const {
  typename Workspace<S>::Frame frame(w);
  auto g = w.matrix(x.dim(), x.batch());
  network_->value(network_point(x), g, w);
  if (options_.bounded) g = g.array().tanh();
  combine(x.z, g, true, f);
}

template <class S> void PhysicsField<S>::tangents(const FieldPoint<S>& x, const TangentDirections<S>& e, MatrixRef<S> f,
                                                  MatrixRef<S> je, Workspace<S>& w) const {
  typename Workspace<S>::Frame frame(w);
  const Index d = x.dim(), batch = x.batch();
  auto g = w.matrix(d, batch), jg = w.matrix(d, e.k * batch), directions = w.matrix(d, e.k * batch);
  network_->tangents(network_point(x), e, g, jg, w);
  if (options_.bounded) {
    g = g.array().tanh();
    for (Index j = 0; j < e.k; ++j) jg.middleCols(j * batch, batch).array() *= 1 - g.array().square();
  }
  combine(x.z, g, true, f);
  if (e.k == 0) return;
  e.write(d, batch, directions);
  combine(directions, jg, false, je);
}

template <class S> void PhysicsField<S>::tangents_and_pullback(const FieldPoint<S>& x, const TangentDirections<S>& e,
                                                               CotangentRule<S>& rule, MatrixRef<S> f, MatrixRef<S> je,
                                                               FieldCotangent<S> out, Workspace<S>& w) const {
  typename Workspace<S>::Frame frame(w);
  auto g = w.matrix(x.dim(), x.batch()), jg = w.matrix(x.dim(), e.k * x.batch());
  Rule inner(*this, x, e, rule, f, je, out, w);
  const Index size = out.theta.size() > 0 ? network_->theta().size() : 0;
  double no_time = 0;
  network_->tangents_and_pullback(network_point(x), e, inner, g, jg,
                                  {out.z, out.c, out.theta.tail(size), options_.autonomous ? &no_time : out.t}, w);
  out.z += inner.z_bar;
}

namespace {

template <class S> class Given final : public CotangentRule<S> {
 public:
  Given(const ConstMatrixRef<S>& f_bar, const ConstMatrixRef<S>& je_bar) : f_bar_(f_bar), je_bar_(je_bar) {}
  void operator()(ConstMatrixRef<S>, ConstMatrixRef<S>, MatrixRef<S> f_bar, MatrixRef<S> je_bar) override {
    f_bar = f_bar_, je_bar = je_bar_;
  }

 private:
  const ConstMatrixRef<S>&f_bar_, &je_bar_;
};

// Half of the components of a state (q, q') or (q, p).
Index half_of(Index dim, const char* what) {
  if (dim % 2 != 0)
    throw InputError(fmt::format("a {} field of dimension {}: must be even, positions first", what, dim));
  return dim / 2;
}

}  // namespace

template <class S> void PhysicsField<S>::pullback(const FieldPoint<S>& x, const TangentDirections<S>& e,
                                                  ConstMatrixRef<S> f_bar, ConstMatrixRef<S> je_bar,
                                                  FieldCotangent<S> out, Workspace<S>& w) const {
  typename Workspace<S>::Frame frame(w);
  auto f = w.matrix(x.dim(), x.batch()), je = w.matrix(x.dim(), e.k * x.batch());
  Given<S> rule(f_bar, je_bar);
  tangents_and_pullback(x, e, rule, f, je, out, w);
}

template <class S> std::unique_ptr<PhysicsField<S>> make_second_order_field(std::unique_ptr<VectorField<S>> network) {
  const Index d = network->dim(), half = half_of(d, "second-order");
  PhysicsOptions o{.fixed = Matrix<double>::Zero(d, d), .map = Matrix<double>::Zero(d, d)};
  o.fixed.topRightCorner(half, half).setIdentity();
  o.map.bottomRightCorner(half, half).setIdentity();
  return std::make_unique<PhysicsField<S>>(std::move(network), std::move(o));
}

// The network gives -grad H = (-dH/dq, -dH/dp): q' takes minus its second half, p' its first.
template <class S> std::unique_ptr<PhysicsField<S>> make_hamiltonian_field(std::unique_ptr<PotentialField<S>> energy) {
  const Index d = energy->dim(), half = half_of(d, "Hamiltonian");
  PhysicsOptions o{.fixed = Matrix<double>::Zero(d, d), .map = Matrix<double>::Zero(d, d)};
  o.map.topRightCorner(half, half) = -Matrix<double>::Identity(half, half);
  o.map.bottomLeftCorner(half, half).setIdentity();
  o.autonomous = true;
  return std::make_unique<PhysicsField<S>>(std::move(energy), std::move(o));
}

PhysicsOptions newtonian_options() {
  enum : Index { x, y, vx, vy, angle, omega, s, l, a, dim };
  PhysicsOptions o{.fixed = Matrix<double>::Zero(dim, dim), .map = Matrix<double>::Zero(dim, dim)};
  o.fixed(x, vx) = o.fixed(y, vy) = o.fixed(angle, omega) = 1;
  o.terms = {{"a_x", vx, x, 0.1},
             {"b_x", vx, vx, 0.1},
             {"c_x", vx, -1, 0.1},
             {"a_y", vy, y, 0.1},
             {"b_y", vy, vy, 0.1},
             {"c_y", vy, -1, -5},
             {"g_over_L", omega, angle, 1, -1},
             {"gamma", omega, omega, 0.1, -1},
             {"alpha_s", s, s, 0.1},
             {"alpha_l", l, l, 0.1},
             {"alpha_a", a, a, 0.1},
             {"beta_s", s, -1, 0.1},
             {"beta_l", l, -1, 0.1},
             {"beta_a", a, -1, 0.1}};
  const Index acts_on[] = {vx, vy, omega, s, l, a};
  for (Index i = 0; i < 6; ++i) o.map(acts_on[i], i) = 1;
  o.gain = 0.01, o.train_gain = true, o.bounded = true;
  return o;
}

template <class S> std::unique_ptr<PhysicsField<S>> make_newtonian_field(std::unique_ptr<VectorField<S>> network) {
  return std::make_unique<PhysicsField<S>>(std::move(network), newtonian_options());
}

#define PATHLINE_INSTANTIATE(S)                                                                            \
  template class PhysicsField<S>;                                                                          \
  template std::unique_ptr<PhysicsField<S>> make_second_order_field<S>(std::unique_ptr<VectorField<S>>);   \
  template std::unique_ptr<PhysicsField<S>> make_hamiltonian_field<S>(std::unique_ptr<PotentialField<S>>); \
  template std::unique_ptr<PhysicsField<S>> make_newtonian_field<S>(std::unique_ptr<VectorField<S>>);
PATHLINE_INSTANTIATE(float)
PATHLINE_INSTANTIATE(double)
#undef PATHLINE_INSTANTIATE

}  // namespace pathline
