// Tables in HDF5: a data set of numbers or of records, a group with a data set per column, a frame of pandas.
#include <algorithm>
#include <charconv>
#include <cstring>
#include <sstream>

#include <fmt/format.h>

#include "core/checked_product.hpp"
#include "io/hdf5_copy.hpp"
#include "io/tables.hpp"
#include "pathline/core/error.hpp"
#include "pathline/io/hdf5.hpp"

namespace pathline {
namespace {

// The first of many names, for a message that has one line.
std::string some_of(const std::vector<std::string>& names) {
  constexpr std::size_t kMost = 20;
  const auto end = names.begin() + static_cast<std::ptrdiff_t>(std::min(kMost, names.size()));
  return fmt::format("{}{}", fmt::join(names.begin(), end, ", "), names.size() > kMost ? ", ..." : "");
}

// Reads rows of numbers from one or several data sets of a file.
class RowSource {
 public:
  virtual ~RowSource() = default;
  virtual Index rows() const = 0;
  virtual Matrix<double> read(Index first, Index count) const = 0;  // d x count
  std::vector<std::string> columns;                                 // d names, or none
  Index dim = 0;
  std::string note;
};

// Integers of 64 bits, marked where a double may not represent them.
void mark_inexact(Eigen::Ref<Matrix<double>> values) { values = values.unaryExpr(&marked_if_inexact).eval(); }

// Rows of a data set, as Hdf5Dataset::read_rows gives them.
Matrix<double> read_marked(const Hdf5Dataset& data, Index first, Index count) {
  auto values = data.read_rows<double>(first, count);
  if (data.is_wide_integer()) mark_inexact(values);
  return values;
}

// A data set of shape (N, d) or (N). With more axes, all but the last are joined, as the steps and walkers of a chain.
class NumberRows final : public RowSource {
 public:
  NumberRows(Hdf5Dataset data, std::string name)
      : data_(std::move(data)), name_(std::move(name)), shape_(data_.shape()) {
    dim = shape_.size() >= 2 ? shape_.back() : 1;
    if (shape_.size() > 2) inner_ = inner_elements();
    if (data_.has_attribute("columns")) columns = data_.attribute<std::vector<std::string>>("columns");
    if (static_cast<Index>(columns.size()) != dim) columns.clear();
    if (shape_.size() > 2)
      note = fmt::format("{}: shape ({}): all axes but the last are joined to {} rows", name_, fmt::join(shape_, ", "),
                         rows());
    else if (rows() <= 20 && dim > 10 * rows() && columns.empty())
      note = fmt::format("{}: {} rows and {} columns; if the data set is transposed, write its transpose", name_,
                         rows(), dim);
  }
  Index rows() const override { return shape_[0] * inner_; }
  Matrix<double> read(Index first, Index count) const override {
    Matrix<double> out;
    if (shape_.size() <= 2) {
      out = data_.read_rows<double>(first, count);
    } else {  // whole elements of the first axis that hold the rows
      const Index begin = first / inner_, end = (first + count + inner_ - 1) / inner_;
      Hdf5Shape start(shape_.size(), 0), box = shape_;
      start[0] = begin, box[0] = end - begin;
      Matrix<double> all(dim, (end - begin) * inner_);
      data_.read_block<double>(start, box, all.data());
      out = all.middleCols(first - begin * inner_, count);
    }
    if (data_.is_wide_integer()) mark_inexact(out);
    return out;
  }

 private:
  Index inner_elements() const {
    const auto n = checked_product(Hdf5Shape(shape_.begin() + 1, shape_.end() - 1));
    if (!n || *n > (Index{1} << 24)) throw InputError(name_ + ": the inner axes have more than 2^24 elements");
    return *n;
  }

  Hdf5Dataset data_;
  std::string name_;
  Hdf5Shape shape_;
  Index inner_ = 1;
};

// The names that a pandas frame has for the elements of values_block_0: a pickled list, as text of protocol 0.
std::vector<std::string> pickled_names(const std::string& pickle) {
  std::vector<std::string> names;
  std::istringstream lines(pickle);
  for (std::string line; std::getline(lines, line);) {
    const auto at = line.find_first_not_of("(lp0123456789a");
    if (at != std::string::npos && line[at] == 'V') names.push_back(line.substr(at + 1));
  }
  return names;
}

// Records, where each numeric field is a column. In a table of pandas the index is not a column; blocks have names.
class RecordRows final : public RowSource {
 public:
  RecordRows(Hdf5Dataset data, const std::string& name, bool pandas) : data_(std::move(data)) {
    columns = data_.fields();
    if (columns.empty())
      throw InputError(
          fmt::format("{}: holds {}: expected numbers, or records with number fields", name, data_.type_name()));
    if (data_.shape().size() != 1) throw InputError(name + ": records of more than one axis; expected shape (N,)");
    for (Index i = 0; i < static_cast<Index>(columns.size()); ++i) kept_.push_back(i);
    if (pandas) name_blocks();
    for (const Index field : data_.wide_fields())
      if (const auto at = std::find(kept_.begin(), kept_.end(), field); at != kept_.end())
        wide_.push_back(at - kept_.begin());
    if (const auto others = pandas ? frame_columns(data_.other_fields()) : data_.other_fields(); !others.empty())
      note = fmt::format("{}: fields without numbers are left out: {}", name, some_of(others));
    dim = static_cast<Index>(columns.size());
  }
  Index rows() const override { return data_.rows(); }
  Matrix<double> read(Index first, Index count) const override {
    Matrix<double> out = data_.read_fields(first, count)(kept_, Eigen::all);
    for (const Index row : wide_) out.row(row) = out.row(row).unaryExpr(&marked_if_inexact).eval();
    return out;
  }

 private:
  bool is_block(const std::string& field) const {
    return field.starts_with("values_block_") && data_.has_attribute(field + "_kind");
  }
  std::vector<std::string> names_in(const std::string& block) const {
    return pickled_names(data_.attribute<std::string>(block + "_kind"));
  }

  // The columns of the frame that are in fields of the table, without its index.
  std::vector<std::string> frame_columns(const std::vector<std::string>& fields) const {
    std::vector<std::string> out;
    for (const auto& field : fields) {
      const auto names = is_block(field) ? names_in(field) : std::vector<std::string>{};
      if (field != "index" && names.empty()) out.push_back(field);
      out.insert(out.end(), names.begin(), names.end());
    }
    return out;
  }

  void name_blocks() {
    std::vector<std::string> names;
    std::vector<Index> kept;
    for (std::size_t i = 0; i < columns.size(); ++i) {
      if (columns[i] == "index") continue;
      kept.push_back(static_cast<Index>(i));
      names.push_back(columns[i]);
      const auto underscore = columns[i].rfind('_');
      for (const std::string& block : {columns[i], columns[i].substr(0, underscore)}) {
        if (!is_block(block)) continue;
        const auto real = names_in(block);
        std::size_t element = 0;  // no number: the name stays as it is
        const char *begin = columns[i].data() + underscore + 1, *end = columns[i].data() + columns[i].size();
        const bool numbered = block == columns[i] || std::from_chars(begin, end, element).ptr == end;
        if (numbered && element < real.size()) names.back() = real[element];
        break;
      }
    }
    columns = names, kept_ = kept;
  }

  Hdf5Dataset data_;
  std::vector<Index> kept_, wide_;  // fields; rows of the table with integers of 64 bits
};

// A group, where each data set with one axis is a column.
class ColumnRows final : public RowSource {
 public:
  ColumnRows(const Hdf5Group& group, const std::string& name) {
    for (const auto& child : group.children()) {
      if (group.leads_to_other_file(child) || !group.is_dataset(child)) continue;
      auto data = group.dataset(child);
      if (!data.is_numeric() || data.shape().size() != 1) continue;
      if (!data_.empty() && data.rows() != data_[0].rows())
        throw InputError(fmt::format("{}: the columns '{}' and '{}' have {} and {} rows; choose one, as in {}/{}", name,
                                     columns[0], child, data_[0].rows(), data.rows(), name, columns[0]));
      columns.push_back(child);
      data_.push_back(std::move(data));
    }
    if (data_.empty())
      throw InputError(fmt::format("{}: a group without data sets of shape (N,); it contains {}", name,
                                   fmt::join(group.children(), ", ")));
    dim = static_cast<Index>(data_.size());
  }
  Index rows() const override { return data_[0].rows(); }
  Matrix<double> read(Index first, Index count) const override {
    Matrix<double> out(dim, count);
    for (Index j = 0; j < dim; ++j) out.row(j) = read_marked(data_[static_cast<std::size_t>(j)], first, count);
    return out;
  }

 private:
  std::vector<Hdf5Dataset> data_;
};

// A frame that pandas wrote with format="fixed": blocks of columns of one type. Blocks without numbers are left out.
class FrameRows final : public RowSource {
 public:
  FrameRows(const Hdf5Group& group, const std::string& name) {
    const auto axis = group.read_strings("axis0");
    std::vector<std::string> others, all;
    for (int b = 0; group.exists(fmt::format("block{}_values", b)); ++b) {
      auto data = group.dataset(fmt::format("block{}_values", b));
      const auto items = group.read_strings(fmt::format("block{}_items", b));
      all.insert(all.end(), items.begin(), items.end());
      if (data.is_numeric() && data.shape().size() == 2 && data.shape()[1] == std::ssize(items))
        blocks_.push_back({std::move(data), items, {}});
      else
        others.insert(others.end(), items.begin(), items.end());
    }
    check_columns(name, axis);
    auto sorted = axis;
    std::sort(sorted.begin(), sorted.end()), std::sort(all.begin(), all.end());
    if (all.empty() || all != sorted) throw InputError(name + ": block items and axis0 of the frame differ");
    if (blocks_.empty()) throw InputError(fmt::format("{}: the columns {} are no numbers", name, some_of(others)));
    for (const auto& column : axis)
      if (std::find(others.begin(), others.end(), column) == others.end()) columns.push_back(column);
    for (auto& block : blocks_) place(block, name);
    if (!others.empty()) note = fmt::format("{}: columns without numbers are left out: {}", name, some_of(others));
    dim = std::ssize(columns);
  }
  Index rows() const override { return blocks_[0].data.rows(); }
  Matrix<double> read(Index first, Index count) const override {
    Matrix<double> out(dim, count);
    for (const auto& block : blocks_) out(block.rows, Eigen::all) = read_marked(block.data, first, count);
    return out;
  }

 private:
  struct Block {
    Hdf5Dataset data;
    std::vector<std::string> items;
    std::vector<Index> rows;  // the rows of this block in the table
  };

  // Finds the columns of a block.
  void place(Block& block, const std::string& name) {
    if (block.data.rows() != rows()) throw InputError(name + ": the blocks of the frame have different rows");
    for (const auto& item : block.items) {
      const auto at = std::find(columns.begin(), columns.end(), item);
      if (at == columns.end()) throw InputError(name + ": two columns of the frame have no name");
      block.rows.push_back(at - columns.begin());
    }
  }

  std::vector<Block> blocks_;
};

bool is_column(const Hdf5Group& group, const std::string& name) {
  try {
    const auto data = group.dataset(name);
    return data.is_numeric() && data.shape().size() == 1;
  } catch (const InputError&) {  // refused once it is chosen
    return false;
  }
}

// Lists what may be a table: data sets, but for a frame of pandas the frame only. groups: the number of groups that may
// still be visited, because links may lead in circles.
void list_tables(const Hdf5Group& group, const std::string& prefix, int depth, int& groups,
                 std::vector<std::string>& out) {
  Index columns = 0;
  for (const auto& child : group.children()) {
    if (--groups < 0) return;
    if (group.leads_to_other_file(child)) {
      out.push_back(prefix + child);  // refused once it is chosen
    } else if (group.is_group(child) && depth > 0) {
      const auto inner = group.group(child);
      if (inner.has_attribute("pandas_type"))
        out.push_back(prefix + child);
      else
        list_tables(inner, prefix + child + "/", depth - 1, groups, out);
    } else if (group.is_dataset(child)) {
      out.push_back(prefix + child);
      if (is_column(group, child)) ++columns;
    }
  }
  if (columns >= 2 && !prefix.empty()) out.push_back(prefix.substr(0, prefix.size() - 1));
}

std::unique_ptr<RowSource> open_rows(const Hdf5File& file, const std::string& path, const std::string& name) {
  if (file.is_dataset(path)) {
    auto data = file.dataset(path);
    if (!data.is_numeric()) return std::make_unique<RecordRows>(std::move(data), name, false);
    if (data.shape().empty()) throw InputError(name + ": a single value; expected numbers of shape (N, d) or (N)");
    return std::make_unique<NumberRows>(std::move(data), name);
  }
  const auto group = file.group(path);
  if (!group.has_attribute("pandas_type")) return std::make_unique<ColumnRows>(group, name);
  const auto type = group.attribute<std::string>("pandas_type");
  if (type == "frame") return std::make_unique<FrameRows>(group, name);
  if (type == "frame_table") return std::make_unique<RecordRows>(group.dataset("table"), name + "/table", true);
  throw InputError(fmt::format("{}: pandas type '{}'; expected a DataFrame", name, type));
}

class Hdf5TableReader final : public TableReader {
 public:
  Hdf5TableReader(const std::string& input, const TableOptions& options) : TableReader(input, options) {
    auto [name, path] = split_hdf5_name(input);
    file_ = std::make_unique<Hdf5File>(Hdf5File::open_here(name));
    std::vector<std::string> all;
    int groups = 2000;
    if (path.empty() || !file_->exists(path)) list_tables(*file_, "", 8, groups, all);
    if (path.empty()) {
      if (file_->has_attribute("format") && file_->attribute<std::string>("format") == "pathline")
        throw InputError(name + ": a model of pathline and not a table");
      // The columns of one group are one table.
      if (all.size() > 1 &&
          std::all_of(all.begin(), all.end() - 1, [&](const auto& p) { return p.starts_with(all.back() + "/"); }))
        all = {all.back()};
      if (all.empty()) throw InputError(name + ": contains no data sets");
      if (all.size() != 1)
        throw InputError(fmt::format("{}: contains {} data sets; expected FILE:dataset with one of: {}", name,
                                     all.size(), some_of(all)));
      path = all[0];
    }
    name_ = name + ":" + path;
    if (!file_->exists(path))
      throw InputError(fmt::format("{}: no data set '{}'; the file contains: {}", name, path, some_of(all)));
    source_ = open_rows(*file_, path, name_);
    dim_ = source_->dim, columns_ = source_->columns;
    if (dim_ < 1) throw InputError(name_ + ": the table has no columns");
    if (!source_->note.empty()) notes_.push_back(source_->note);
    check_columns(name_, columns_);
  }
  std::optional<Index> rows() const override { return source_->rows(); }
  const std::string& name() const { return name_; }

  bool read_rows(Matrix<double>& out, Index most) override {
    const Index count = std::min(most, source_->rows() - next_);
    if (count <= 0) return false;
    out = source_->read(next_, count);
    next_ += count;
    return true;
  }

 private:
  std::unique_ptr<Hdf5File> file_;  // outlives the source
  std::unique_ptr<RowSource> source_;
  Index next_ = 0;
};

// The messages between a child process that reads a table and the process that wants it.
class Message {
 public:
  Message() = default;
  explicit Message(std::string bytes) : bytes_(std::move(bytes)) {}

  template <class T> void add(const T* values, Index count) {
    bytes_.append(reinterpret_cast<const char*>(values), static_cast<std::size_t>(count) * sizeof(T));
  }
  void add(Index value) { add(&value, 1); }
  void add(const std::vector<std::string>& texts) {
    add(std::ssize(texts));
    for (const auto& text : texts) add(std::ssize(text)), bytes_ += text;
  }

  template <class T> void take(T* values, Index count) {
    const auto size = static_cast<std::size_t>(count) * sizeof(T);
    std::memcpy(values, bytes_.data() + at_, size), at_ += size;
  }
  Index number() {
    Index value = 0;
    take(&value, 1);
    return value;
  }
  std::vector<std::string> texts() {
    std::vector<std::string> out(static_cast<std::size_t>(number()));
    for (auto& text : out) text.resize(static_cast<std::size_t>(number())), take(text.data(), std::ssize(text));
    return out;
  }

  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
  std::size_t at_ = 0;
};

// A table that a child process reads and sends, part by part.
class SentHdf5TableReader final : public TableReader {
 public:
  SentHdf5TableReader(const std::string& input, const TableOptions& options)
      : TableReader(input, options),
        file_(split_hdf5_name(input).first),
        child_(file_, limits_of(file_), [&](ChildProcess::Channel& channel) { send(input, options, channel); }) {
    Message about(expect());
    rows_ = about.number(), dim_ = file_dim_ = about.number();
    columns_ = about.texts(), notes_ = about.texts();
    name_ = about.texts().at(0);
  }
  std::optional<Index> rows() const override { return rows_; }

 protected:
  bool read_rows(Matrix<double>& out, Index most) override {
    if (next_ == rows_) return false;
    if (at_ == part_.cols()) {
      Message message(expect());
      part_.resize(file_dim_, message.number()), at_ = 0;
      message.take(part_.data(), part_.size());
    }
    out = part_.middleCols(at_, std::min(most, part_.cols() - at_));
    at_ += out.cols(), next_ += out.cols();
    return true;
  }

 private:
  // What the child does.
  static void send(const std::string& input, const TableOptions& options, ChildProcess::Channel& channel) {
    constexpr Index kPart = 1 << 17;  // values
    Hdf5TableReader reader(input, options);
    Message about;
    about.add(*reader.rows()), about.add(reader.dim());
    about.add(reader.columns()), about.add(reader.notes()), about.add(std::vector<std::string>{reader.name()});
    channel.send(about.bytes());
    for (Matrix<double> part; reader.read_rows(part, std::max<Index>(1, kPart / reader.dim()));) {
      Message message;
      message.add(part.cols()), message.add(part.data(), part.size());
      channel.send(message.bytes());
    }
  }

  std::string expect() {
    auto message = child_.next();
    if (!message) throw InputError(file_ + ": cannot read: the table ends too early");
    return *std::move(message);
  }

  std::string file_;
  ChildProcess child_;
  Index rows_ = 0, file_dim_ = 0, next_ = 0, at_ = 0;  // file_dim_: with the columns that are not selected
  Matrix<double> part_;
};

class Hdf5TableWriter final : public TableWriter {
 public:
  Hdf5TableWriter(const std::string& output, const std::vector<std::string>& columns, Index dim)
      : file_(Hdf5File::create(split_hdf5_name(output).first)) {
    const auto name = split_hdf5_name(output).second;
    data_ = std::make_unique<Hdf5Dataset>(
        file_.create_extendible<double>(name.empty() ? "values" : name, dim == 1 ? Hdf5Shape{} : Hdf5Shape{dim}));
    if (!columns.empty()) data_->set_attribute("columns", columns);
  }
  void append(ConstMatrixRef<double> values, const std::vector<std::string>&) override { data_->append(values); }
  void commit() override {
    data_.reset();
    file_.commit();
  }

 private:
  Hdf5File file_;
  std::unique_ptr<Hdf5Dataset> data_;
};

}  // namespace

std::unique_ptr<TableReader> open_hdf5_table(const std::string& input, const TableOptions& options) {
  Hdf5File::check(split_hdf5_name(input).first);
  if (reads_hdf5_in_child()) return std::make_unique<SentHdf5TableReader>(input, options);
  return std::make_unique<Hdf5TableReader>(input, options);
}
std::unique_ptr<TableWriter> create_hdf5_table(const std::string& output, const std::vector<std::string>& columns,
                                               Index dim) {
  return std::make_unique<Hdf5TableWriter>(output, columns, dim);
}

}  // namespace pathline
