#include "pathline/checkpoint/model.hpp"

#include <cstdint>
#include <type_traits>
#include <utility>

#include "checkpoint/model_answers.hpp"
#include "checkpoint/model_card.hpp"
#include "checkpoint/model_digest.hpp"
#include "checkpoint/model_ensemble.hpp"
#include "checkpoint/model_flow.hpp"
#include "checkpoint/model_format.hpp"
#include "checkpoint/model_match.hpp"
#include "checkpoint/model_part.hpp"
#include "checkpoint/size_budget.hpp"
#include "pathline/checkpoint/ffjord.hpp"
#include "pathline/core/error.hpp"
#include "pathline/core/version.hpp"

namespace pathline {

using namespace model_file;

namespace {

// Writes all but the digest.
template <class S> void write_parts(Hdf5File& out, const Model<S>& model) {
  const auto& flow = model.flow;
  out.set_attribute("format", "pathline");
  out.set_attribute("format_version", format_of(flow));
  out.set_attribute("version", PATHLINE_VERSION);
  out.set_attribute("precision", std::is_same_v<S, float> ? "float" : "double");
  out.set_attribute("dim", static_cast<std::int64_t>(flow.dim()));
  out.set_attribute("condition_dim", static_cast<std::int64_t>(flow.condition_dim()));
  write_card(out, model.card);
  if (const auto* mixture = flow.members())
    write_ensemble(out, *mixture, model.card.members);
  else
    write_flow(out, flow);
}

// solver: how the file says that the model is evaluated.
template <class S> ReadFlow<S> read_flow(const std::string& file, const Hdf5File& in, const SolverOptions& solver) {
  const auto [dim, condition_dim] = read_dims(file, in);
  SizeBudget budget(file, in);
  budget.take("dim, condition_dim", {dim + condition_dim});
  if (is_ensemble(in)) return {read_ensemble<S>(file, in, dim, condition_dim, solver, budget), {}};
  return read_one<S>(file, in, dim, condition_dim, budget);
}

template <class S> Model<S> read_native(const std::string& file, const Hdf5File& in) {
  auto card = read_card_of(file, in);
  auto read = read_flow<S>(file, in, card.evaluation);
  Model<S> model{std::move(read.flow), std::move(card)};
  check_digest(file, in, model.card, model.flow, read.theta);
  return model;
}

// The answers are those of the flow that a reader of the file will have, in double whatever S is.
std::optional<KnownAnswers> answers_of(const Hdf5File& out, const std::string& file, const SolverOptions& solver) {
  try {
    return known_answers(read_flow<double>(file, out, solver).flow);
  } catch (const InputError&) {  // a user-defined field or transform
    return std::nullopt;
  }
}

}  // namespace

bool is_ffjord_file(const Hdf5File& file) { return !file.has_attribute("format") && file.has_attribute("layer_type"); }

template <class S> void write_model(Hdf5File& out, const Model<S>& model) {
  write_parts(out, model);
  write_answers(out, model.card, nullptr);
  write_digest(out, model.card.file);
}

template <class S> void write_model(const std::string& file, const Model<S>& model) {
  auto out = Hdf5File::create_sealed(file);
  write_parts(out, model);
  const auto answers = answers_of(out, file, model.card.evaluation);
  write_answers(out, model.card, answers ? &*answers : nullptr);
  write_digest(out, model.card.file);
  out.commit();
}

template <class S> Model<S> read_model(const std::string& file) {
  const auto in = Hdf5File::open(file);
  if (!is_ffjord_file(in)) {
    check_format(file, in);
    try {
      return read_native<S>(file, in);
    } catch (const DigestError&) {
      throw;
    } catch (const InputError& error) {
      throw with_digest(file, in, error);
    }
  }
  try {
    return {read_ffjord<S>(file),
            {.version = PATHLINE_VERSION,
             .precision = "float",
             .recipe = "",
             .digest = content_digest(in, file),
             .columns = {},
             .condition_columns = {},
             .metrics = {},
             .file = file}};
  } catch (const InputError& error) {
    throw in_file(file, error);
  }
}

template <class S> ModelCard read_parameters_into(const std::string& file, Flow<S>& flow) {
  const auto in = Hdf5File::open(file);
  if (is_ffjord_file(in)) refuse(file, "is a network of FFJORD; use read_model");
  check_format(file, in);
  try {
    auto card = read_card_of(file, in);
    auto read = filled(file, in, card, flow);
    for (std::size_t i = 0; i < flow.blocks().size(); ++i) {  // the fields of the flow stay the caller's objects
      auto& own = flow.blocks()[i]->field;
      own->set_theta(read.blocks()[i]->field->theta());
      read.blocks()[i]->field = own;
    }
    flow = std::move(read);
    return card;
  } catch (const InputError& error) {
    throw with_digest(file, in, error);
  }
}

ModelCard read_card(const std::string& file) {
  const auto in = Hdf5File::open(file);
  if (is_ffjord_file(in)) return read_model<float>(file).card;
  check_format(file, in);
  return read_card_of(file, in);
}

#define PATHLINE_INSTANTIATE(S)                                             \
  template Model<S> read_model<S>(const std::string&);                      \
  template ModelCard read_parameters_into<S>(const std::string&, Flow<S>&); \
  template void write_model<S>(Hdf5File&, const Model<S>&);                 \
  template void write_model<S>(const std::string&, const Model<S>&);
PATHLINE_INSTANTIATE(float)
PATHLINE_INSTANTIATE(double)
#undef PATHLINE_INSTANTIATE

}  // namespace pathline
