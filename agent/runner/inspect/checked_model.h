// checked_model.h: what may be given to libtorch: a model's file that is what its digest says, and whose
// every part was looked at.
//
//   file --> Artifact (digest) --> zip (form, names, sizes) --> code (operators) --> pickles (objects)
//        --> FreshArchive, which libtorch reads
//
// Entries that PyTorch writes and a model does not need to run (extra/, its bytecode, ...) are left out;
// an entry of another name refuses the model.

#pragma once

#include <deque>
#include <memory>
#include <string>

#include "agent/runner/inspect/artifact.h"
#include "agent/runner/inspect/fresh_archive.h"
#include "agent/runner/inspect/operators.h"
#include "agent/runner/inspect/policy.h"
#include "common/error.h"

namespace skerry::inspect {

class CheckedModel {
 public:
  // kModelFailed: the sentence says which entry, or operator, and what is wrong with it.
  static Result<std::unique_ptr<CheckedModel>> inspect(Artifact artifact, const Policy& policy);

  FreshArchive& archive() { return archive_; }
  const OperatorList& operators() const { return operators_; }

 private:
  CheckedModel(Artifact artifact, const Policy& policy);
  Status check(const Limits& limits);

  Artifact artifact_;
  OperatorList operators_;
  std::deque<std::string> inflated_;  // code, which archive_ refers to
  FreshArchive archive_;
};

}  // namespace skerry::inspect
