// pickle_tensors.h: what a pickle (pickle.h) says about storages and tensors, held to what is there.
//
// Pure. Errors are kModelFailed with a sentence about the value alone.

#pragma once

#include <initializer_list>
#include <optional>
#include <set>
#include <span>
#include <string_view>

#include "agent/runner/inspect/pickle.h"
#include "agent/runner/inspect/pickle_values.h"

namespace skerry::inspect {

bool has_kinds(std::span<const Value> values, std::initializer_list<Is> kinds);

// ("storage", type, key, device, elements): an entry of exactly that size, which was not loaded before.
Result<Value> load_storage(std::span<const Value> identity, const Storages& storages,
                           std::set<std::string_view>& loaded);

// (storage, offset, sizes, strides, requires_grad, hooks[, metadata]).
Result<Value> rebuild_tensor(std::span<const Value> arguments, const Items& items);
// (storage, offset, sizes, strides, (scheme, scales, zero points[, axis]), requires_grad, hooks).
Result<Value> rebuild_quantised(std::span<const Value> arguments, const Items& items);

// The elements of a tensor of these sizes; nullopt if it begins before its storage of so many elements,
// ends behind it, or has more than can be counted. Strides may be 0, never negative.
std::optional<std::int64_t> elements_within(std::int64_t offset,
                                            std::span<const std::int64_t> sizes,
                                            std::span<const std::int64_t> strides,
                                            std::int64_t storage_elements);

}  // namespace skerry::inspect
