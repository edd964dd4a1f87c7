// Opens, makes and commits HDF5 files, on the disk or in memory.
#include "pathline/io/hdf5.hpp"

#include <hdf5.h>

#include <algorithm>
#include <atomic>
#include <cassert>
#include <cerrno>
#include <cstdio>
#include <system_error>
#include <utility>

#include "io/hdf5_copy.hpp"
#include "io/hdf5_error.hpp"
#include "io/hdf5_handle.hpp"
#include "io/seal.hpp"
#include "io/text_stream.hpp"
#include "pathline/core/error.hpp"

namespace pathline {

using namespace hdf5;

namespace {

hid_t make_file_access_list() {
  const hid_t list = H5Pcreate(H5P_FILE_ACCESS);
  H5Pset_fclose_degree(list, H5F_CLOSE_STRONG);  // closing the file closes all that is open in it
  return list;
}

// A file that is in memory alone.
hid_t make_memory_access_list() {
  const hid_t list = make_file_access_list();
  H5Pset_fapl_core(list, 1 << 20, false);
  return list;
}

// The library takes two open files of one name for the same.
std::string memory_name() {
  static std::atomic<long> count{0};
  return "pathline-" + std::to_string(count++);
}

}  // namespace

Hdf5File::Hdf5File(std::string file, std::int64_t id, std::unique_ptr<ReplaceFile> output)
    : Hdf5Group(std::move(file), "/", output ? -1 : id), output_(std::move(output)), failures_(g_failures) {
  if (output_) id_ = shared_output(id);
}

bool Hdf5File::check(const std::string& file) {
  require_regular(file);
  std::FILE* probe = std::fopen(file.c_str(), "rb");
  if (!probe) throw_cannot_read(file);
  errno = 0;
  const int first = std::fgetc(probe);
  const int reading = errno;
  std::fclose(probe);
  errno = reading;
  if (first == EOF && reading != 0) throw_cannot_read(file);
  if (first == EOF) throw InputError(file + ": empty: not an HDF5 file");
  return check_seal(file);
}

Hdf5File Hdf5File::open(const std::string& file) {
  const bool sealed = check(file);
  if (!reads_hdf5_in_child()) return open_here(file);
  try {
    return open_image(file, clean_copy(file));
  } catch (const std::system_error&) {  // no more processes; a sealed file is as it was written
    if (!sealed) throw;
    return open_here(file);
  }
}

Hdf5File Hdf5File::open_here(const std::string& file) {
  const Quiet quiet;
  if (H5Fis_hdf5(file.c_str()) <= 0) throw InputError(file + ": not an HDF5 file");
  const Scoped access(make_file_access_list());
  const hid_t id = H5Fopen(file.c_str(), H5F_ACC_RDONLY, access);
  if (id < 0) throw InputError(file + ": cannot read: " + reason());
  return {file, id, nullptr};
}

Hdf5File Hdf5File::open_image(const std::string& file, std::string bytes) {
  const Quiet quiet;
  const Scoped access(make_memory_access_list());
  H5Pset_file_image(access, bytes.data(), bytes.size());
  const hid_t id = H5Fopen(memory_name().c_str(), H5F_ACC_RDONLY, access);
  if (id < 0) throw InputError(file + ": cannot read: " + reason());
  return {file, id, nullptr};
}

Hdf5File Hdf5File::create_in_memory(const std::string& file) {
  const Quiet quiet;
  const Scoped access(make_memory_access_list());
  const hid_t id = H5Fcreate(memory_name().c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, access);
  if (id < 0) throw InputError(file + ": cannot be copied: " + reason());
  return {file, id, nullptr};
}

std::string Hdf5File::image() const {
  const Quiet quiet;
  H5Fflush(*id_, H5F_SCOPE_GLOBAL);
  const ssize_t size = H5Fget_file_image(*id_, nullptr, 0);
  std::string bytes(static_cast<std::size_t>(std::max<ssize_t>(size, 0)), '\0');
  if (size < 0 || H5Fget_file_image(*id_, bytes.data(), bytes.size()) < 0)
    throw InputError(file_ + ": cannot be copied: " + reason());
  return bytes;
}

Hdf5File Hdf5File::create(const std::string& file) { return create(file, false); }

Hdf5File Hdf5File::create_sealed(const std::string& file) { return create(file, true); }

Hdf5File Hdf5File::create(const std::string& file, bool sealed) {
  const Quiet quiet;
  auto output = std::make_unique<ReplaceFile>(file);
  if (output->is_direct()) throw InputError(file + ": cannot write: HDF5 needs a regular file");
  const Scoped access(make_file_access_list()), creation(H5Pcreate(H5P_FILE_CREATE));
  H5Pset_userblock(creation, sealed ? kSealBytes : 0);
  const hid_t id = H5Fcreate(output->path().c_str(), H5F_ACC_TRUNC, creation, access);
  if (id < 0) throw InputError(file + ": cannot write: " + reason());
  Hdf5File made(file, id, std::move(output));
  made.sealed_ = sealed;
  return made;
}

void Hdf5File::commit(const std::string& previous) {
  const Quiet quiet;
  assert(output_);
  const hid_t id = std::exchange(*id_, -1);  // is closed once, even if closing fails
  const bool flushed = H5Fflush(id, H5F_SCOPE_GLOBAL) >= 0;
  if (!flushed) ++g_failures;
  const std::string why = flushed ? "" : reason();
  // A file whose flush failed is not closed, because closing would write and fail again.
  if (flushed && H5Fclose(id) < 0) ++g_failures;
  if (g_failures != failures_)
    throw InputError(file_ + ": cannot write: " + (why.empty() ? "an object of the file could not be closed" : why));
  if (sealed_) write_seal(output_->path(), file_);
  output_->commit(previous);
}

void skip_hdf5_exit_handler() { H5dont_atexit(); }

}  // namespace pathline
