#include "pathline/recipe/verify_model.hpp"

#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "checkpoint/digest.hpp"
#include "core/name_list.hpp"
#include "pathline/core/error.hpp"
#include "pathline/data/toy.hpp"
#include "pathline/recipe/build_data.hpp"
#include "pathline/recipe/recipe.hpp"
#include "train/metrics_line.hpp"

namespace pathline {
namespace {

std::optional<Recipe> recipe_of(const ModelCard& card) {
  if (card.recipe.empty()) return std::nullopt;
  return parse_recipe(card.recipe, card.file + ": its recipe");
}

// The model of a file, or why it cannot be read.
struct Reading {
  std::optional<Model<double>> model;
  std::string error;
  bool other_digest = false;  // the error is that the digest does not match
};

Reading reading_of(const std::string& file) {
  try {
    return {.model = read_model<double>(file), .error = ""};
  } catch (const DigestError& error) {
    return {.model = {}, .error = error.what(), .other_digest = true};
  } catch (const InputError& error) {
    return {.model = {}, .error = error.what()};
  }
}

// A digest of format 1 that matches proves little, so that this row is skipped at best. read_model() has compared it.
Check check_digest_of_format_1(const Reading& reading, Check out) {
  if (reading.other_digest) {
    out.figure = 1, out.verdict = Verdict::fail, out.detail = reading.error;
  } else {
    out.verdict = Verdict::skipped;
    out.detail += ", of format 1: it does not cover the layers, the activation, the base and the solver";
  }
  return out;
}

// Of the file, whose digest covers all that decides the density. A file that is no model is an InputError.
Check check_digest(const std::string& file, const ModelCard& card, const Reading& reading) {
  Check out{.name = "digest", .figure = 0, .bound = 0, .verdict = Verdict::pass, .detail = card.digest};
  const auto in = Hdf5File::open(file);
  if (is_ffjord_file(in)) return out;  // it has none
  if (card.format_version == 1) return check_digest_of_format_1(reading, std::move(out));
  if (reading.model) return out;  // the reading has compared it
  const auto found = content_digest(in, file);
  if (found == card.digest) return out;
  out.figure = 1, out.verdict = Verdict::fail;
  out.detail = fmt::format("{}, expected {}: the model was changed after it was written", found, card.digest);
  return out;
}

// The row of a file whose digest matches but whose contents are no valid model: a map that is not monotone, a wrong
// shape, an unknown name.
Check unreadable(const std::string& what) {
  return {.name = "contents", .figure = std::nan(""), .bound = std::nan(""), .verdict = Verdict::fail, .detail = what};
}

}  // namespace

void dequantize_as_in_training(Matrix<double>& x, const ModelCard& card, std::uint64_t seed) {
  const auto recipe = recipe_of(card);
  if (!recipe) return;
  const DataRecipe& data = recipe->data;
  Engine engine = make_stream(seed, "verify.dequantize");
  for (Index i = 0; i < x.rows(); ++i) {
    const bool listed =
        i < std::ssize(card.columns) && contains(data.reading.discrete, card.columns[static_cast<std::size_t>(i)]);
    const double width = data.preparing.dequantize > 0 ? data.preparing.dequantize : listed ? 1 : 0;
    if (width == 0) continue;
    const auto steps = x.row(i).array() / width;
    if (((steps - steps.round()).abs() > 1e-4).any()) continue;
    for (Index b = 0; b < x.cols(); ++b) x(i, b) += uniform(engine, 0, width);
  }
}

Comparison comparison_by_recipe(const ModelCard& card, Index dim, Index condition_dim, std::uint64_t seed) {
  constexpr Index kDraws = 5000;
  Comparison out;
  auto recipe = recipe_of(card);
  if (!recipe) return out;
  if (is_toy(recipe->data.source)) {
    recipe->train.seed = make_stream(seed, "verify.data")();
    recipe->data.reading.validation_size = recipe->data.reading.test_size = 0;
    const auto data = build_data(*recipe);
    if (data.dim() != dim || data.condition_dim() != condition_dim) return out;
    auto drawn = data.batch(0, kDraws);
    out.x = std::move(drawn.x), out.c = std::move(drawn.c);
    out.name = fmt::format("{} fresh draws of {}", kDraws, recipe->data.source);
  } else if (recipe->data.source.empty() && contains(target_names(), recipe->objective.front().target)) {
    out.target = only_target(*recipe);
    if (out.target && out.target->dim != dim) out.target.reset();
    if (out.target) out.name = "the target " + recipe->objective.front().target;
  }
  return out;
}

std::vector<Check> verify_model(const std::string& file,
                                const std::function<Comparison(const ModelCard&, Index, Index)>& comparison,
                                const VerifyModelOptions& options) {
  const auto card = read_card(file);
  const auto reading = reading_of(file);
  std::vector<Check> out{check_digest(file, card, reading)};
  if (options.done) options.done(out.back());
  if (out.back().verdict == Verdict::fail) return out;
  if (!reading.model) {
    out.push_back(unreadable(reading.error));
    if (options.done) options.done(out.back());
    return out;
  }
  const auto& model = *reading.model;
  std::optional<Flow<float>> single;
  if ((options.precision.empty() ? card.precision : options.precision) != "double")
    single = read_model<float>(file).flow;
  const auto with = comparison(card, model.flow.dim(), model.flow.condition_dim());
  const Subject subject{.flow = model.flow,
                        .single = single ? &*single : nullptr,
                        .evaluation = options.evaluation.value_or(card.evaluation),
                        .condition_range = card.condition_range,
                        .x = with.x,
                        .c = with.c,
                        .target = with.target ? &*with.target : nullptr,
                        .trained = model.card.trained ? model.card.trained : trained_figure(model.card.metrics),
                        .answers = model.card.answers ? &*model.card.answers : nullptr,
                        .seed = options.seed,
                        .threads = options.threads};
  const auto rest = verify(subject, options.done);
  out.insert(out.end(), rest.begin(), rest.end());
  return out;
}

}  // namespace pathline
