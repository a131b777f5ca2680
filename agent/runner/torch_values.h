// torch_values.h: between libtorch's values and ours.
//
// Only for torch_model.cc: libtorch's headers take 13 s to compile, so few files include them.

#pragma once

#include <ATen/core/ivalue.h>
// ivalue.h comes first: Clang wants its templates complete before the rest of libtorch uses them.
#include <fmt/format.h>
#include <torch/script.h>

#include <optional>
#include <string>
#include <vector>

#include "common/error.h"
#include "common/values.h"

namespace skerry::runner {

using torch::jit::IValue;

constexpr std::size_t kMaxRank = 8;  // what common/values.h carries

// The line of an exception that says what happened: the last one if the TorchScript interpreter put
// its traceback before it, otherwise the first.
inline std::string essence(const std::exception& thrown) {
  const auto* error = dynamic_cast<const c10::Error*>(&thrown);
  std::string text = error != nullptr ? error->what_without_backtrace() : thrown.what();
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) {
    text.pop_back();
  }
  text.erase(0, text.find_first_not_of('\n'));  // the compiler's begin with one
  if (text.find("Traceback of TorchScript") != std::string::npos) {
    return text.substr(text.rfind('\n') + 1);
  }
  return text.substr(0, text.find('\n'));
}

inline at::ScalarType scalar_type(DType dtype) {
  switch (dtype) {
    case DType::kF32:
      return at::kFloat;
    case DType::kF64:
      return at::kDouble;
    case DType::kF16:
      return at::kHalf;
    case DType::kI64:
      return at::kLong;
    case DType::kI32:
      return at::kInt;
    case DType::kI16:
      return at::kShort;
    case DType::kI8:
      return at::kChar;
    case DType::kU8:
      return at::kByte;
    case DType::kBool:
      return at::kBool;
  }
  return at::kFloat;
}

inline std::optional<DType> dtype_of(at::ScalarType type) {
  for (int i = 0; i <= static_cast<int>(DType::kBool); ++i) {
    if (scalar_type(static_cast<DType>(i)) == type) {
      return static_cast<DType>(i);
    }
  }
  return std::nullopt;
}

inline Result<Tensor> from_torch(at::Tensor tensor, bool as_float) {
  if (as_float || tensor.scalar_type() == at::kBFloat16) {
    tensor = tensor.to(at::kFloat);
  }
  const auto dtype = dtype_of(tensor.scalar_type());
  if (!dtype || static_cast<std::size_t>(tensor.dim()) > kMaxRank) {
    return fail(
        ErrorCode::kModelFailed,
        fmt::format("the model yields a tensor of {} with {} dimensions, which cannot be sent",
                    c10::toString(tensor.scalar_type()), tensor.dim()));
  }
  tensor = tensor.to(at::kCPU).contiguous();
  return Tensor{.dtype = *dtype,
                .shape = tensor.sizes().vec(),
                .data = std::string(static_cast<const char*>(tensor.data_ptr()), tensor.nbytes())};
}

// What forward() yields, taken apart: tensors with the key that a dictionary gives them, otherwise
// without a name.
struct Yield {
  std::string key;
  at::Tensor tensor;
};

inline Status take_apart(const IValue& value, const std::string& key, std::vector<Yield>& yields) {
  if (value.isTensor()) {
    yields.push_back({.key = key, .tensor = value.toTensor()});
    return {};
  }
  if (value.isScalar()) {
    yields.push_back({.key = key, .tensor = at::scalar_tensor(value.toScalar())});
    return {};
  }
  if (value.isTuple() || value.isList()) {
    const auto items =
        value.isTuple() ? value.toTupleRef().elements().vec() : value.toListRef().vec();
    for (const IValue& item : items) {
      if (auto taken = take_apart(item, "", yields); !taken) {
        return taken;
      }
    }
    return {};
  }
  if (value.isGenericDict()) {
    for (const auto& entry : value.toGenericDict()) {
      const std::string name = entry.key().isString() ? entry.key().toStringRef() : "";
      if (auto taken = take_apart(entry.value(), name, yields); !taken) {
        return taken;
      }
    }
    return {};
  }
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("the model yields a {}, which is no output", value.tagKind()));
}

// What the type of a forward's argument asks for.
enum class Wants { kTensor, kInt, kFloat, kBool, kOther };

inline Wants wants(const c10::TypePtr& type) {
  switch (type->kind()) {
    case c10::TypeKind::TensorType:
      return Wants::kTensor;
    case c10::TypeKind::IntType:
      return Wants::kInt;
    case c10::TypeKind::FloatType:
    case c10::TypeKind::NumberType:
      return Wants::kFloat;
    case c10::TypeKind::BoolType:
      return Wants::kBool;
    case c10::TypeKind::OptionalType:
      return wants(type->expectRef<c10::OptionalType>().getElementType());
    default:
      return Wants::kOther;
  }
}

inline IValue as_argument(const at::Tensor& tensor, Wants wanted) {
  switch (wanted) {
    case Wants::kInt:
      return tensor.item<std::int64_t>();
    case Wants::kFloat:
      return tensor.item<double>();
    case Wants::kBool:
      return tensor.item<bool>();
    case Wants::kTensor:
    case Wants::kOther:
      break;
  }
  return tensor;
}

}  // namespace skerry::runner
