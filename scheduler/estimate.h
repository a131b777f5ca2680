// estimate.h: how a figure per node and variant is guessed, and how it follows what is measured.
//
// A guess has a deviation of half its size. The n-th measurement has the weight max(1/n, 0.1): the
// first replaces the guess, the early ones are averaged, later ones are forgotten exponentially.
// Two rules keep one outlier from doing harm:
//
//   - A measurement counts as at most three deviations away from the mean (a deviation being at
//     least a tenth of the mean), so that one of a hundred times the usual moves a settled mean by
//     3 %. Deviation grows with every such surprise, so that a lasting change is followed within
//     about fifteen measurements.
//   - Up to the fourth measurement, one of less than half the mean starts the estimate anew: first
//     forwards are slow because caches and compilers warm up, and nothing makes a forward faster
//     than it is.
//
// A probe is many runs in a row, of which the median is learned: neither the first cold ones nor
// one that the operating system interrupted count. Runs in a row share the mood of the moment (what
// else runs on the machine), so a probe weighs as kProbeSamples measurements however many runs it
// has. What disturbs a run only ever makes it slower: while an estimate is not settled, a probe that
// was faster replaces it, and one unlucky moment is forgotten at the next probe.

#pragma once

#include <span>

#include "scheduler/fleet.h"

namespace skerry::scheduler {

constexpr double kGuessDeviation = 0.5;  // of the mean
constexpr double kCorrectedDeviation =
    0.25;  // of the mean, once other variants of the model were measured there

Estimate guessed(double mean, double relative_deviation);

// The estimate after one more measurement. A measurement that is negative or not finite changes
// nothing.
Estimate learned(const Estimate& estimate, double measured);

constexpr std::uint32_t kProbeSamples = 3;
constexpr double kProbeDeviation = 0.15;  // of the median, at least: moods differ

// The estimate after a probe. Runs that are negative or not finite do not count.
Estimate probed(const Estimate& estimate, std::span<const double> runs);

constexpr std::uint32_t kSettledSamples = 10;
inline bool settled(const Estimate& estimate) { return estimate.samples >= kSettledSamples; }
// What was measured long ago counts no more than a probe.
Estimate doubted(const Estimate& estimate);

}  // namespace skerry::scheduler
