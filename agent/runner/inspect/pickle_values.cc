#include "agent/runner/inspect/pickle_values.h"

#include <algorithm>

namespace skerry::inspect {

namespace {

struct Named {
  std::string_view module;
  std::string_view name;
  Function function;
};
constexpr Named kFunctions[] = {
    {"torch._utils", "_rebuild_tensor_v2", Function::kRebuildTensor},
    {"torch._utils", "_rebuild_qtensor", Function::kRebuildQuantised},
    {"torch.jit._pickle", "build_intlist", Function::kBuildIntegers},
    {"torch.jit._pickle", "build_tensorlist", Function::kBuildList},
    {"torch.jit._pickle", "build_doublelist", Function::kBuildList},
    {"torch.jit._pickle", "build_boollist", Function::kBuildList},
    {"torch.jit._pickle", "restore_type_tag", Function::kRestoreTypeTag},
    {"collections", "OrderedDict", Function::kOrderedDict},
    {"torch", "device", Function::kDevice},
    {"builtins", "complex", Function::kComplex},
};

struct NamedScheme {
  std::string_view name;
  Scheme scheme;
};
constexpr NamedScheme kSchemes[] = {
    {"per_tensor_affine", Scheme::kPerTensor},
    {"per_channel_affine", Scheme::kPerChannel},
    {"per_channel_affine_float_qparams", Scheme::kPerChannel},
};

}  // namespace

std::optional<Value> named_by_pytorch(std::string_view module, std::string_view name) {
  const auto* function = std::ranges::find_if(
      kFunctions, [&](const Named& named) { return named.module == module && named.name == name; });
  if (function != std::end(kFunctions)) {
    return Value{.is = Is::kFunction, .number = static_cast<std::int64_t>(function->function)};
  }
  if (module != "torch") {
    return std::nullopt;
  }
  const auto* scheme = std::ranges::find(kSchemes, name, &NamedScheme::name);
  if (scheme != std::end(kSchemes)) {
    return Value{.is = Is::kScheme, .number = static_cast<std::int64_t>(scheme->scheme)};
  }
  const auto* type = std::ranges::find(kStorageTypes, name, &StorageType::name);
  if (type != kStorageTypes.end()) {
    return Value{.is = Is::kStorageType,
                 .type = static_cast<TypeIndex>(type - kStorageTypes.begin())};
  }
  return std::nullopt;
}

}  // namespace skerry::inspect
