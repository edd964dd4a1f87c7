#include "pathline/app/app.hpp"

int main(int argc, char** argv) { return pathline::run_app(argc, argv); }
