// The fields of records (compound types) that hold numbers.
#pragma once

#include <string>
#include <vector>

#include <hdf5.h>

#include "pathline/core/types.hpp"

namespace pathline::hdf5 {

// A field of a record: a number, or an array with one axis.
struct RecordField {
  std::string name;
  bool array;      // also of one element, as pandas writes a block of one column
  Index elements;  // 1 for a single number
  bool wide;       // integers of 64 bits
};

// The fields with numbers; others, if given, receives the names of the rest.
std::vector<RecordField> record_fields(hid_t type, std::vector<std::string>* others = nullptr);

// The type of one record in memory with these fields as doubles, without gaps.
hid_t make_record_type(const std::vector<RecordField>& fields);

}  // namespace pathline::hdf5
