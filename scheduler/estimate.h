// estimate.h: how a figure per node and variant is guessed, and how it follows what is measured.
//
// A guess has a deviation of half its size. The n-th measurement has the weight max(1/n, 0.1): the
// first replaces the guess, the early ones are averaged, later ones are forgotten exponentially.
// Two rules keep one outlier from doing harm:
//
//   - A measurement counts as at most three deviations away from the mean (a deviation being at
//   least a tenth of the
//     mean), so that one of a hundred times the usual moves a settled mean by 3 %. Deviation grows
//     with every such surprise, so that a lasting change is followed within about fifteen
//     measurements.
//   - Up to the fourth measurement, one of less than half the mean starts the estimate anew: first
//   forwards are slow
//     because caches and compilers warm up, and nothing makes a forward faster than it is.

#pragma once

#include "scheduler/fleet.h"

namespace skerry::scheduler {

constexpr double kGuessDeviation = 0.5;  // of the mean
constexpr double kCorrectedDeviation =
    0.25;  // of the mean, once other variants of the model were measured there

Estimate guessed(double mean, double relative_deviation);

// The estimate after one more measurement. A measurement that is negative or not finite changes
// nothing.
Estimate learned(const Estimate& estimate, double measured);

}  // namespace skerry::scheduler
