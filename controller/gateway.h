// gateway.h: how api/ and hub/ reach the core from other threads.
//
// Owned by the daemon's main, as the driver (driver.h) which runs the core on its strand. All
// methods may be called from any thread and return at once.

#pragma once

#include <functional>

#include "common/error.h"
#include "controller/core/core.h"

namespace skerry::controller {

class Gateway {
 public:
  virtual ~Gateway() = default;

  // Applies the event with a fresh ticket; on_answer is called once, on the core's strand, and must
  // only hand over.
  virtual core::Ticket ask(core::Event event,
                           std::move_only_function<void(Result<core::Reply>)> on_answer) = 0;
  // Applies an event that has no answer (those of agents, Abandon).
  virtual void tell(core::Event event) = 0;
  // Runs `look` on the core's strand, after what the same thread told or asked before: for queries.
  // It must copy what it needs and return soon.
  virtual void inspect(std::move_only_function<void(const core::Core&, Instant now)> look) = 0;
  // kStorageFull while nothing new may be written; ask() refuses every change then. For who would write
  // something else first.
  virtual Status has_space() const { return {}; }
};

}  // namespace skerry::controller
