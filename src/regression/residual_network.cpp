#include "pathline/regression/residual_network.hpp"

#include <cmath>

#include <fmt/format.h>

#include "core/option_check.hpp"

namespace pathline {
namespace {

template <class S> Index dim_of(const std::vector<std::shared_ptr<VectorField<S>>>& fields) {
  if (fields.empty()) throw InputError("a residual network needs at least one field");
  return fields.front()->dim();
}

}  // namespace

template <class S>
ResidualNetwork<S>::ResidualNetwork(std::vector<std::shared_ptr<VectorField<S>>> fields, const ResidualOptions& o)
    : Regressor<S>(o.regressor, dim_of(fields)),
      fields_(std::move(fields)),
      blocks_(o.blocks),
      step_(o.step),
      t0_(o.t0) {
  require(o.blocks >= 1, "blocks", o.blocks, ">= 1");
  require(std::isfinite(o.step) && o.step != 0, "step", o.step, "finite and not 0");
  if (fields_.size() != 1 && static_cast<Index>(fields_.size()) != blocks_)
    throw InputError(fmt::format("{} fields: must be 1, or as many as blocks = {}", fields_.size(), blocks_));
  for (const auto& f : fields_)
    if (f->dim() != this->dim() || f->condition_dim() != 0)
      throw InputError("the fields of a residual network must have one dimension and no condition");
  h_.resize(static_cast<std::size_t>(blocks_) + 1);
}

template <class S> std::vector<Parameter> ResidualNetwork<S>::hidden_parameters() const {
  if (shares_weights()) return fields_.front()->parameters();
  std::vector<Parameter> out;
  for (std::size_t k = 0; k < fields_.size(); ++k)
    for (auto p : fields_[k]->parameters()) {
      p.name = fmt::format("blocks.{}.{}", k, p.name);
      out.push_back(std::move(p));
    }
  return out;
}

template <class S> Vector<double> ResidualNetwork<S>::hidden_theta() const {
  Index size = 0, at = 0;
  for (const auto& f : fields_) size += f->theta().size();
  Vector<double> out(size);
  for (const auto& f : fields_) {
    out.segment(at, f->theta().size()) = f->theta().template cast<double>();
    at += f->theta().size();
  }
  return out;
}

template <class S> void ResidualNetwork<S>::set_hidden_theta(ConstVectorRef<double> theta) {
  Index at = 0;
  for (const auto& f : fields_) {
    f->set_theta(theta.segment(at, f->theta().size()).template cast<S>());
    at += f->theta().size();
  }
}

template <class S> const Matrix<S>& ResidualNetwork<S>::advance(const Matrix<S>& h0) {
  h_[0] = h0;
  rate_.resize(h0.rows(), h0.cols());
  for (Index k = 0; k < blocks_; ++k) {
    const auto i = static_cast<std::size_t>(k);
    field(k).value({time(k), h_[i], no_condition_}, rate_, workspace_);
    h_[i + 1] = h_[i] + static_cast<S>(step_) * rate_;
  }
  return h_.back();
}

template <class S> void ResidualNetwork<S>::reverse(Matrix<S>& h_bar, VectorRef<double> theta_bar) {
  theta_bar_.resize(fields_.size());
  for (std::size_t i = 0; i < fields_.size(); ++i) theta_bar_[i].setZero(fields_[i]->theta().size());
  const Matrix<S> no_tangents(h_bar.rows(), 0);
  for (Index k = blocks_; k-- > 0;) {
    double unused = 0;  // the times are fixed
    rate_bar_ = static_cast<S>(step_) * h_bar;
    field(k).pullback(
        {time(k), h_[static_cast<std::size_t>(k)], no_condition_}, {}, rate_bar_, no_tangents,
        {rate_, no_condition_, theta_bar_[fields_.size() == 1 ? 0 : static_cast<std::size_t>(k)], &unused}, workspace_);
    h_bar += rate_;
  }
  Index at = 0;
  for (const auto& bar : theta_bar_) {
    theta_bar.segment(at, bar.size()) += bar.template cast<double>();
    at += bar.size();
  }
}

template class ResidualNetwork<float>;
template class ResidualNetwork<double>;

}  // namespace pathline
