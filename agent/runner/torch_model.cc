// The Model that libtorch runs. This and torch_guard.cc are the only files here that include its headers
// (they take 13 s to compile, and define CHECK and LOG).
#include "agent/runner/torch_values.h"
// First: it takes care of the order in which libtorch's headers must come.
#include <fmt/format.h>
#include <torch/script.h>

#include <algorithm>
#include <optional>

#include "agent/runner/model.h"
#include "agent/runner/postprocess.h"
#include "agent/runner/torch_device.h"
#include "agent/runner/torch_guard.h"

namespace skerry::runner {

namespace {

class TorchModel final : public Model {
 public:
  TorchModel(torch::jit::Module module, ModelManifest manifest, at::Device device)
      : module_(std::move(module)), manifest_(std::move(manifest)), device_(device) {}

  // Learns what forward() takes, and keeps what every sequence starts from. Throws what libtorch
  // throws.
  Status fit();
  Result<Values> run(const std::string& sequence, const Prepared& inputs) override;
  std::string device() const override { return device_.str(); }

 private:
  void start_sequence(const std::string& sequence);
  Result<std::vector<IValue>> arguments(const Prepared& inputs) const;
  Result<std::vector<Yield>> forward(std::vector<IValue> arguments);
  Result<std::vector<Yield>> forward_windows(std::vector<IValue> arguments, std::size_t windowed);
  Result<Values> outputs(std::vector<Yield> yields) const;

  torch::jit::Module module_;
  ModelManifest manifest_;
  at::Device device_;
  std::vector<Wants> wants_;                    // per input of the manifest
  std::vector<IValue> constants_;               // per input; None unless it is a constant
  std::optional<torch::jit::Module> pristine_;  // of a stateful model without a reset method
  std::optional<std::string> sequence_;         // of the run before
};

Status TorchModel::fit() {
  const auto forward = module_.find_method("forward");
  if (!forward) {
    return fail(ErrorCode::kInvalidArgument, "the model has no forward method");
  }
  const auto& parameters = forward->function().getSchema().arguments();  // [0] is self
  const std::size_t inputs = manifest_.inputs.size();
  const auto required = static_cast<std::size_t>(
      std::count_if(parameters.begin() + 1, parameters.end(),
                    [](const auto& parameter) { return !parameter.default_value(); }));
  if (inputs < required || inputs + 1 > parameters.size()) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("the manifest has {} inputs, but the model's forward takes {} to {}",
                            inputs, required, parameters.size() - 1));
  }
  for (std::size_t i = 0; i < inputs; ++i) {
    const InputSpec& input = manifest_.inputs[i];
    wants_.push_back(wants(parameters[i + 1].type()));
    if (wants_.back() == Wants::kOther) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("input '{}' is a {} for the model's forward, which a manifest cannot "
                              "describe",
                              input.name, parameters[i + 1].type()->annotation_str()));
    }
    const bool is_constant = input.kind == InputKind::kConstant;
    constants_.push_back(
        is_constant
            ? as_argument(
                  at::full(input.shape, input.constant, scalar_type(input.dtype)).to(device_),
                  wants_.back())
            : IValue());
  }
  if (!manifest_.reset_method.empty() && !module_.find_method(manifest_.reset_method)) {
    return fail(
        ErrorCode::kInvalidArgument,
        fmt::format("the model has no method '{}' to reset its state", manifest_.reset_method));
  }
  if (manifest_.stateful && manifest_.reset_method.empty()) {
    pristine_ = module_.deepcopy();
  }
  return {};
}

void TorchModel::start_sequence(const std::string& sequence) {
  const bool goes_on = !sequence.empty() && sequence_ == sequence;
  sequence_ = sequence;
  if (!manifest_.stateful || goes_on) {
    return;
  }
  if (pristine_) {
    module_ = pristine_->deepcopy();
  } else {
    module_.get_method(manifest_.reset_method)({});
  }
}

Result<std::vector<IValue>> TorchModel::arguments(const Prepared& inputs) const {
  std::vector<IValue> all = constants_;
  std::size_t sent = 0;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (manifest_.inputs[i].kind == InputKind::kConstant) {
      continue;
    }
    const Tensor& input = inputs.arguments[sent++];
    auto* data = const_cast<char*>(input.data.data());  // NOLINT: from_blob has no const form
    at::Tensor tensor = at::from_blob(data, input.shape, scalar_type(input.dtype));
    if (wants_[i] != Wants::kTensor && tensor.numel() != 1) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("input '{}' is one number for the model, not {}",
                              manifest_.inputs[i].name, tensor.numel()));
    }
    if (manifest_.stateful) {
      tensor = tensor.clone();  // the model may keep a view of it in its state
    }
    all[i] = as_argument(tensor.to(device_), wants_[i]);
  }
  return all;
}

Result<std::vector<Yield>> TorchModel::forward(std::vector<IValue> arguments) {
  std::vector<Yield> yields;
  if (auto taken = take_apart(module_.forward(std::move(arguments)), "", yields); !taken) {
    return fail(std::move(taken).error());
  }
  return yields;
}

// One forward per row of the windowed argument; each output is stacked to [windows, ...].
Result<std::vector<Yield>> TorchModel::forward_windows(std::vector<IValue> arguments,
                                                       std::size_t windowed) {
  const at::Tensor rows = arguments[windowed].toTensor();
  std::vector<std::vector<at::Tensor>> collected;
  std::vector<Yield> last;
  for (std::int64_t window = 0; window < rows.size(0); ++window) {
    arguments[windowed] = rows.narrow(0, window, 1);
    auto yields = forward(arguments);
    if (!yields) {
      return yields;
    }
    last = std::move(*yields);
    collected.resize(std::max(collected.size(), last.size()));
    for (std::size_t i = 0; i < last.size(); ++i) {
      collected[i].push_back(last[i].tensor);
    }
  }
  for (std::size_t i = 0; i < last.size(); ++i) {
    last[i].tensor = at::stack(collected[i]);
  }
  return last;
}

Result<Values> TorchModel::outputs(std::vector<Yield> yields) const {
  if (!manifest_.outputs.empty() && manifest_.outputs.size() != yields.size()) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("the manifest has {} outputs, but the model yields {}",
                            manifest_.outputs.size(), yields.size()));
  }
  Values values;
  for (std::size_t i = 0; i < yields.size(); ++i) {
    OutputSpec spec{.name = yields[i].key};
    if (!manifest_.outputs.empty()) {
      spec = manifest_.outputs[i];
    } else if (spec.name.empty()) {
      spec.name = yields.size() == 1 ? "output" : fmt::format("output_{}", i);
    }
    // A dictionary's tensors go to the outputs that have their names, otherwise position decides.
    const auto by_name = std::find_if(yields.begin(), yields.end(),
                                      [&](const Yield& y) { return y.key == spec.name; });
    const Yield& yield = by_name != yields.end() ? *by_name : yields[i];
    auto tensor = from_torch(yield.tensor, spec.kind == OutputKind::kLabels);
    if (!tensor) {
      return fail(std::move(tensor).error());
    }
    auto value = to_output(spec, std::move(*tensor));
    if (!value) {
      return fail(std::move(value).error());
    }
    values.push_back(std::move(*value));
  }
  return values;
}

Result<Values> TorchModel::run(const std::string& sequence, const Prepared& inputs) {
  try {
    const c10::InferenceMode no_gradients;
    start_sequence(sequence);
    auto given = arguments(inputs);
    if (!given) {
      return fail(std::move(given).error());
    }
    auto yields = inputs.windowed ? forward_windows(std::move(*given), *inputs.windowed)
                                  : forward(std::move(*given));
    if (!yields) {
      return fail(std::move(yields).error());
    }
    return outputs(std::move(*yields));
  } catch (const std::exception& thrown) {
    return fail(ErrorCode::kModelFailed, essence(thrown));
  }
}

// A frozen module has its weights folded in as constants. Not every module can be frozen, least of
// all one with state.
torch::jit::Module optimised(torch::jit::Module module, const ModelManifest& manifest) {
  module.eval();
  if (manifest.stateful) {
    return module;
  }
  try {
    return torch::jit::freeze(module);
  } catch (const std::exception&) {
    return module;
  }
}

// Two forwards, after which the JIT has profiled and compiled. A model may refuse zeros, and then
// meets its first request cold; one that does not fit its manifest is refused.
Status warm_up(TorchModel& model, const ModelManifest& manifest) {
  const auto inputs = synthetic_inputs(manifest);
  for (int i = 0; inputs && i < 2; ++i) {
    const auto outputs = model.run("", *inputs);
    if (!outputs && outputs.error().code == ErrorCode::kInvalidArgument) {
      return fail(outputs.error());
    }
  }
  return {};
}

ModelResult load_torch_model(const Load& load, const ModelManifest& manifest,
                             inspect::CheckedModel& checked) {
  set_threads(static_cast<int>(load.threads));
  const auto device = choose_device(load.device);
  if (!device) {
    return fail(device.error());
  }
  auto module = load_guarded(checked.archive(), checked.operators(), *device);
  if (!module) {
    return fail(std::move(module).error());
  }
  auto model =
      std::make_unique<TorchModel>(optimised(std::move(*module), manifest), manifest, *device);
  if (auto fits = model->fit(); !fits) {
    return fail(std::move(fits).error());
  }
  if (auto warm = warm_up(*model, manifest); !warm) {
    return fail(std::move(warm).error());
  }
  return model;
}

}  // namespace

extern "C" __attribute__((visibility("default"))) void skerry_load_torch_model(
    const Load& load, const ModelManifest& manifest, inspect::CheckedModel& checked,
    ModelResult& result) {
  try {
    result = load_torch_model(load, manifest, checked);
  } catch (const std::exception& thrown) {
    result = fail(ErrorCode::kModelFailed,
                  fmt::format("the model cannot be loaded: {}", essence(thrown)));
  }
}

}  // namespace skerry::runner
