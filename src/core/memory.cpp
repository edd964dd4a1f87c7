#include "core/memory.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/size_text.hpp"
#include "pathline/core/error.hpp"

namespace pathline {
namespace {

double find_memory_limit() {
  double limit = static_cast<double>(sysconf(_SC_PHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGESIZE));
  for (const auto resource : {RLIMIT_AS, RLIMIT_DATA}) {
    rlimit set{};
    if (getrlimit(resource, &set) == 0 && set.rlim_cur != RLIM_INFINITY)
      limit = std::min(limit, static_cast<double>(set.rlim_cur));
  }
  for (const char* file : {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"}) {
    double bytes = 0;  // the file of a group without a limit holds "max"
    if (std::ifstream(file) >> bytes) limit = std::min(limit, bytes);
  }
  return limit;
}

void require_bytes(std::string_view name, const std::string& value, double bytes) {
  if (bytes <= memory_limit()) return;
  throw InputError(fmt::format("{} = {}: needs about {} of memory, and there are {}; choose a smaller number", name,
                               value, size_text(bytes), size_text(memory_limit())));
}

}  // namespace

double memory_limit() {
  static const double limit = find_memory_limit();
  return limit;
}

void require_memory(std::string_view name, Index value, double bytes) {
  if (bytes > memory_limit()) require_bytes(name, fmt::format("{}", value), bytes);
}

void require_memory_of_network(std::string_view name, Index in, const std::vector<Index>& hidden, Index out) {
  double weights = 0, from = static_cast<double>(in);
  for (const Index width : hidden)
    weights += (from + 1) * static_cast<double>(width), from = static_cast<double>(width);
  weights += (from + 1) * static_cast<double>(out);
  require_bytes(name, fmt::format("{}", fmt::join(hidden, ", ")), training_bytes(weights));
}

}  // namespace pathline
