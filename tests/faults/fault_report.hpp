// Counts of the faults that a test injected, as a table.
#pragma once

#include <map>
#include <string>

#include <fmt/format.h>

namespace pathline {

// survived: the command ended with success and the right file, or with an error and the older file whole. lost:
// neither.
struct FaultCounts {
  int injected = 0, survived = 0, lost = 0, left = 0;  // left: temporary files that nobody removes
};

class FaultReport {
 public:
  FaultCounts& of(const std::string& kind) { return kinds_[kind]; }

  void print() const {
    if (kinds_.empty()) return;
    fmt::print("{:<34}{:>10}{:>10}{:>6}{:>22}\n", "kind of fault", "injected", "survived", "lost",
               "temporary files left");
    FaultCounts all;
    for (const auto& [kind, counts] : kinds_) {
      print_row(kind, counts);
      all.injected += counts.injected, all.survived += counts.survived, all.lost += counts.lost,
          all.left += counts.left;
    }
    print_row("all", all);
  }

 private:
  static void print_row(const std::string& kind, const FaultCounts& c) {
    fmt::print("{:<34}{:>10}{:>10}{:>6}{:>22}\n", kind, c.injected, c.survived, c.lost, c.left);
  }

  std::map<std::string, FaultCounts> kinds_;
};

}  // namespace pathline
