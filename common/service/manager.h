// manager.h: what a daemon tells the service manager that started it: systemd, or whatever speaks its
// protocol (sd_notify(3)). Without one, nothing.
//
// The watchdog is fed from the loop that does the work: a loop that hangs is not, and the manager starts the
// program anew. Owned by the daemon; on the loop's thread.

#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <string>
#include <string_view>

#include "common/time.h"

namespace skerry::service {

// One message, such as "READY=1". Whether there is somebody who got it.
bool tell_manager(std::string_view message);

// How often systemd wants to hear of this process (WATCHDOG_USEC); 0: never.
Duration watchdog_period();

class Manager {
 public:
  explicit Manager(boost::asio::io_context& io);

  // The loop runs from here on: it feeds the watchdog, if there is one. Not before: what takes long at a start,
  // as reading a large store, is not a loop that hangs.
  void ready();
  void stopping() { tell_manager("STOPPING=1"); }

 private:
  void feed();

  const Duration period_;
  boost::asio::steady_timer timer_;
};

}  // namespace skerry::service
