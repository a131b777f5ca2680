// code.h: what the code of a model refers to, checked before anything compiles it.
//
// In serialised TorchScript every operator of libtorch is written out: `torch.NAME(...)`, aten's,
// `ops.SPACE.NAME(...)`, and some by a word of their own (`fork`). So it is enough to read the tokens: each
// such reference must be on the list, complete and called where it stands; what could give a part of it
// another name (a bare `torch`, `getattr` with a made-up name) is refused. Classes of libraries,
// `__torch__.torch.classes.SPACE.NAME`, must be on the list as well.
//
// Pure.

#pragma once

#include <string_view>

#include "agent/runner/inspect/operators.h"
#include "common/error.h"

namespace skerry::inspect {

// `where` begins every sentence: "entry 'code/__torch__.py'". kModelFailed.
Status check_code(std::string_view source, std::string_view where, const OperatorList& operators);

// A type, as the pickles hold them: "Dict[str, __torch__.Box]".
Status check_type(std::string_view type, std::string_view where, const OperatorList& operators);

// A class that a pickle makes objects of, as it names it: a module and a name in it.
Status check_class(std::string_view module, std::string_view name, std::string_view where,
                   const OperatorList& operators);

}  // namespace skerry::inspect
