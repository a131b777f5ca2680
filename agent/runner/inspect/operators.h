// operators.h: which operators a model may use: those of operators.txt, as this node's operator changed
// them.
//
// An operator is named as libtorch's registry does, "aten::conv2d", without its overload; a class of a
// library as code does, "torch.classes.quantized.LinearPackedParamsBase". "ns::*" in a policy stands for
// all of a namespace. Immutable after construction: call from anywhere.

#pragma once

#include <string>
#include <string_view>
#include <unordered_set>

#include "agent/runner/inspect/policy.h"
#include "common/error.h"

namespace skerry::inspect {

extern const char* const kShippedOperators;  // the text of operators.txt

class OperatorList {
 public:
  explicit OperatorList(const Policy& policy);

  bool allows(std::string_view name) const;
  // kModelFailed, with a sentence of what uses it and of how it can be allowed. `where`: "entry
  // 'code/__torch__.py', line 3".
  Status check(std::string_view name, std::string_view where) const;

 private:
  std::unordered_set<std::string> allowed_;
  std::unordered_set<std::string> denied_;
};

}  // namespace skerry::inspect
