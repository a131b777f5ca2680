#include "common/nag.h"

#include <utility>

namespace skerry {

Nag::Nag(boost::asio::io_context& io, Log& log, std::string sentence, Duration every)
    : timer_(io), log_(log), sentence_(std::move(sentence)), every_(every) {
  say();
}

void Nag::say() {
  log_.warn("{}", sentence_);
  timer_.expires_after(every_);
  timer_.async_wait([this](boost::system::error_code cancelled) {
    if (!cancelled) {
      say();
    }
  });
}

std::string insecure_dev_sentence() {
  return "insecure_dev is on: other machines may reach this one without encryption, and whoever is "
         "on "
         "the way reads and changes what is said. Never outside of a network where everybody is "
         "trusted";
}

}  // namespace skerry
