// The families of toys; each is one file. toy.cpp keeps the list.
#pragma once

#include <memory>

#include "pathline/data/toy.hpp"

namespace pathline {

std::unique_ptr<Toy> make_swissroll();     // curve_toy.cpp
std::unique_ptr<Toy> make_moons();         // curve_toy.cpp
std::unique_ptr<Toy> make_circles();       // ring_toy.cpp
std::unique_ptr<Toy> make_rings();         // ring_toy.cpp
std::unique_ptr<Toy> make_8gaussians();    // gaussians_toy.cpp
std::unique_ptr<Toy> make_pinwheel();      // pinwheel_toy.cpp
std::unique_ptr<Toy> make_2spirals();      // spirals_toy.cpp
std::unique_ptr<Toy> make_checkerboard();  // checkerboard_toy.cpp

}  // namespace pathline
