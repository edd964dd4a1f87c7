// What a data set and an attribute have in common: a type, a shape and values.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <hdf5.h>

#include "io/hdf5_shape.hpp"
#include "pathline/io/hdf5.hpp"

namespace pathline::hdf5 {

// A data set or an attribute.
struct Item {
  hid_t id;
  bool attribute;
  std::string where;  // "file: /path" or "file: /path: attribute 'name'"

  hid_t type() const;
  hid_t space() const;

  [[noreturn]] void fail(const std::string& what) const;  // throws InputError "WHERE: WHAT"
  [[noreturn]] void fail_to_write() const;                // and counts the failure

  void read(hid_t memory_type, void* out) const;
};

Hdf5Shape shape_of(const Item& item);
Hdf5Kind kind_of(const Item& item);

// The functions that read all values throw InputError for values of another kind. S: double, float, std::int64_t or
// std::uint64_t.
template <class S> void expect_numbers(const Item& item);
template <class S> std::vector<S> read_values(const Item& item);
std::vector<std::string> read_strings(const Item& item);
bool read_bool(const Item& item);

template <class T> T single(const Item& item, const std::vector<T>& values) {
  if (values.size() != 1) item.fail("has shape " + shape_text(shape_of(item)) + ": expected one value");
  return values.front();
}

}  // namespace pathline::hdf5
