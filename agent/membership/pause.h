// pause.h: a wait that can be told to end.

#pragma once

#include <stop_token>

#include "common/time.h"

namespace skerry::agent {

// False: told to stop, before or meanwhile.
bool pause_for(Duration time, const std::stop_token& stop);

}  // namespace skerry::agent
