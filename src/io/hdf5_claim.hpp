// What a file claims to contain is refused where its bytes cannot hold it, or where they are in another file.
#pragma once

#include "io/hdf5_item.hpp"

namespace pathline::hdf5 {

Index file_bytes_of(hid_t id);  // of the file of any object

// A shape is a claim of a few bytes. It is refused where the file cannot hold what it claims: work and memory are then
// bounded by the size of the file. `most`: bytes that the values may have beyond the small ones which any file may have.
void check_claim(const Item& item, Index most);

// Checks the claim of a data set. Values in other files are refused, whatever the shape.
void check_storage(const Item& item);

}  // namespace pathline::hdf5
