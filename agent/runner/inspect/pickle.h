// pickle.h: a walk over a pickle of a model without making any of its objects.
//
// PyTorch's own reader of pickles believes what it is told: sizes and strides of a tensor beyond its
// storage, a storage larger than its entry, any number as the index of a function. So the walk follows
// every opcode with values that only know their kind, and refuses what PyTorch does not write: other
// opcodes, other functions than those that make tensors and containers, classes that are not the model's
// own, a storage that is loaded twice, a tensor that reaches out of its storage, values that contain
// themselves, memo entries out of order.
//
//   GLOBAL --> function | storage type | scheme | class
//   class () NEWOBJ --> new object;  new object, state, BUILD --> object
//   function (arguments) REDUCE --> tensor | list | dict | ...
//   ("storage", type, key, device, count) BINPERSID --> storage
//
// Pure. Facts about the format: Python's pickletools and torch/csrc/jit/serialization/unpickler.cpp.

#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "agent/runner/inspect/operators.h"
#include "common/error.h"

namespace skerry::inspect {

// The entries that a pickle may load as storages, by key ("0"), with their sizes.
using Storages = std::map<std::string_view, std::uint64_t>;

// Walks a pickle that holds a module or its constants. kModelFailed: what is wrong, at which byte.
// `where` begins the sentence: "entry 'data.pkl'".
Status check_pickle(std::string_view pickle, std::string_view where, const Storages& storages,
                    const OperatorList& operators);

// Walks a debug table (.debug_pkl): texts, numbers, tuples and lists of numbers alone.
Status check_debug_pickle(std::string_view pickle, std::string_view where);

}  // namespace skerry::inspect
