// A table in memory, read like one in a file.
#include <algorithm>

#include <fmt/format.h>

#include "io/tables.hpp"
#include "pathline/core/error.hpp"

namespace pathline {
namespace {

class MemoryReader final : public TableReader {
 public:
  MemoryReader(const TableView& table, const std::string& name, const TableOptions& options)
      : TableReader(name, options), values_(table.values) {
    columns_ = table.columns, dim_ = values_.rows();
    if (dim_ == 0) throw InputError(name + ": the table has no columns");
    if (!columns_.empty() && std::ssize(columns_) != dim_)
      throw InputError(fmt::format("{}: {} names for {} columns", name, columns_.size(), dim_));
    check_columns(name, columns_);
  }

  std::optional<Index> rows() const override { return values_.cols(); }

 protected:
  bool read_rows(Matrix<double>& out, Index most) override {
    const Index count = std::min(most, values_.cols() - next_);
    if (count <= 0) return false;
    out = values_.middleCols(next_, count);
    next_ += count;
    return true;
  }

 private:
  ConstMatrixMap<double> values_;
  Index next_ = 0;
};

}  // namespace

std::unique_ptr<TableReader> TableReader::open(const TableView& table, const std::string& name,
                                               const TableOptions& options) {
  return std::make_unique<MemoryReader>(table, name, options);
}

}  // namespace pathline
