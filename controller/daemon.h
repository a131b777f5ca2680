// daemon.h: the controller's process: makes every part, connects them, runs until told to stop.
//
// Order of making: log, store, blobs, core, driver, metrics, API, hub; of stopping: API (no new
// requests), the io_context (nothing is applied any more), hub, store (what was appended becomes
// durable). Each part refers only to parts made before it.

#pragma once

#include "common/error.h"
#include "controller/config.h"

namespace skerry::controller {

// Runs until SIGINT or SIGTERM; then stops in order, and at once after a second one. An error means that it could not start.
Status run_daemon(ControllerConfig config);

}  // namespace skerry::controller
