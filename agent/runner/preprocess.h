// preprocess.h: turns what a client sent into the tensors that a model's forward takes, as its
// manifest says.
//
// Pure and without libtorch. An image becomes f32 [1, channels, height, width]; a sound becomes f32
// [1, samples], or [windows, window_samples] when the manifest asks for one forward per window.
// Besides PNG, JPEG and WAV a client may send the pixels themselves (u8 [height, width] or [height,
// width, channels]) or the samples (f32 [samples], at the model's rate), which protocols that only
// know tensors need. Every refusal is kInvalidArgument and names the input.

#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "common/error.h"
#include "common/manifest.h"
#include "common/values.h"

namespace skerry::runner {

struct Prepared {
  std::vector<Tensor> arguments;  // one per input that is no constant, in the manifest's order
  std::optional<std::size_t>
      windowed;  // of these, the one whose rows are given to one forward each
};

Result<Prepared> prepare(const ModelManifest& manifest, const Values& values);

// The inputs of a probe or a warm-up: zeros of the manifest's shapes with -1 taken as 1, a black
// image, a second of silence.
Result<Prepared> synthetic_inputs(const ModelManifest& manifest);

}  // namespace skerry::runner
