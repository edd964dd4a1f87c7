#include "io/hdf5_walk.hpp"

#include <algorithm>

#include "core/checked_product.hpp"
#include "pathline/core/error.hpp"

namespace pathline {
namespace {

class Walk {
 public:
  Walk(const std::string& file, Index most_values, Hdf5Visitor& visitor)
      : file_(file), values_left_(most_values), visitor_(visitor) {}

  void group(const Hdf5Group& group, int depth) {
    if (depth > kDeepest) refuse(group.path(), "groups within groups without an end");
    count(group.path());
    visitor_.group(group);
    attributes(group);
    for (const auto& name : group.children()) {
      const std::string path = (group.path() == "/" ? "/" : group.path() + "/") + name;
      if (!visitor_.enters(path)) continue;
      if (!group.has_own(name)) {
        (void)group.exists(name);  // throws for another file, with its name
        refuse(path, "is a link to another place; a model has none");
      }
      if (group.is_group(name))
        this->group(group.group(name), depth + 1);
      else
        dataset(group.dataset(name));
    }
  }

 private:
  static constexpr int kDeepest = 32;

  [[noreturn]] void refuse(const std::string& path, const std::string& what) const {
    throw InputError(file_ + ": " + path + ": " + what);
  }

  // An object may be met on several ways, each of which counts.
  void count(const std::string& path) {
    if (--objects_left_ < 0) refuse(path, "more objects than a model has; groups may contain themselves");
  }

  void claim(const std::string& path, const Hdf5Shape& shape) {
    const auto values = checked_product(shape);
    if (!values || *values > values_left_) refuse(path, "has more values than the file contains");
    values_left_ -= *values;
  }

  void attributes(const Hdf5Node& node) {
    for (const auto& name : node.attribute_names()) {
      const Hdf5Shape shape = node.attribute_shape(name);
      claim(node.path() + ": attribute '" + name + "'", shape);
      visitor_.attribute(node, name, node.attribute_kind(name), shape);
    }
  }

  void dataset(const Hdf5Dataset& data) {
    count(data.path());
    const Hdf5Kind kind = data.kind();
    const Hdf5Shape shape = data.shape();
    claim(data.path(), shape);
    visitor_.dataset(data, kind, shape);
    attributes(data);
    visitor_.values(data, kind);
  }

  const std::string& file_;
  Index values_left_, objects_left_ = 3000;
  Hdf5Visitor& visitor_;
};

}  // namespace

void walk(const Hdf5Group& root, const std::string& file, Hdf5Visitor& visitor) {
  Walk(file, std::max<Index>(root.file_bytes(), 1 << 20), visitor).group(root, 0);
}

}  // namespace pathline
