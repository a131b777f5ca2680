// model.h: a loaded model that runs one forward after another.
//
// The implementation (torch_model.cc) lives in a library of its own, which backend.cc opens only
// when a model is to be loaded: libtorch brings some 300 shared libraries, whose start-up code then
// runs inside the sandbox that was set up before, with the number of threads that the Load asked
// for already in the environment, where the BLAS libraries look once. An empty runner stays small
// and starts at once.

#pragma once

#include <memory>
#include <string>

#include "agent/runner/inspect/checked_model.h"
#include "agent/runner/preprocess.h"
#include "agent/runner/protocol.h"
#include "common/error.h"
#include "common/manifest.h"
#include "common/values.h"

namespace skerry::runner {

// Not thread-safe; one thread loads and runs. Nothing throws: what libtorch throws becomes
// kModelFailed with the first line of its message. After a failed run the model is as usable as
// before, except that a sequence's state is undefined.
class Model {
 public:
  virtual ~Model() = default;

  // Runs the inputs through the model. A stateful model starts afresh unless sequence is that of
  // the run before and not empty. Tensors are checked against the manifest by prepare().
  virtual Result<Values> run(const std::string& sequence, const Prepared& inputs) = 0;
  // "cpu" or "cuda:0".
  virtual std::string device() const = 0;
};

using ModelResult = Result<std::unique_ptr<Model>>;

// Opens the library with libtorch (once) and loads the model out of the archive that was checked; it is
// warm when this returns, and the archive is not needed any more. kUnsupported: no such library or device
// here; kInvalidArgument: it is no model that fits the manifest.
ModelResult load_model(const Load& load, const ModelManifest& manifest,
                       inspect::CheckedModel& checked);

// The path of that library: found at the first call, which comes before the sandbox takes away the
// sight of it.
const std::string& torch_library();

// What the library with libtorch exports under the name kTorchLoader; a C name returns no C++
// value, hence the reference.
using TorchLoader = void (*)(const Load& load, const ModelManifest& manifest,
                             inspect::CheckedModel& checked, ModelResult& result);
constexpr const char* kTorchLoader = "skerry_load_torch_model";

}  // namespace skerry::runner
