// torch_guard.h: what libtorch itself says about a model that was inspected (inspect/checked_model.h):
// the second look, which texts cannot fool.
//
// Before a model is parsed, the operators that reach out of the process and are not allowed are taken out
// of libtorch's registry: no code can name them, however it is written, not even a `__setstate__` that runs
// while the model is loaded. After it is parsed and before anything of it runs, every operator that was
// compiled must be on the list, and every value must be of the type that its class declares, since the
// interpreter trusts that.
//
// Used by the one thread that loads; throws what libtorch throws.

#pragma once

#include <ATen/core/ivalue.h>
// ivalue.h comes first: Clang wants its templates complete before the rest of libtorch uses them.
#include <torch/script.h>

#include "agent/runner/inspect/fresh_archive.h"
#include "agent/runner/inspect/operators.h"
#include "common/error.h"

namespace skerry::runner {

// Parses the model in an archive that was inspected. kModelFailed: what it uses that it may not.
Result<torch::jit::Module> load_guarded(inspect::FreshArchive& archive,
                                        const inspect::OperatorList& operators, at::Device device);

}  // namespace skerry::runner
