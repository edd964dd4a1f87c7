#include "checkpoint/model_answers.hpp"

#include <utility>

namespace pathline::model_file {

void write_answers(Hdf5File& out, const ModelCard& card, const KnownAnswers* answers) {
  const bool any = answers && answers->points.cols() > 0;
  if (!any && !card.trained) return;
  auto group = out.create_group("answers");
  if (const auto& t = card.trained; t) {
    group.set_attribute("nll", t->nll), group.set_attribute("nll_error", t->error);
    group.set_attribute("of_target", t->of_target);
  }
  if (!any) return;
  group.write_matrix("points", answers->points);
  if (answers->condition.rows() > 0) group.write_matrix("condition", answers->condition);
  group.write_vector("log_density", Vector<double>(answers->log_density.transpose()));
}

void read_answers(const Hdf5File& in, ModelCard& card) {
  if (card.format_version == 1 || !in.exists("answers")) return;  // the digest of format 1 would not cover them
  const auto group = in.group("answers");
  if (group.has_attribute("nll"))
    card.trained = {group.attribute<double>("nll"), group.attribute<double>("nll_error"),
                    group.attribute<bool>("of_target")};
  if (!group.exists("points")) return;
  KnownAnswers answers{group.read_matrix<double>("points"), Matrix<double>(0, 0),
                       group.read_vector<double>("log_density").transpose()};
  if (group.exists("condition")) answers.condition = group.read_matrix<double>("condition");
  card.answers = std::move(answers);
}

}  // namespace pathline::model_file
