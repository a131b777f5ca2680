// site_blobs.h: large data of both masters: what lies in the site's own directory comes from there and
// everything else from the controller; a result goes to the master whose it is.
//
// Digests name the same bytes everywhere, so it does not matter who asks for what is here already.
//
// Used on the agent's strand. Reads and writes of the site's directory are made at once: they are of one
// input or result, on the node's own disk.

#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <map>
#include <string>

#include "agent/model_cache.h"
#include "controller/blobs/blob_dir.h"

namespace skerry::agent {

class SiteBlobs final : public Blobs {
 public:
  // All outlive it.
  SiteBlobs(blobs::BlobDir& here, Blobs& controller, BlobEvents& events,
            boost::asio::any_io_executor strand)
      : here_(here), controller_(controller), events_(events), strand_(std::move(strand)) {}

  void fetch(BlobTicket ticket, const std::string& digest, bool want_bytes) override;
  void release(const std::string& digest) override;
  void distrust(const std::string& digest) override { controller_.distrust(digest); }
  void store(BlobTicket ticket, std::shared_ptr<const std::string> bytes, Master to) override;

 private:
  blobs::BlobDir& here_;
  Blobs& controller_;
  BlobEvents& events_;
  boost::asio::any_io_executor strand_;
  std::multimap<std::string, blobs::BlobPin> held_;  // fetched from here, until released
};

}  // namespace skerry::agent
