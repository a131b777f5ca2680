// pickle_values.h: what the walk over a pickle (pickle.h) keeps of each value: its kind, and as much of its
// content as the checks ask for.

#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace skerry::inspect {

enum class Is : std::uint8_t {
  kNone,
  kBool,
  kInt,
  kFloat,
  kText,
  kTuple,
  kList,
  kDict,
  kFunction,
  kStorageType,
  kScheme,  // of quantisation
  kClass,
  kNew,  // made by NEWOBJ, without its state
  kObject,
  kStorage,
  kTensor,
  kOther,  // whatever nothing asks about: a device, hooks
};

enum class Function : std::uint8_t {
  kRebuildTensor,
  kRebuildQuantised,
  kBuildIntegers,  // the one that debug tables use, too
  kBuildList,
  kRestoreTypeTag,
  kOrderedDict,
  kDevice,
  kComplex,
};

enum class Scheme : std::uint8_t { kPerTensor, kPerChannel };

// A type of elements by its place in kStorageTypes.
using TypeIndex = std::uint8_t;

struct StorageType {
  std::string_view name;  // as the pickle calls it
  std::uint8_t bytes;
  std::uint8_t values;  // of a tensor, in each
};
constexpr std::array<StorageType, 18> kStorageTypes = {{{"ByteStorage", 1, 1},
                                                        {"CharStorage", 1, 1},
                                                        {"ShortStorage", 2, 1},
                                                        {"IntStorage", 4, 1},
                                                        {"LongStorage", 8, 1},
                                                        {"HalfStorage", 2, 1},
                                                        {"FloatStorage", 4, 1},
                                                        {"DoubleStorage", 8, 1},
                                                        {"ComplexHalfStorage", 4, 1},
                                                        {"ComplexFloatStorage", 8, 1},
                                                        {"ComplexDoubleStorage", 16, 1},
                                                        {"BoolStorage", 1, 1},
                                                        {"BFloat16Storage", 2, 1},
                                                        {"QInt8Storage", 1, 1},
                                                        {"QUInt8Storage", 1, 1},
                                                        {"QInt32Storage", 4, 1},
                                                        {"QUInt4x2Storage", 1, 2},
                                                        {"QUInt2x4Storage", 1, 4}}};

struct Value {
  Is is = Is::kNone;
  // The list or dictionary as it was made here: it may still grow. What comes from the memo may not.
  bool fresh = false;
  TypeIndex type = 0;       // storage type, storage, tensor
  std::uint16_t depth = 0;  // of a tuple or object: containers within containers
  std::uint32_t count = 0;  // of a tuple: how many items
  // kInt: itself. kTuple: the first item. kList, kDict: its box. kFunction, kScheme: which one.
  // kStorage, kTensor: how many elements.
  std::int64_t number = 0;
  std::string_view text;  // kText; kClass: its name, for messages
};

// The function, storage type or scheme that PyTorch calls so; nullopt if it is none of these.
std::optional<Value> named_by_pytorch(std::string_view module, std::string_view name);

// The items of all tuples, in one place.
class Items {
 public:
  // A tuple of these.
  Value keep(std::span<const Value> items) {
    const auto first = static_cast<std::int64_t>(all_.size());
    all_.insert(all_.end(), items.begin(), items.end());
    return {.is = Is::kTuple, .count = static_cast<std::uint32_t>(items.size()), .number = first};
  }
  // Valid until the next keep().
  std::span<const Value> of(const Value& tuple) const {
    return std::span(all_).subspan(static_cast<std::size_t>(tuple.number), tuple.count);
  }

 private:
  std::vector<Value> all_;
};

}  // namespace skerry::inspect
