// nag.h: says something to the log at once, and again every hour for as long as it is true: that a
// setting is on which nobody should forget.
//
// Owned by whoever owns the io_context and the log, which outlive it; made and destroyed on its thread. It
// keeps the io_context at work: that ends by its stop().

#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <string>

#include "common/log.h"
#include "common/time.h"

namespace skerry {

class Nag {
 public:
  Nag(boost::asio::io_context& io, Log& log, std::string sentence, Duration every = hours(1));

 private:
  void say();

  boost::asio::steady_timer timer_;
  Log& log_;
  const std::string sentence_;
  const Duration every_;
};

// What insecure_dev is nagged about with.
std::string insecure_dev_sentence();

}  // namespace skerry
