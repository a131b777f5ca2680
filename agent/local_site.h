// local_site.h: the daemon's seam to its site: an API on the site's own address, with a durable queue of
// its own, for as long as the controller is away.
//
// Implemented by agent/site/site.h, which the main() of skerry-agent-site hands to the daemon (program.h).
// Owned by the daemon and used on its strand; everything in SiteHost outlives it.

#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <string>

#include "agent/blob_source.h"
#include "agent/config.h"
#include "agent/link.h"
#include "agent/model_cache.h"
#include "agent/site_port.h"
#include "common/log.h"
#include "common/time.h"

namespace skerry::agent {

// What the daemon offers its site.
struct SiteHost {
  boost::asio::io_context& io;
  LinkEvents& link_events;  // of the site's own link
  BlobEvents& blob_events;
  Blobs& blobs;      // of the controller
  BlobSource& bulk;  // to upload what is brought
  std::function<void(SiteJob)> bring;
  Clock& clock;
  Log& log;
  std::string folder;    // the site's own, in the agent's state directory
  std::string identity;  // of that directory
};

class LocalSite {
 public:
  virtual ~LocalSite() = default;

  virtual AgentLink& link() = 0;
  virtual SitePort& port() = 0;
  virtual Blobs& blobs() = 0;  // of both masters
  // Answers what is under way, for at most `grace`; `done` is called on the strand. The site may be
  // destroyed from then on.
  virtual void stop(Duration grace, std::move_only_function<void()> done) = 0;
};

// Empty: the program has no site.
using MakeSite =
    std::function<Result<std::unique_ptr<LocalSite>>(const AgentConfig& config, SiteHost host)>;

}  // namespace skerry::agent
