// policy.h: what a model's archive may hold, and what this node's operator changed about it.
//
// Set in the agent's configuration (docs/agent.md, `models`), and sent to the runner with each load.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace skerry::inspect {

struct Limits {
  std::uint64_t artifact_bytes = 16ull << 30;
  std::uint32_t entries = 65'536;          // of the archive
  std::uint64_t pickle_bytes = 32u << 20;  // of its pickles together, debug tables apart
  std::uint64_t code_bytes = 64u << 20;    // of its code and the debug tables, inflated
  std::uint32_t ratio = 100;               // of an entry's inflated size to its deflated one

  bool operator==(const Limits&) const = default;
};

// Operators by name ("aten::save"), classes as code names them ("torch.classes.xnnpack.Conv2dOpContext").
// What is denied is not allowed, whatever else is said.
struct Policy {
  Limits limits;
  std::vector<std::string> allow;  // beside those of operators.txt
  std::vector<std::string> deny;

  bool operator==(const Policy&) const = default;
};

}  // namespace skerry::inspect
