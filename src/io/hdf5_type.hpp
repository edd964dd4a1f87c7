// The types of values: those that are read and written, and the names of all in messages.
#pragma once

#include <cstdint>
#include <string>
#include <type_traits>
#include <vector>

#include <hdf5.h>

#include "pathline/io/hdf5.hpp"

namespace pathline::hdf5 {

template <class S> hid_t memory_type() {
  if constexpr (std::is_same_v<S, double>) return H5T_NATIVE_DOUBLE;
  if constexpr (std::is_same_v<S, float>) return H5T_NATIVE_FLOAT;
  if constexpr (std::is_same_v<S, std::int64_t>) return H5T_NATIVE_INT64;
  if constexpr (std::is_same_v<S, std::uint64_t>) return H5T_NATIVE_UINT64;
}

std::string type_text(hid_t type);  // "float64", "strings"

Hdf5Kind kind_of_type(hid_t type);

// Whether the values are integers of 64 bits or more, of which a double may not represent those of 2^53 or more.
bool is_wide(hid_t type);

// The bool of h5py, which is an enumeration of int8 with FALSE = 0 and TRUE = 1.
hid_t make_bool_type();

hid_t make_string_type();  // of variable length, UTF-8

// What HDF5 writes for values of that type.
std::vector<const char*> pointers(const std::vector<std::string>& values);

}  // namespace pathline::hdf5
