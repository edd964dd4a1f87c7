// When a solve has to end.
#pragma once

namespace pathline {

class SolveDeadline {
 public:
  SolveDeadline();         // of a solve that begins now
  double reached() const;  // the limit that is over, seconds; 0: none is

 private:
  double limit_, end_;  // of this solve alone, by seconds_now(); 0 while all solves together have a limit
};

}  // namespace pathline
