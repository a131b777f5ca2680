// bringer.h: brings the site's jobs to the controller, whenever that is there: first what ended here,
// then what has not begun, which the controller may place better.
//
// A few at a time, oldest first, each again after every reconnect until the controller has said that it
// took it, or refused it: the site's core then knows what became of it (core/handing_over.cc). A job
// that has not begun is held back by the core before it is named here.
//
// Used on the agent's strand, on which the core's answers are handed over as well. stop() before what it
// refers to goes away.

#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <set>

#include "agent/blob_source.h"
#include "agent/messages.h"
#include "common/log.h"
#include "controller/api/job_archive.h"
#include "controller/blobs/blob_dir.h"
#include "controller/gateway.h"

namespace skerry::agent {

struct BringerParts {
  boost::asio::io_context& io;
  controller::Gateway& gateway;
  api::JobArchive& archive;  // of outputs
  blobs::BlobDir& blobs;
  BlobSource& bulk;
  std::function<void(SiteJob)> bring;
  Log& log;
};

class Bringer {
 public:
  explicit Bringer(BringerParts parts);

  void connected(bool live);
  void taken(const SiteJobTaken& taken);
  // A job ended here; called as often as that happens.
  void job_ended();
  void stop();

 private:
  void go_on();
  void look_for_more();
  void hand_over();
  void bring(const core::Job& job);
  void send(std::uint64_t connection, const core::SiteJobRecords& records);
  Result<core::SiteJobRecords> records_of(const core::Job& job) const;
  void upload(std::uint64_t connection, const std::string& digest, core::SiteJobRecords records);
  void give_up(JobId job, const Error& error);
  void wait();

  BringerParts parts_;
  boost::asio::steady_timer timer_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // of answers that come later
  std::uint64_t connection_ = 0;  // counts reconnects; what began before one is given up
  bool live_ = false;
  bool looking_ = false;
  bool more_ = false;  // something ended since the last look
  JobId last_;         // named in this connection
  JobId last_handed_;
  std::set<JobId> under_way_;
  std::uint64_t brought_ = 0;  // in this connection, for the log
};

}  // namespace skerry::agent
