#include <cmath>
#include <cstdio>
#include <charconv>

#include <fmt/format.h>

#include "cli/command.hpp"
#include "cli/progress_line.hpp"
#include "cli/grid.hpp"
#include "core/option_check.hpp"
#include "pathline/io/table.hpp"
#include "pathline/train/evaluate.hpp"

namespace pathline {
namespace {

constexpr Index kPart = 1 << 16;  // points in memory

struct DensityFlags {
  std::string model, input, output, condition, grid;
  bool summary = false;
  std::uint64_t seed = 0;
  CommonFlags common;
  SolveFlags solve;
};

// Where the points come from: a table, or a grid.
class PointSource {
 public:
  virtual ~PointSource() = default;
  virtual bool read(Matrix<double>& x, Matrix<double>& c, Index most) = 0;  // d x n, dc x n
  virtual std::optional<Index> rows() const = 0;
  // The data's own log-density at the points last read, from a column `log_density`; empty if there is none.
  virtual RowVector<double> known() const { return {}; }
};

class GridPoints final : public PointSource {
 public:
  GridPoints(Grid grid, Matrix<double> condition) : grid_(std::move(grid)), condition_(std::move(condition)) {}
  bool read(Matrix<double>& x, Matrix<double>& c, Index most) override {
    const Index n = std::min(most, grid_.size() - next_);
    if (n <= 0) return false;
    x = grid_.points(next_, n);
    c = condition_.replicate(1, condition_.rows() > 0 ? n : 1);
    next_ += n;
    return true;
  }
  std::optional<Index> rows() const override { return grid_.size(); }

 private:
  Grid grid_;
  Matrix<double> condition_;
  Index next_ = 0;
};

// The columns of the points and of the condition are found by their names if the table has them all, else by order:
// the points, then the condition if it was not given.
class TablePoints final : public PointSource {
 public:
  TablePoints(const std::string& input, const ModelCard& card, Index dim, Matrix<double> condition, Index condition_dim)
      : reader_(TableReader::open(input)), condition_(std::move(condition)) {
    const bool given = condition_.cols() > 0 || condition_dim == 0;
    const auto& names = reader_->columns();
    const auto truth = std::find(names.begin(), names.end(), "log_density");
    if (truth != names.end()) known_row_ = truth - names.begin();
    auto find = [&](const std::vector<std::string>& wanted, std::vector<Index>& rows) {
      for (const auto& name : wanted) {
        const auto at = std::find(names.begin(), names.end(), name);
        if (at == names.end()) return false;
        rows.push_back(at - names.begin());
      }
      return !wanted.empty();
    };
    if (find(card.columns, rows_) && (given || find(card.condition_columns, condition_rows_))) return;
    rows_.clear(), condition_rows_.clear();
    const Index expected = dim + (given ? 0 : condition_dim);
    if (reader_->dim() != expected)
      throw InputError(fmt::format("{}: has {} columns; the model needs {}{}{}", input, reader_->dim(), dim,
                                   card.columns.empty() ? "" : fmt::format(" ({})", fmt::join(card.columns, ", ")),
                                   given ? "" : fmt::format(" and {} of the condition ({}), or --condition", condition_dim,
                                                            fmt::join(card.condition_columns, ", "))));
    for (Index i = 0; i < dim; ++i) rows_.push_back(i);
    for (Index i = dim; i < expected; ++i) condition_rows_.push_back(i);
  }
  bool read(Matrix<double>& x, Matrix<double>& c, Index most) override {
    if (!reader_->read(all_, most)) return false;
    x = all_(rows_, Eigen::all);
    if (condition_.rows() > 0) c = condition_.replicate(1, x.cols());
    else c = all_(condition_rows_, Eigen::all);
    return true;
  }
  std::optional<Index> rows() const override { return reader_->rows(); }
  RowVector<double> known() const override { return known_row_ < 0 ? RowVector<double>() : RowVector<double>(all_.row(known_row_)); }

 private:
  Index known_row_ = -1;
  std::unique_ptr<TableReader> reader_;
  Matrix<double> condition_, all_;
  std::vector<Index> rows_, condition_rows_;
};

// Where the log-densities go: lines on the standard output, or a file by its suffix. CSV has the points before the
// log-density, HDF5 has `points` and `log_density`, NPY the log-densities alone.
class DensityOutput {
 public:
  DensityOutput(const DensityFlags& f, const ModelCard& card, Index dim) : lines_(f.output.empty() && !f.summary) {
    if (f.output.empty()) return;
    const auto format = table_format(f.output);
    if (format == TableFormat::hdf5) {
      file_ = std::make_unique<Hdf5File>(Hdf5File::create(f.output));
      points_ = file_->create_extendible<double>("points", {dim});
      density_ = file_->create_extendible<double>("log_density", {});
      return;
    }
    with_points_ = format == TableFormat::csv;
    auto columns = card.columns;
    for (Index i = static_cast<Index>(columns.size()); i < dim; ++i) columns.push_back(fmt::format("x{}", i + 1));
    if (!with_points_) columns.clear();
    columns.push_back("log_density");
    table_ = TableWriter::create(f.output, columns, static_cast<Index>(columns.size()));
  }
  void append(const Matrix<double>& x, const RowVector<double>& log_prob) {
    if (lines_) {
      fmt::memory_buffer text;
      for (Index i = 0; i < log_prob.size(); ++i) fmt::format_to(std::back_inserter(text), "{:.9g}\n", log_prob[i]);
      if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size()) throw_cannot_write("standard output");
    } else if (file_) {
      points_->append(x), density_->append(Matrix<double>(log_prob));
    } else if (table_) {
      Matrix<double> rows(with_points_ ? x.rows() + 1 : 1, x.cols());
      if (with_points_) rows << x, log_prob;
      else rows = log_prob;
      table_->append(rows);
    }
  }
  Hdf5File* file() { return file_.get(); }
  void commit() {
    if (lines_ && std::fflush(stdout) != 0) throw_cannot_write("standard output");
    points_.reset(), density_.reset();
    if (file_) file_->commit();
    if (table_) table_->commit();
  }

 private:
  bool lines_, with_points_ = false;
  std::unique_ptr<Hdf5File> file_;
  std::optional<Hdf5Dataset> points_, density_;
  std::unique_ptr<TableWriter> table_;
};

// The mean of many values, and its standard error.
struct Moments {
  double n = 0, mean = 0, squares = 0;
  void add(const RowVector<double>& v) {  // Chan, Golub & LeVeque 1983
    const double m = static_cast<double>(v.size()), centre = v.mean(), shift = centre - mean;
    squares += (v.array() - centre).square().sum() + shift * shift * n * m / (n + m);
    mean += shift * m / (n + m), n += m;
  }
  double error() const { return n > 1 ? std::sqrt(squares / (n * (n - 1))) : 0; }
};

// How far the log-densities of some points are from those in double at a tolerance far below.
template <class S> void print_error(const DensityFlags& f, const Matrix<double>& x, const Matrix<double>& c,
                                    const RowVector<double>& log_prob, const EvaluationOptions& options) {
  auto fine = options;
  fine.solver = {.rtol = 1e-9, .atol = 1e-9, .max_steps = 100000};
  const auto exact = read_model<double>(model_file(f.model)).flow.log_prob(x, c, fine).log_prob;
  const RowVector<double> off = (log_prob - exact).cwiseAbs();
  fmt::print("log-density error  mean {:.1e}, largest {:.1e} nats, of {} points against double at tolerance 1e-9\n",
             off.mean(), off.maxCoeff(), x.cols());
}

template <class S> int run_as(const DensityFlags& f) {
  const auto model = read_model<S>(model_file(f.model));
  const auto& flow = model.flow;
  auto options = evaluation_options(model.card, f.solve, f.common);
  options.seed = f.seed;
  const Matrix<double> condition =
      f.condition.empty() ? Matrix<double>(0, 0) : parse_condition(f.condition, flow.condition_dim());
  std::unique_ptr<PointSource> points;
  std::optional<Grid> grid;
  if (!f.grid.empty()) {
    if (condition.rows() != flow.condition_dim()) parse_condition(f.condition, flow.condition_dim());
    grid = Grid::parse(f.grid, flow.dim());
    points = std::make_unique<GridPoints>(*grid, condition);
  } else {
    points = std::make_unique<TablePoints>(f.input, model.card, flow.dim(), condition, flow.condition_dim());
  }
  DensityOutput output(f, model.card, flow.dim());
  Moments nll, kl;
  double evaluations = 0, mass = 0;
  Matrix<double> x, c, checked_x, checked_c;
  RowVector<double> checked;
  ProgressLine progress(f.common.quiet || (f.output.empty() && !f.summary), "points", points->rows().value_or(0));
  while (points->read(x, c, kPart)) {
    const auto got = flow.log_prob(x, c, options);
    output.append(x, got.log_prob);
    nll.add(-got.log_prob);
    if (const auto known = points->known(); known.size() > 0) kl.add(known - got.log_prob);
    mass += got.log_prob.array().exp().sum();
    evaluations += got.nfe * static_cast<double>(x.cols());
    if (checked.size() == 0) {
      const Index some = std::min<Index>(256, x.cols());
      checked_x = x.leftCols(some), checked_c = c.leftCols(c.rows() > 0 ? some : 0), checked = got.log_prob.head(some);
    }
    progress(static_cast<Index>(nll.n));
  }
  if (nll.n == 0) throw InputError(f.input + ": no rows");
  const double nfe = evaluations / nll.n;
  if (auto* file = output.file()) {
    file->set_attribute("digest", digest(flow)), file->set_attribute("version", PATHLINE_VERSION);
    file->set_attribute("rtol", options.solver.rtol), file->set_attribute("atol", options.solver.atol);
    file->set_attribute("nfe", nfe);
  }
  output.commit();
  if (!f.summary) return 0;
  fmt::print("points             {:.0f}\n", nll.n);
  if (grid) fmt::print("mass on the grid   {:.5f} (midpoint rule)\n", mass * grid->cell());
  else fmt::print("mean NLL           {:.5f} +- {:.5f} nats (standard error)\n", nll.mean, nll.error());
  if (kl.n > 0) fmt::print("KL(data || model)  {:.5f} +- {:.5f} nats, by the column log_density\n", kl.mean, kl.error());
  fmt::print("NFE                {:.1f}\n", nfe);
  if (options.trace.kind == TraceKind::exact) print_error<S>(f, checked_x, checked_c, checked, options);
  return 0;
}

int run(const DensityFlags& f) {
  f.common.apply();
  if (f.input.empty() == f.grid.empty()) throw InputError("density: expected an INPUT or --grid, one of the two");
  return is_double(read_card(model_file(f.model)), f.common) ? run_as<double>(f) : run_as<float>(f);
}

}  // namespace

void add_density_command(CLI::App& app, Action& chosen) {
  auto f = std::make_shared<DensityFlags>();
  auto* c = app.add_subcommand("density", "The log-density of each row of a table, nats, one a line or into a file");
  c->footer(
      "Examples:\n"
      "  pathline density moons.h5 points.csv\n"
      "  pathline density moons.h5 samples.h5:samples --summary\n"
      "  pathline density moons.h5 --grid=-4:4:200 -o grid.h5\n"
      "  echo 0.5,1 | pathline density moons.h5 -");
  c->add_option("MODEL", f->model, "a model, or the directory of a run")->required();
  c->add_option("INPUT", f->input, "FILE.csv, FILE.npy, FILE.h5:dataset, or - for CSV on the standard input");
  c->add_option("--grid", f->grid, "LOW:HIGH:N of every column, or one such for each with commas between; cell centres");
  c->add_option("-o,--output", f->output, "FILE.csv, FILE.npy or FILE.h5 instead of lines");
  c->add_flag("--summary", f->summary, "print the mean NLL, its standard error, NFE, and the error of the log-densities");
  c->add_option("--condition", f->condition, "values of the condition, for all points: 0.5,1.2");
  c->add_option("--seed", f->seed, "of Hutchinson's probes")->capture_default_str();
  f->solve.add_to(c);
  f->common.add_to(c);
  c->callback([f, &chosen] { chosen = [f] { return run(*f); }; });
}

}  // namespace pathline
