// Makes the source with a given name: a toy, or a table in a file that is searched for findings first.
#include <filesystem>
#include <utility>

#include <fmt/format.h>

#include "core/lower_case.hpp"
#include "core/name_list.hpp"
#include "data/column_label.hpp"
#include "data/table_findings.hpp"
#include "pathline/core/error.hpp"
#include "pathline/data/source.hpp"
#include "pathline/io/table.hpp"

namespace pathline {
namespace {

bool is_weight_name(const std::string& name) { return contains({"weight", "weights"}, lower_case(name)); }

// The names that bilby, Cobaya, GetDist, Stan and UltraNest give to functions of the other columns.
bool is_log_density_name(const std::string& name) {
  static const std::vector<std::string> names = {"logl",           "loglike",      "log_like",      "loglikelihood",
                                                 "log_likelihood", "logpost",      "log_post",      "logposterior",
                                                 "log_posterior",  "log_prior",    "logprior",      "logprob",
                                                 "log_prob",       "minuslogpost", "minuslogprior", "lp__"};
  return contains(names, lower_case(name));
}

// Rows of a file: the columns of the source, and the weights.
struct Rows {
  Table table;
  RowVector<double> weights;
  Index without_weight = 0;  // rows that were left out
};

// A row of weight 0 counts nowhere, but a validation or a test part of such rows alone would have no weight.
void leave_out_rows_without_weight(const std::string& file, Rows& rows, std::vector<std::string>& notes) {
  const Index all = rows.weights.size(), none = (rows.weights.array() == 0).count();
  if (none == 0) return;
  std::vector<Index> kept;
  for (Index b = 0; b < all; ++b)
    if (rows.weights(b) > 0) kept.push_back(b);
  rows.table.values = Matrix<double>(rows.table.values(Eigen::all, kept));
  rows.weights = RowVector<double>(rows.weights(kept)), rows.without_weight = none;
  notes.push_back(fmt::format("{}: {} of {} rows have the weight 0 and are left out", file, none, all));
}

// Refuses the column that `data sample --log-density` writes: it is a function of the others and has no joint density.
void refuse_log_density(const std::string& file, const std::vector<std::string>& columns) {
  for (std::size_t i = 0; i < columns.size(); ++i)
    if (columns[i] == "log_density")
      throw InputError(
          fmt::format("{}: column {} is log_density, the true density that `density` compares with; use a "
                      "table without it, or rename the column",
                      file, i + 1));
}

// Chooses the columns of the source by the rules for weights and log-likelihoods. Empty: all columns of the table.
std::vector<std::string> chosen_columns(const std::string& file, const std::vector<std::string>& names,
                                        const SourceOptions& options, std::vector<std::string>& notes) {
  if (!options.columns.empty()) return options.columns;
  std::vector<std::string> chosen, left_out;
  for (const auto& name : names) {
    if (name == options.weights) continue;
    if (is_weight_name(name) && !contains(options.condition, name))
      throw InputError(fmt::format(
          "{}: a column is named '{}': pass SourceOptions.weights = {} to weight the rows by it, or name the columns "
          "to model in SourceOptions.columns",
          file, name, name));
    const bool derived = is_log_density_name(name) && !contains(options.condition, name);
    (derived ? left_out : chosen).push_back(name);
  }
  if (!left_out.empty())
    notes.push_back(
        fmt::format("{}: left out {}: by name, a function of the other columns, which has no density "
                    "beside them; to model it all the same, name it in SourceOptions.columns",
                    file, fmt::join(left_out, ", ")));
  const bool all = left_out.empty() && options.weights.empty();
  return all ? std::vector<std::string>{} : chosen;
}

RowVector<double> checked_weights(const std::string& file, const std::string& column, RowVector<double> weights) {
  const Index negative = (weights.array() < 0).count();
  for (Index i = 0; i < weights.size(); ++i)
    if (!(weights(i) >= 0))
      throw InputError(
          fmt::format("{}: row {}, {} = {}: a weight must be >= 0{}", file, i + 1, column, weights(i),
                      4 * negative > weights.size()
                          ? "; if the column holds logarithms of weights, write their exponentials"
                          : "; events of negative weight, as those of a generator at next-to-leading order, "
                            "describe no density by themselves: make the weights positive first, by "
                            "resampling or by averaging neighbours"));
  if (!(weights.sum() > 0)) throw InputError(fmt::format("{}: every weight in column {} is 0", file, column));
  return weights;
}

// columns: those of the source. If it is empty, it receives the columns that the rules choose. memory: the table, or
// null if it is in the file.
Rows read_rows(const std::string& file, const TableView* memory, const SourceOptions& options,
               std::vector<std::string>& columns, std::vector<std::string>& notes) {
  auto table_options = options.table;
  if (table_options.expected_names.empty()) table_options.expected_names = columns;
  const auto reader = memory ? TableReader::open(*memory, file, table_options) : TableReader::open(file, table_options);
  if (columns.empty()) columns = chosen_columns(file, reader->columns(), options, notes);
  auto wanted = columns;
  const bool weighted = !options.weights.empty();
  if (weighted && wanted.empty())  // without names: every other column, by number
    for (Index i = 1; i <= reader->dim(); ++i)
      if (std::to_string(i) != options.weights) wanted.push_back(std::to_string(i));
  if (weighted && contains(wanted, options.weights))
    throw InputError(
        fmt::format("weights = {}: this column cannot be modelled or be a condition as well", options.weights));
  if (weighted) wanted.push_back(options.weights);
  if (!wanted.empty()) reader->select(wanted);
  refuse_log_density(file, reader->columns());
  Rows rows{.table = read_table(*reader, file, &notes), .weights = {}};
  if (!weighted) return rows;
  const Index last = rows.table.values.rows() - 1;
  rows.weights = checked_weights(file, options.weights, rows.table.values.row(last));
  rows.table.values.conservativeResize(last, Eigen::NoChange);
  if (!rows.table.columns.empty()) rows.table.columns.pop_back();
  leave_out_rows_without_weight(file, rows, notes);
  return rows;
}

// Reads a part of the data from its own file, which has the columns of the training file.
void read_part(const std::string& file, const SourceOptions& options, std::vector<std::string> columns, Index dim,
               std::vector<std::string>& notes, Matrix<double>& part, RowVector<double>& weights) {
  if (file.empty()) return;
  const bool named = !columns.empty();
  auto rows = read_rows(file, nullptr, options, columns, notes);
  if (!named && rows.table.values.rows() != dim)
    throw InputError(fmt::format("{}: has {} columns; the training table has {}", file, rows.table.values.rows(), dim));
  part = std::move(rows.table.values), weights = std::move(rows.weights);
}

// Whether the rows repeat as the states of a Metropolis chain do, and not because their columns have few values: one of
// the columns then has as many values as there are different rows. If there is one column, copies must be adjacent.
// different: the rows that have no copy before them.
bool repeats_states(const Matrix<double>& values, const std::vector<Index>& different) {
  constexpr Index kFewest = 30;  // different rows; with fewer, a split makes no sense
  const Index rows = values.cols(), copies = rows - std::ssize(different);
  if (std::ssize(different) < kFewest) return false;
  if (values.rows() == 1) {
    Index adjacent = 0;
    for (Index b = 1; b < rows; ++b) adjacent += values(0, b) == values(0, b - 1);
    return 2 * adjacent >= copies;
  }
  for (Index i = 0; i < values.rows(); ++i) {
    std::vector<double> column;
    for (const Index b : different) column.push_back(values(i, b));
    if (10 * count_values(std::move(column)).distinct >= 9 * std::ssize(different)) return true;
  }
  return false;
}

// The rows that make groups of copies, for a table in which states are repeated; empty for any other. Notes how many.
std::vector<Index> groups_of_copies(const std::string& file, const Matrix<double>& values,
                                    std::vector<std::string>& notes) {
  auto first = first_alike(values);
  std::vector<Index> different;
  for (Index row = 0; row < values.cols(); ++row)
    if (first[static_cast<std::size_t>(row)] == row) different.push_back(row);
  const Index copies = values.cols() - std::ssize(different);
  if (10 * copies <= values.cols() || !repeats_states(values, different)) return {};
  notes.push_back(
      fmt::format("{}: {} of {} rows are copies of another row; copies are kept in the same part of the "
                  "split, so that no held-out row was trained on",
                  file, copies, values.cols()));
  return first;
}

// Notes what is given and has no effect: the sizes of a toy's parts, and the fraction of a part that has its own file.
void note_unused(const std::string& file, const SourceOptions& options, std::vector<std::string>& notes) {
  const SourceOptions otherwise;
  const auto note = [&](const char* part, bool size_given, bool fraction_given, bool has_file) {
    if (size_given)
      notes.push_back(fmt::format(
          "SourceOptions.{0}_size has no effect: {1} is a table; set SourceOptions.{0}_fraction", part, file));
    if (fraction_given && has_file)
      notes.push_back(fmt::format("SourceOptions.{0}_fraction has no effect: SourceOptions.{0} gives this part", part));
  };
  note("validation", options.validation_size != otherwise.validation_size,
       options.validation_fraction != otherwise.validation_fraction, !options.validation.empty());
  note("test", options.test_size != otherwise.test_size, options.test_fraction != otherwise.test_fraction,
       !options.test.empty());
}

// A sample a column, as MATLAB and a transposed array have it, makes a few rows of very many columns.
void refuse_transposed(const std::string& file, const Table& table) {
  const Index rows = table.values.cols(), columns = table.values.rows();
  if (table.columns.empty() && rows < 10 && columns >= 10 * rows)
    throw InputError(
        fmt::format("{}: {} rows of {} columns; expected one sample a row: if the table has one a column, "
                    "write its transpose (numpy: x.T)",
                    file, rows, columns));
}

// Squares of the values and of their differences are needed, for standard deviations and correlations.
void refuse_extreme_units(const Table& table) {
  constexpr double kLeast = 1e-140, kMost = 1e140;
  for (Index i = 0; i < table.values.rows() && table.values.cols() > 0; ++i) {
    const auto row = table.values.row(i);
    const double range = row.maxCoeff() - row.minCoeff();
    if (range > kMost || (range > 0 && range < kLeast))
      throw InputError(fmt::format(
          "{}: the values span {:.1e}, whose square double precision cannot represent; divide the column by "
          "a unit, or use its logarithm",
          column_label(i, table.columns), range));
  }
}

// The rows of a chain without names: how often a state was counted, minus its log-posterior, the parameters.
void refuse_unnamed_chain(const std::string& file, const Table& table) {
  if (!table.columns.empty() || !looks_like_chain(table.values)) return;
  std::string parameters;
  for (Index i = 3; i <= table.values.rows(); ++i) parameters += fmt::format("{}{}", i > 3 ? "," : "", i);
  throw InputError(fmt::format(
      "{}: the first column counts states and the second is their minus log-posterior, by the "
      "look of them (a chain of GetDist or MontePython without its .paramnames): pass "
      "SourceOptions.weights = 1 and SourceOptions.columns = {}, or SourceOptions.columns = 1,2,{} if all of "
      "them are data",
      file, parameters, parameters));
}

// Splits the rows; where those of weight 0 are why there are too few, an error says so.
DataSplit split_of(const Rows& rows, const SourceOptions& options, std::vector<Index> groups) {
  try {
    return split_data(rows.table.values, rows.table.columns,
                      {.validation_fraction = options.validation.empty() ? options.validation_fraction : 0,
                       .test_fraction = options.test.empty() ? options.test_fraction : 0,
                       .seed = options.seed,
                       .groups = std::move(groups)},
                      rows.weights);
  } catch (const InputError& error) {
    if (rows.without_weight == 0) throw;
    throw InputError(fmt::format("{} ({} rows of weight 0 are left out)", error.what(), rows.without_weight));
  }
}

std::unique_ptr<DataSource> unnamed_table_source(const std::string& file, const TableView* memory,
                                                 const SourceOptions& options) {
  std::vector<std::string> notes, columns;
  note_unused(file, options, notes);
  auto rows = read_rows(file, memory, options, columns, notes);
  refuse_transposed(file, rows.table);
  refuse_extreme_units(rows.table);
  if (options.columns.empty() && options.weights.empty()) refuse_unnamed_chain(file, rows.table);
  const bool continuous = options.constant == ConstantColumns::refuse && options.discrete.empty();
  auto groups = continuous ? groups_of_copies(file, rows.table.values, notes) : std::vector<Index>{};
  const auto names = rows.table.columns;
  auto split = split_of(rows, options, std::move(groups));
  read_part(options.validation, options, names, rows.table.values.rows(), notes, split.validation,
            split.validation_weights);
  read_part(options.test, options, names, rows.table.values.rows(), notes, split.test, split.test_weights);
  if (options.weights.size() > 0)
    for (auto& note : weights_notes(options.weights, split)) notes.push_back(std::move(note));
  auto limited = options.period;
  for (const auto& bounds : options.table.bounds) limited.push_back(bounds.column);
  if (options.constant == ConstantColumns::refuse)
    for (const auto& finding : table_findings(split.train, names, options.condition, options.discrete, limited))
      notes.push_back(fmt::format("{}: {}", file, finding));
  return make_source(std::move(split), options.constant, std::move(notes));
}

// The same, whose errors begin with the name of a file.
std::unique_ptr<DataSource> table_source(const std::string& file, const TableView* memory,
                                         const SourceOptions& options) {
  try {
    return unnamed_table_source(file, memory, options);
  } catch (const InputError& error) {
    const std::string what = error.what();
    for (const auto& known : {file, options.validation, options.test})
      if (!known.empty() && what.starts_with(known)) throw;
    if (what.starts_with("weights = ")) throw;  // an option, which is not about a file
    throw InputError(file + ": " + what);
  }
}

}  // namespace

std::unique_ptr<DataSource> make_source(const std::string& toy_or_file, const SourceOptions& options) {
  const bool a_word = toy_or_file.find_first_of("./\\:") == std::string::npos;
  const bool is_file = names_a_table(toy_or_file) || std::filesystem::exists(toy_or_file);
  if (is_toy(toy_or_file) || (a_word && !is_file)) {
    const auto& toy = find_toy(toy_or_file);
    const std::pair<const char*, bool> of_tables[] = {
        {"columns", !options.columns.empty()},
        {"validation", !options.validation.empty()},
        {"test", !options.test.empty()},
        {"weights", !options.weights.empty()},
        {"header", options.table.header != TableOptions::Header::automatic},
        {"drop_missing", options.table.drop_missing}};
    for (const auto& [key, given] : of_tables)
      if (given) throw InputError(fmt::format("{} applies to tables; '{}' is built in", key, toy_or_file));
    return make_source(toy, options);
  }
  return table_source(toy_or_file, nullptr, options);
}

std::unique_ptr<DataSource> make_source(const TableView& table, const std::string& name, const SourceOptions& options) {
  return table_source(name, &table, options);
}

}  // namespace pathline
