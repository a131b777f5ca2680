// api_server.h: the REST API as the daemon's main sees it.
//
//   ApiServer api(io, {.port = 7070}, {gateway, blobs, archive, metrics, clock, log});
//   const auto port = api.start();
//   api.publish(happening, now);     // for all that happens, on the core's strand
//   api.stop(seconds(10), [&] { … });
//
// Owned by main, which also owns the io_context and what it refers to, and destroys the server
// after stop() has called back. The io_context outlives the gateway, whose callbacks refer to it.
// publish() is called on the core's strand and is cheap; start() and stop() once each, and cut(),
// from any thread.

#pragma once

#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/error.h"
#include "common/log.h"
#include "common/time.h"
#include "common/tls/context.h"
#include "controller/api/call.h"
#include "controller/api/http_connection.h"
#include "controller/api/job_archive.h"
#include "controller/blobs/blob_dir.h"
#include "controller/gateway.h"
#include "controller/metrics/metrics.h"

namespace skerry::api {

struct ApiOptions {
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;       // 0: the kernel picks
  tls::ContextSource tls = {};  // empty: plain text
  HttpLimits limits;
  std::size_t event_ring = 16'384;         // events that a watcher may be behind
  Duration event_heartbeat = seconds(15);  // of silence, after which a watcher gets a comment
  std::size_t worker_threads = 2;          // for the disk and large documents
};

// What the API works with; all of it outlives the server.
struct ApiParts {
  controller::Gateway& gateway;
  blobs::BlobDir& blobs;
  JobArchive& archive;
  metrics::Metrics& metrics;
  Clock& clock;
  Log& log;
  auth::Authenticator& callers;
  std::vector<ReadyCheck> ready_checks = {};
  TurnAway turn_away = {};
  ModelTrust model_trust = {};         // what models must be signed by to be applied
  NodeAuthority* authority = nullptr;  // nullptr: no machine can join here
};

class ApiServer {
 public:
  ApiServer(boost::asio::io_context& io, ApiOptions options, ApiParts parts);
  ~ApiServer();

  Result<std::uint16_t> start();  // the port
  // Something happened: watchers are told. Must be called before the answer to whoever caused it
  // leaves.
  void publish(const core::Happening& happening, Instant now);
  // Answers what is under way for up to `grace`, then cuts it; `done` is called on the io_context.
  void stop(Duration grace, std::move_only_function<void()> done);
  // After stop(): cuts what is under way now. `done` still waits for what cannot be cut, such as a
  // read of the store.
  void cut();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace skerry::api
