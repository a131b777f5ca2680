// postprocess.h: turns a tensor that a model yielded into the output that its manifest promises:
// itself, or labels.
//
// Pure and without libtorch. Labels want one row of f32 scores, as many as the manifest has labels;
// anything else is kInvalidArgument with both numbers, since model and manifest do not fit. Scores
// that are not numbers are kModelFailed.

#pragma once

#include "common/error.h"
#include "common/manifest.h"
#include "common/values.h"

namespace skerry::runner {

Result<NamedValue> to_output(const OutputSpec& output, Tensor tensor);

}  // namespace skerry::runner
