#include "agent/runner/torch_guard.h"
// First: it takes care of the order in which libtorch's headers must come.
#include <caffe2/serialize/read_adapter_interface.h>
#include <fmt/format.h>
#include <torch/csrc/jit/api/function_impl.h>
#include <torch/csrc/jit/ir/ir.h>
#include <torch/csrc/jit/runtime/operator.h>

#include <algorithm>
#include <array>
#include <map>
#include <string_view>
#include <utility>

namespace skerry::runner {

namespace {

using c10::IValue;
using c10::TypeKind;
using inspect::OperatorList;

// What libtorch's reader of archives reads from.
class CheckedReader final : public caffe2::serialize::ReadAdapterInterface {
 public:
  explicit CheckedReader(inspect::FreshArchive& archive) : archive_(archive) {}

  size_t size() const override { return archive_.size_bytes(); }
  size_t read(std::uint64_t position, void* into, size_t count, const char*) const override {
    const Status done = archive_.read(position, static_cast<char*>(into), count);
    TORCH_CHECK(done.has_value(), done ? std::string() : done.error().message);
    return count;
  }

 private:
  inspect::FreshArchive& archive_;
};

// libtorch's own passes look operators of these spaces up, whether a model names them or not.
constexpr std::array<std::string_view, 12> kSpacesOfPasses = {
    "aten", "prim", "quantized", "_quantized",       "sparse", "mkldnn",
    "mkl",  "onnx", "prepacked", "mkldnn_prepacked", "onednn", "static_runtime"};
// But not these.
constexpr std::array<std::string_view, 5> kReachOut = {
    "aten::save", "aten::from_file", "aten::wait", "aten::record_stream", "prim::id"};

bool reaches_out(std::string_view name) {
  const std::string_view space = name.substr(0, name.find("::"));
  return std::ranges::find(kSpacesOfPasses, space) == kSpacesOfPasses.end() ||
         std::ranges::find(kReachOut, name) != kReachOut.end();
}

void forget_operators(const OperatorList& operators) {
  for (const auto& op : torch::jit::getAllOperators()) {
    const std::string& name = op->schema().name();
    if (!operators.allows(name) && reaches_out(name)) {
      torch::jit::deregisterOperator(op->schema());
    }
  }
}

// The name of a class that a library brings, as the list has it; empty if it is the model's own, or none.
std::string library_class(const c10::Type& type) {
  constexpr std::string_view kFront = "__torch__.torch.classes.";
  const auto named = type.cast<c10::ClassType>();
  if (!named || !named->name()) {
    return {};
  }
  const std::string full = named->name()->qualifiedName();
  return full.starts_with(kFront) ? full.substr(std::string_view("__torch__.").size()) : "";
}

Status check_block(const torch::jit::Block& block, const std::string& where,
                   const OperatorList& operators) {
  for (const torch::jit::Node* node : block.nodes()) {
    if (Status fine = operators.check(node->kind().toQualString(), where); !fine) {
      return fine;
    }
    for (const torch::jit::Value* output : node->outputs()) {
      const std::string library = library_class(*output->type());
      if (Status fine = library.empty() ? Status() : operators.check(library, where); !fine) {
        return fine;
      }
    }
    for (const torch::jit::Block* inner : node->blocks()) {
      if (Status fine = check_block(*inner, where, operators); !fine) {
        return fine;
      }
    }
  }
  return {};
}

Status check_operators(const torch::jit::Module& module, const OperatorList& operators) {
  for (torch::jit::Function* function : module._ivalue()->compilation_unit()->get_functions()) {
    const auto* compiled = torch::jit::tryToGraphFunction(*function);
    const std::string where =
        fmt::format("its function '{}'", function->qualname().qualifiedName());
    if (compiled == nullptr) {
      return fail(ErrorCode::kModelFailed, where + " is not compiled from its code");
    }
    if (Status fine = check_block(*compiled->graph()->block(), where, operators); !fine) {
      return fine;
    }
  }
  return {};
}

// Whether values are of the types that are declared for them, all the way down.
class ValueCheck {
 public:
  bool fits(const IValue& value, const c10::Type& type) {
    if (!value.isPtrType()) {
      return look(value, type);
    }
    // Each once, since they may be shared; true while one is being looked at.
    const auto [known, first] = known_.emplace(std::pair(value.internalToPointer(), &type), true);
    if (first) {
      known->second = look(value, type);
    }
    return known->second;
  }
  // The first attribute that does not fit; empty if all do.
  const std::string& wrong() const { return wrong_; }

 private:
  bool look(const IValue& value, const c10::Type& type) {
    switch (type.kind()) {
      case TypeKind::AnyType:
        return !value.isObject() || fit_object(value);
      case TypeKind::OptionalType:
        return value.isNone() || fits(value, *type.containedType(0));
      case TypeKind::UnionType:
        return std::ranges::any_of(type.containedTypes(),
                                   [&](const c10::TypePtr& one) { return fits(value, *one); });
      case TypeKind::TensorType:
        return value.isTensor();
      case TypeKind::ListType:
        return value.isList() && fit_list(value, *type.containedType(0));
      case TypeKind::DictType:
        return value.isGenericDict() && fit_dict(value, type);
      case TypeKind::TupleType:
        return value.isTuple() && fit_tuple(value, type);
      case TypeKind::ClassType:
      case TypeKind::InterfaceType:
        return value.isObject() && value.toObjectRef().type()->isSubtypeOf(type) &&
               fit_object(value);
      default:
        return value.type()->isSubtypeOf(type);
    }
  }
  bool fit_list(const IValue& value, const c10::Type& element) {
    const auto items = value.toListRef();
    return std::ranges::all_of(items, [&](const IValue& item) { return fits(item, element); });
  }
  bool fit_dict(const IValue& value, const c10::Type& type) {
    bool fine = true;
    for (const auto& item : value.toGenericDict()) {
      fine = fine && fits(item.key(), *type.containedType(0)) &&
             fits(item.value(), *type.containedType(1));
    }
    return fine;
  }
  bool fit_tuple(const IValue& value, const c10::Type& type) {
    const auto& items = value.toTupleRef().elements();
    bool fine = items.size() == type.containedTypeSize();
    for (std::size_t i = 0; fine && i < items.size(); ++i) {
      fine = fits(items[i], *type.containedType(i));
    }
    return fine;
  }
  bool fit_object(const IValue& value) {
    const auto& object = value.toObjectRef();
    const auto& type = *object.type();
    if (!library_class(type).empty()) {
      return true;
    }
    bool fine = object.slots().size() >= type.numAttributes();
    for (std::size_t i = 0; fine && i < type.numAttributes(); ++i) {
      fine = fits(object.getSlot(i), *type.getAttribute(i));
      if (!fine && wrong_.empty()) {
        wrong_ =
            fmt::format("{}.{}", type.name() ? type.name()->name() : "?", type.getAttributeName(i));
      }
    }
    return fine;
  }

  std::map<std::pair<const void*, const c10::Type*>, bool> known_;
  std::string wrong_;
};

}  // namespace

Result<torch::jit::Module> load_guarded(inspect::FreshArchive& archive,
                                        const OperatorList& operators, at::Device device) {
  forget_operators(operators);
  auto module = torch::jit::load(std::make_shared<CheckedReader>(archive), device);
  if (Status fine = check_operators(module, operators); !fine) {
    return fail(ErrorCode::kModelFailed, "the model is refused: " + fine.error().message);
  }
  ValueCheck values;
  if (!values.fits(module._ivalue(), *module.type())) {
    return fail(ErrorCode::kModelFailed,
                fmt::format("the model is refused: its attribute {} holds a value of another type",
                            values.wrong()));
  }
  return module;
}

}  // namespace skerry::runner
