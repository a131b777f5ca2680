// core_records.h: the core's records as the bytes that a store has of them.

#pragma once

#include <vector>

#include "controller/core/records.h"

namespace skerry::fuzz {

// Whether a controller that starts with these finds them.
bool reads_back(const std::vector<core::RecordWrite>& writes);

}  // namespace skerry::fuzz
