#include <cstdio>

#include "pathline/density.hpp"

int main(int, char** argv) {
  const pathline::Density density(argv[1]);
  std::printf("%d\n", static_cast<int>(density.dim()));
}
