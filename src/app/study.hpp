// The numerical studies of a model: what its solver, its gradient and its training cost and how accurate they are. They
// are the figures of the Neural ODE paper (Chen et al. 2018, figure 3) for the user's own model.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "pathline/app/figure.hpp"
#include "pathline/checkpoint/model.hpp"

namespace pathline {

// A curve of measured points. further: more columns of its table, each as long as x.
struct StudyCurve {
  std::string label;
  std::vector<double> x = {}, y = {};
  std::vector<std::pair<std::string, std::vector<double>>> further = {};
};

struct StudyChart {
  std::string name;                // of its files: "error_against_nfe"
  std::string title;               // of its panel
  std::string x_name, y_name;      // the columns of its table: "nfe"
  plot::Axis x, y;                 // of its panel
  std::vector<StudyCurve> curves;  // none: there is nothing to measure, and `summary` says why
  std::string summary = {};        // lines that the command prints

  std::string csv() const;  // curve,<x_name>,<y_name>,<further>
  void draw(plot::Figure& figure) const;
};

// What is studied.
struct StudySubject {
  Model<double> model;               // the exact one
  Model<float> single;               // the same in float
  Matrix<double> x, c;               // points of the model itself, d x N, with their conditions, dc x N
  std::vector<std::string> metrics;  // the lines of metrics.jsonl
  int threads = 1;
};

// x: `points` draws of the model; condition: dc x 1. metrics: of its training.
StudySubject study_subject(const std::string& file, Index points, std::uint64_t seed, const Matrix<double>& condition,
                           std::vector<std::string> metrics, int threads);

// The error of z(0) of each point, RMS, against the evaluations of the field, for every stepper: adaptive at
// tolerances from 1e-1 down, or 1, 2, 4, ... equal steps of a stepper without an error estimate.
StudyChart study_steppers(const StudySubject& subject);
// The mean and the largest error of log p against the tolerance of dopri5, in float and in double.
StudyChart study_tolerances(const StudySubject& subject);
// The relative error of the gradient of the mean NLL by the parameters, against the evaluations forward and back, for
// every adjoint method; with the seconds in its table.
StudyChart study_gradients(const StudySubject& subject);
// The evaluations of a training batch's solve, and of the validation's, against the iteration.
StudyChart study_training(const StudySubject& subject);
// A residual network of K layers that share the field of the first block, against the Neural ODE that it approximates by
// Euler's method: the relative errors of its last state, of dL/dx and of dL/dtheta, K = 4 ... 512, L the mean square of the
// last state.
StudyChart study_residual_network(const StudySubject& subject);

}  // namespace pathline
