// happening_log.h: what happened, as log lines. Ordinary progress of jobs is debug; what an
// operator may want to know is info, what needs attention is warn.

#pragma once

#include "common/log.h"
#include "controller/core/effects.h"

namespace skerry::controller {

void log_happening(Log& log, const core::Happening& happening);

}  // namespace skerry::controller
