#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "app/command.hpp"
#include "app/compare.hpp"
#include "app/grid.hpp"
#include "app/number_text.hpp"
#include "app/progress_line.hpp"
#include "app/text_file.hpp"
#include "core/option_check.hpp"
#include "pathline/app/figure.hpp"
#include "pathline/core/error.hpp"
#include "pathline/data/toy.hpp"
#include "pathline/io/replace_file.hpp"

namespace pathline {
namespace {

constexpr Index kCells = 160;

struct CompareFlags {
  std::vector<std::string> sources, methods = compare_names();
  std::string output;
  double seconds = CompareOptions{}.seconds;
  std::uint64_t seed = 0;
  bool json = false;
  CommonFlags common;
};

// 12,300 densities a second as "1.23e+04" helps nobody: three digits and a letter.
std::string short_number(double value) {
  if (!(value >= 1000)) return fmt::format("{:.3g}", value);
  return value < 1e6 ? fmt::format("{:.3g} k", value / 1e3) : fmt::format("{:.3g} M", value / 1e6);
}

nlohmann::ordered_json json_of(const CompareRow& r) {
  nlohmann::ordered_json out{{"source", r.source},         {"method", r.method},       {"parameters", r.parameters},
                             {"iterations", r.iterations}, {"cpu_seconds", r.seconds}, {"nll", r.nll.mean},
                             {"nll_error", r.nll.error}};
  if (r.kl) out["kl"] = r.kl->mean, out["kl_error"] = r.kl->error;
  out["nfe"] = r.nfe;
  out["densities_per_second"] = r.densities_per_second, out["samples_per_second"] = r.samples_per_second;
  return out;
}

std::string csv_of(const std::vector<CompareRow>& rows) {
  std::string out =
      "source,method,parameters,iterations,cpu_seconds,nll,nll_error,kl,kl_error,nfe,densities_per_second,"
      "samples_per_second\n";
  for (const auto& r : rows)
    out += fmt::format("{},{},{},{},{:.3f},{:.6g},{:.3g},{},{},{:.1f},{:.4g},{:.4g}\n", csv_cell(r.source),
                       csv_cell(r.method), r.parameters, r.iterations, r.seconds, r.nll.mean, r.nll.error,
                       r.kl ? fmt::format("{:.6g}", r.kl->mean) : "", r.kl ? fmt::format("{:.3g}", r.kl->error) : "",
                       r.nfe, r.densities_per_second, r.samples_per_second);
  return out;
}

void print_table_head() {
  fmt::print(
      "| data | method | KL(data \\|\\| model), else NLL / nats | parameters | iterations | CPU s | NFE | densities/s "
      "| "
      "samples/s |\n|---|---|---|---|---|---|---|---|---|\n");
}

void print_row(const CompareRow& r) {
  const auto& figure = r.kl ? *r.kl : r.nll;
  fmt::print("| {} | {} | {}{} | {} | {} | {:.1f} | {:.0f} | {} | {} |\n", r.source, r.method, r.kl ? "" : "NLL ",
             with_error(figure.mean, figure.error), r.parameters, r.iterations, r.seconds, r.nfe,
             short_number(r.densities_per_second), short_number(r.samples_per_second));
}

// Rows of panels for each source of two columns: its density or its rows, and the density that each method has learned.
class Sheet {
 public:
  explicit Sheet(const CompareFlags& f)
      : flags_(f),
        figure_({.title = fmt::format("densities after {:g} s of the CPU each", f.seconds),
                 .columns = std::ssize(f.methods) + 1,
                 .panel_size = 230}) {}

  void add_source(const std::string& source, const CompareRow& first) {
    if (first.flow.dim() != 2) return;
    any_ = true;
    figure_.start_row();
    if (is_toy(source)) {
      const auto& toy = find_toy(source);
      const auto bounds = toy.bounds();
      x_ = {bounds(0, 0), bounds(0, 1)}, y_ = {bounds(1, 0), bounds(1, 1)};
      const RowVector<double> truth = toy.log_density(points(), flags_.common.threads);
      highest_ = std::exp(truth.maxCoeff()) * 1.05;
      add("true " + source, truth, plot::Bar::shown);
    } else {
      const Matrix<double> draws = first.flow.sample(2000, flags_.seed, {.density = false}).points;
      x_ = range(draws, 0), y_ = range(draws, 1), highest_.reset();
      figure_.scatter("samples, " + first.method, {{.points = draws}}, {.limits = x_}, {.limits = y_});
    }
  }
  void add_method(const CompareRow& row) {
    if (row.flow.dim() != 2) return;
    const auto& figure = row.kl ? *row.kl : row.nll;
    add(fmt::format("{}: {} {:.3f}", row.method, row.kl ? "KL" : "NLL", figure.mean),
        row.flow.log_prob(points(), Matrix<double>(0, 0), {.threads = flags_.common.threads}).log_prob,
        highest_ ? plot::Bar::hidden : plot::Bar::shown);
  }
  void save(const std::string& directory) const {
    if (!any_) return;
    figure_.save(directory + "/densities.png"), figure_.save(directory + "/densities.svg");
  }

 private:
  static plot::Range range(const Matrix<double>& draws, Index row) {
    std::vector<double> v(draws.row(row).begin(), draws.row(row).end());
    std::sort(v.begin(), v.end());
    const double low = v[v.size() / 200], high = v[v.size() - 1 - v.size() / 200], pad = 0.1 * (high - low) + 1e-9;
    return {low - pad, high + pad};
  }
  Matrix<double> points() const {
    return Grid({{x_.low, x_.high, kCells}, {y_.low, y_.high, kCells}}).points(0, kCells * kCells);
  }
  // The colour bar of the true density holds for the learned densities, too.
  void add(const std::string& title, const RowVector<double>& log_density, plot::Bar bar) {
    figure_.heat_map(title, {ConstMatrixMap<double>(log_density.data(), kCells, kCells), x_, y_}, {.limits = x_},
                     {.limits = y_}, highest_, {}, bar);
  }

  const CompareFlags& flags_;
  plot::Figure figure_;
  plot::Range x_, y_;
  std::optional<double> highest_;
  bool any_ = false;
};

int run(const CompareFlags& f) {
  require(f.seconds >= 0.5 && std::isfinite(f.seconds), "--seconds", f.seconds, ">= 0.5");
  if (f.sources.empty()) throw InputError("compare: expected a toy or a table");
  if (f.methods.empty()) throw InputError("--methods: expected at least one");
  std::vector<CompareMethod> methods;
  for (const auto& name : f.methods) methods.push_back(compare_method(name));
  if (!f.output.empty()) make_directory(f.output);

  const CompareOptions options{.seconds = f.seconds, .seed = f.seed, .threads = f.common.threads};
  ProgressLine progress(f.common.quiet, "runs", std::ssize(f.sources) * std::ssize(methods));
  std::vector<CompareRow> rows;
  Sheet sheet(f);
  if (!f.json) print_table_head();
  for (const auto& source : f.sources)
    for (const auto& method : methods) {
      rows.push_back(compare_one(source, method, options));
      if (!f.output.empty()) {
        if (&method == &methods.front()) sheet.add_source(source, rows.back());
        sheet.add_method(rows.back());
        write_text_file(f.output + "/compare.csv", csv_of(rows));  // so that finished results are kept if a later run fails
      }
      if (!f.json) print_row(rows.back());
      progress(std::ssize(rows));
    }
  if (f.json) {
    auto all = nlohmann::ordered_json::array();
    for (const auto& r : rows) all.push_back(json_of(r));
    fmt::print("{}\n", all.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
  }
  if (!f.output.empty()) sheet.save(f.output);
  return 0;
}

}  // namespace

void add_compare_command(Command app, Action& chosen) {
  auto f = std::make_shared<CompareFlags>();
  f->common.threads = 1;
  auto c = app.add_command("compare", "Train several methods on the same data for equal CPU seconds and compare them");
  c.footer(
      "Examples:\n"
      "  pathline compare moons --seconds 2 -o compared\n"
      "  pathline compare datasets/geyser.csv --methods cnf,planar,models/moons.toml --seconds 2 --json\n"
      "Prints a table in Markdown: KL(data || model) for a toy, whose density is known, and the NLL for a table, both on\n"
      "test samples that no training has seen, with the standard error. Rates are per CPU second. With -o, the directory\n"
      "gets compare.csv and, for two columns, one sheet of densities (densities.png, densities.svg).\n"
      "A recipe keeps its model and objective; its data, seed, length and schedule are replaced.");
  c.add_option("SOURCES", f->sources, "toys or tables").required();
  c.add_option("--methods", f->methods, fmt::format("{}, or recipes NAME.toml", fmt::join(compare_names(), ", ")))
      .delimiter(',')
      .show_default();
  c.add_option("--seconds", f->seconds, "CPU seconds for the training of each method on each source").show_default();
  c.add_option("-o,--output", f->output, "directory for compare.csv and the sheet of densities");
  c.add_flag("--json", f->json, "print JSON instead of the table");
  c.add_option("--seed", f->seed, "seed of data, weights and batches").show_default();
  f->common.add_to(c);
  run_if_chosen(c, chosen, f, run);
}

}  // namespace pathline
