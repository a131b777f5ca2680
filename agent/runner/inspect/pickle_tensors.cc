#include "agent/runner/inspect/pickle_tensors.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "agent/runner/inspect/zip.h"

namespace skerry::inspect {

namespace {

constexpr std::size_t kMostDimensions = 64;

std::unexpected<Error> refuse(std::string what) {
  return fail(ErrorCode::kModelFailed, std::move(what));
}

Result<std::vector<std::int64_t>> integers(const Value& tuple, const Items& items) {
  std::vector<std::int64_t> numbers;
  if (tuple.count > kMostDimensions) {
    return refuse(fmt::format("a tensor has {} dimensions", tuple.count));
  }
  for (const Value& item : items.of(tuple)) {
    if (item.is != Is::kInt) {
      return refuse("a tensor's sizes and strides are not all numbers");
    }
    numbers.push_back(item.number);
  }
  return numbers;
}

struct Shape {
  Value tensor;
  std::vector<std::int64_t> sizes;
};

Result<Shape> shape_of(std::span<const Value> arguments, const Items& items) {
  const Value& storage = arguments[0];
  auto sizes = integers(arguments[2], items);
  const auto strides = sizes ? integers(arguments[3], items) : sizes;
  if (!strides) {
    return fail(strides.error());
  }
  const std::int64_t room = storage.number * kStorageTypes[storage.type].values;
  const auto elements = elements_within(arguments[1].number, *sizes, *strides, room);
  if (!elements) {
    return refuse(
        fmt::format("a tensor of sizes [{}], strides [{}] and offset {} reaches out of its "
                    "storage of {} elements",
                    fmt::join(*sizes, ", "), fmt::join(*strides, ", "), arguments[1].number, room));
  }
  return Shape{.tensor = {.is = Is::kTensor, .type = storage.type, .number = *elements},
               .sizes = std::move(*sizes)};
}

bool is_quantised(TypeIndex type) { return kStorageTypes[type].name.starts_with('Q'); }

// Scales and zero points, one for each place along the axis.
bool fits_axis(std::span<const Value> scheme, std::span<const std::int64_t> sizes) {
  if (!has_kinds(scheme, {Is::kScheme, Is::kTensor, Is::kTensor, Is::kInt})) {
    return false;
  }
  const std::int64_t axis = scheme[3].number;
  return axis >= 0 && axis < static_cast<std::int64_t>(sizes.size()) &&
         scheme[1].number == sizes[static_cast<std::size_t>(axis)] &&
         scheme[2].number == scheme[1].number && !is_quantised(scheme[1].type) &&
         !is_quantised(scheme[2].type);
}

bool is_device(std::string_view text) {
  return !text.empty() && text.size() <= 16 && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == ':';
  });
}

}  // namespace

bool has_kinds(std::span<const Value> values, std::initializer_list<Is> kinds) {
  return std::ranges::equal(values, kinds, {}, &Value::is);
}

Result<Value> load_storage(std::span<const Value> identity, const Storages& storages,
                           std::set<std::string_view>& loaded) {
  if (!has_kinds(identity, {Is::kText, Is::kStorageType, Is::kText, Is::kText, Is::kInt}) ||
      identity[0].text != "storage" || !is_device(identity[3].text)) {
    return refuse("what is to be loaded is no storage");
  }
  const std::string_view key = identity[2].text;
  const auto entry = storages.find(key);
  if (entry == storages.end()) {
    return refuse(fmt::format("there is no entry for its storage '{}'", printable(key)));
  }
  const auto elements = identity[4].number;
  const std::uint64_t element_bytes = kStorageTypes[identity[1].type].bytes;
  if (elements < 0 || entry->second % element_bytes != 0 ||
      entry->second / element_bytes != static_cast<std::uint64_t>(elements)) {
    return refuse(
        fmt::format("storage '{}' is to have {} elements of {} bytes, and its entry has {} "
                    "bytes",
                    printable(key), elements, element_bytes, entry->second));
  }
  if (!loaded.insert(key).second) {
    return refuse(fmt::format("storage '{}' is loaded twice", printable(key)));
  }
  return Value{.is = Is::kStorage, .type = identity[1].type, .number = elements};
}

Result<Value> rebuild_tensor(std::span<const Value> arguments, const Items& items) {
  const bool plain =
      has_kinds(arguments, {Is::kStorage, Is::kInt, Is::kTuple, Is::kTuple, Is::kBool, Is::kOther});
  const bool described = has_kinds(arguments, {Is::kStorage, Is::kInt, Is::kTuple, Is::kTuple,
                                               Is::kBool, Is::kOther, Is::kDict});
  if ((!plain && !described) || is_quantised(arguments[0].type)) {
    return refuse("a tensor is not made of a storage, an offset, sizes and strides");
  }
  const auto shape = shape_of(arguments, items);
  return shape ? Result<Value>(shape->tensor) : fail(shape.error());
}

Result<Value> rebuild_quantised(std::span<const Value> arguments, const Items& items) {
  if (!has_kinds(arguments, {Is::kStorage, Is::kInt, Is::kTuple, Is::kTuple, Is::kTuple, Is::kBool,
                             Is::kOther}) ||
      !is_quantised(arguments[0].type)) {
    return refuse("a quantised tensor is not made of a storage, sizes, strides and a scheme");
  }
  const auto shape = shape_of(arguments, items);
  if (!shape) {
    return fail(shape.error());
  }
  const std::span<const Value> scheme = items.of(arguments[4]);
  const bool per_tensor = has_kinds(scheme, {Is::kScheme, Is::kFloat, Is::kInt}) &&
                          static_cast<Scheme>(scheme[0].number) == Scheme::kPerTensor;
  const bool per_channel = !scheme.empty() && fits_axis(scheme, shape->sizes) &&
                           static_cast<Scheme>(scheme[0].number) == Scheme::kPerChannel;
  if (!per_tensor && !per_channel) {
    return refuse("a quantised tensor's scheme does not fit its sizes");
  }
  return shape->tensor;
}

std::optional<std::int64_t> elements_within(std::int64_t offset,
                                            std::span<const std::int64_t> sizes,
                                            std::span<const std::int64_t> strides,
                                            std::int64_t storage_elements) {
  if (offset < 0 || sizes.size() != strides.size()) {
    return std::nullopt;
  }
  std::int64_t count = 1;
  std::int64_t last = offset;  // the farthest element
  bool empty = false;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    std::int64_t reach = 0;
    if (sizes[i] < 0 || strides[i] < 0) {
      return std::nullopt;
    }
    empty = empty || sizes[i] == 0;
    if (!empty && (__builtin_mul_overflow(sizes[i] - 1, strides[i], &reach) ||
                   __builtin_add_overflow(last, reach, &last) ||
                   __builtin_mul_overflow(count, sizes[i], &count))) {
      return std::nullopt;
    }
  }
  if (empty) {
    return offset <= storage_elements ? std::optional<std::int64_t>(0) : std::nullopt;
  }
  return last < storage_elements ? std::optional(count) : std::nullopt;
}

}  // namespace skerry::inspect
