#include "app/report_page.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "app/markup.hpp"
#include "app/number_text.hpp"
#include "app/report_files.hpp"
#include "app/svg_chart.hpp"
#include "app/verify_flags.hpp"
#include "pathline/core/version.hpp"
#include "train/metrics_line.hpp"

namespace pathline {
namespace {

constexpr double kDepth = 25;  // nats below the highest density that have colours of their own

std::uint16_t quantized(double value, double low, double high) {
  const double part = (value - low) / (high - low);
  return static_cast<std::uint16_t>(std::lround(65535 * (std::isfinite(part) ? std::clamp(part, 0.0, 1.0) : 0.0)));
}

nlohmann::ordered_json pair_of(const plot::Range& range) { return {range.low, range.high}; }

nlohmann::ordered_json density_of(const FlowFrames& frames) {
  double highest = -std::numeric_limits<double>::infinity();
  for (const auto& at : frames.log_density) highest = std::max(highest, at.maxCoeff());
  if (!std::isfinite(highest)) highest = 0;
  std::vector<std::uint16_t> values;
  for (const auto& at : frames.log_density)
    for (const double v : at) values.push_back(quantized(v, highest - kDepth, highest));
  const auto size = static_cast<double>(frames.log_density.front().size());
  const bool flat = frames.ranges.size() == 1;
  return {{"cells", std::lround(flat ? size : std::sqrt(size))},
          {"x", pair_of(frames.ranges[0])},
          {"y", pair_of(frames.ranges[flat ? 0 : 1])},
          {"low", highest - kDepth},
          {"high", highest},
          {"values", base64(values)}};
}

nlohmann::ordered_json velocity_of(const FlowFrames& frames) {
  double limit[2] = {1e-300, 1e-300};
  for (const auto& at : frames.velocity)
    for (Index c = 0; c < 2; ++c) limit[c] = std::max(limit[c], at.row(c).cwiseAbs().maxCoeff());
  std::vector<std::uint16_t> values;
  for (const auto& at : frames.velocity)
    for (Index i = 0; i < at.cols(); ++i)
      for (Index c = 0; c < 2; ++c) values.push_back(quantized(at(c, i), -limit[c], limit[c]));
  return {{"cells", std::lround(std::sqrt(static_cast<double>(frames.velocity.front().cols())))},
          {"x", pair_of(frames.ranges[0])},
          {"y", pair_of(frames.ranges[1])},
          {"limit", {limit[0], limit[1]}},
          {"values", base64(values)}};
}

nlohmann::ordered_json flow_data(const ReportPage& page) {
  const auto& frames = *page.frames;
  std::vector<std::uint16_t> particles;
  for (const auto& at : frames.particles)
    for (Index p = 0; p < at.cols(); ++p)
      for (Index c = 0; c < at.rows(); ++c) {
        const auto& range = frames.ranges[static_cast<std::size_t>(c)];
        particles.push_back(quantized(at(c, p), range.low, range.high));
      }
  nlohmann::ordered_json out{{"columns", page.columns}, {"times", frames.times}};
  for (const auto& range : frames.ranges) out["ranges"].push_back(pair_of(range));
  out["particleCount"] = frames.particles.front().cols();
  out["particles"] = base64(particles);
  if (!frames.log_density.empty()) out["density"] = density_of(frames);
  if (!frames.velocity.empty()) out["velocity"] = velocity_of(frames);
  return out;
}

std::string section(const std::string& heading, const std::string& content) {
  return content.empty() ? "" : fmt::format("<section>\n<h2>{}</h2>\n{}</section>\n", escaped(heading), content);
}

std::string summary_table(const ReportPage& page) {
  std::string rows;
  for (const auto& [name, value] : page.summary)
    rows += fmt::format("<tr><th scope=\"row\">{}</th><td>{}</td></tr>\n", escaped(name), escaped(value));
  return "<div class=\"scroll\"><table>\n" + rows + "</table></div>\n";
}

ChartLine line_of(const std::vector<nlohmann::json>& lines, const char* key, const std::string& name) {
  ChartLine out{name, {}, {}};
  for (const auto& j : lines) out.x.push_back(metric(j, "iteration")), out.y.push_back(metric(j, key));
  return out;
}

std::string charts_of(const ReportPage& page) {
  std::vector<nlohmann::json> all, matching, nats;
  for (const auto& text : page.metrics) {
    const auto j = read_metrics_line(text);
    if (!std::isfinite(metric(j, "iteration")) || j.contains("event")) continue;
    all.push_back(j);
    (j.contains("objective") && j["objective"] == "flow_matching" ? matching : nats).push_back(j);
  }
  const std::string x = "iteration";
  const std::string charts =
      svg_chart("Loss", {line_of(all, "validation_nll", "validation NLL"), line_of(nats, "loss", "loss of a batch")}, x,
                "nats") +
      svg_chart("Loss of flow matching", {line_of(matching, "loss", "loss")}, x, "mean square") +
      svg_chart("Evaluations of the field",
                {line_of(all, "evaluation_nfe", "of a density"), line_of(all, "nfe", "of a training step")}, x, "NFE") +
      svg_chart("Norm of the gradient", {line_of(all, "gradient_norm", "norm")}, x, "norm", plot::Scale::log);
  return charts.empty() ? "" : "<div class=\"charts\">\n" + charts + "</div>\n";
}

std::string picture_of_model(const ReportPage& page) {
  if (page.picture.empty()) return "";
  return "<div class=\"sheet\" tabindex=\"0\" role=\"region\" aria-label=\"Picture\">\n"
         "<img alt=\"Picture of the model and its data\" src=\"data:image/png;base64," +
         base64(page.picture) + "\"></div>\n";
}

std::string yardsticks_of(const ReportPage& page) {
  if (!page.yardstick) return "";
  const auto& y = *page.yardstick;
  const auto row = [](const std::string& name, const std::string& value) {
    return fmt::format("<tr><th scope=\"row\">{}</th><td class=\"number\">{}</td></tr>\n", escaped(name),
                       escaped(value));
  };
  return "<p>The mean of \u2212log p over the test rows, in nats; lower is better.</p>\n<table>\n" +
         row("this model", with_error(page.nll, page.nll_error, "\u00b1")) +
         row(mixture_text(y.components), four_decimals(y.mixture_nll)) +
         row("one Gaussian", four_decimals(y.gaussian_nll)) + "</table>\n";
}

std::string checks_of(const ReportPage& page) {
  if (page.checks.empty()) return "";
  std::string rows;
  for (const auto& c : page.checks) {
    const std::string verdict = c.verdict == Verdict::pass ? "pass" : c.verdict == Verdict::fail ? "fail" : "skipped";
    rows += fmt::format(
        "<tr><th scope=\"row\">{}</th><td class=\"number\">{}</td><td class=\"number\">{}</td><td class=\"{}\">{}</td>"
        "<td class=\"what\">{}</td></tr>\n",
        escaped(c.name), escaped(figure_text(c.figure)), escaped(bound_text(c)), verdict, escaped(to_string(c.verdict)),
        escaped(c.detail));
  }
  return fmt::format(
      "<p>Compared with {}.</p>\n<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Checks\"><table>\n"
      "<thead><tr><th scope=\"col\">check</th><th scope=\"col\" class=\"number\">figure</th>"
      "<th scope=\"col\" class=\"number\">bound</th>"
      "<th scope=\"col\">verdict</th><th scope=\"col\">what</th></tr></thead>\n<tbody>\n{}</tbody></table></div>\n",
      escaped(page.compared_with.empty() ? "no data: --data TABLE compares the model with a table"
                                         : page.compared_with),
      rows);
}

std::string recipe_of(const ReportPage& page) {
  if (page.recipe.empty()) return "";
  return "<p>As a file, this recipe trains the model again: <code>pathline train recipe.toml</code>.</p>\n"
         "<pre tabindex=\"0\" aria-label=\"Recipe\">" +
         escaped(page.recipe) + "</pre>\n";
}

}  // namespace

std::string html_of(const ReportPage& page) {
  const std::string sections =
      section("What was trained", summary_table(page)) + section("The model and its data", picture_of_model(page)) +
      section("The training", charts_of(page)) + section("Comparison with simpler models", yardsticks_of(page)) +
      section("Checks of the model", checks_of(page)) + section("The recipe", recipe_of(page));
  const std::string data =
      page.frames ? flow_data(page).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) : "null";
  return filled(kReportPage, {{"title", escaped(page.title)},
                              {"lead", escaped(page.lead)},
                              {"style", std::string(kReportStyle)},
                              {"flow", page.frames ? std::string(kReportFlow) : ""},
                              {"sections", sections},
                              {"version", version()},
                              {"data", inside_script(data)},
                              {"script", page.frames ? std::string(kReportScript) : ""}});
}

}  // namespace pathline
