// doorman.h: who answers a request at the site's API: the site itself, or the controller, to which its
// caller is sent.
//
//   request                          controller there           away
//   a new job                        307 to the controller      taken here
//   a job of this site               answered here              answered here
//   a job of the controller          307 to the controller      503, Retry-After
//   a change of models, nodes, ...   307 to the controller      503, Retry-After
//   anything else                    answered here              answered here
//
// Where the controller's API has no address that works from here, new jobs are taken here at any time.
// Used on the agent's strand.

#pragma once

#include <optional>
#include <string>

#include "common/ids.h"
#include "controller/api/http_message.h"

namespace skerry::agent {

class Doorman {
 public:
  // Ids of the site's own jobs begin here.
  explicit Doorman(JobId first_own) : first_own_(first_own) {}

  void connected(bool live) { live_ = live; }
  // Of the controller's REST API, without a slash at its end; empty: it cannot be reached.
  void controller_at(std::string url) { url_ = std::move(url); }

  // What the request is answered instead of being handled here.
  std::optional<api::Response> turn_away(const api::Request& request) const;

 private:
  bool is_for_controller(const api::Request& request) const;
  bool is_own(std::string_view job) const;

  JobId first_own_;
  bool live_ = false;
  std::string url_;
};

// The controller's REST URL, where only its port is known, and whether it speaks TLS: on the host that
// the agent dials.
std::string api_url_on(const std::string& controller, std::uint32_t port, bool tls);

}  // namespace skerry::agent
