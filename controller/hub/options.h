// options.h: the figures of the hub that an operator may change. Defaults are those of the
// documentation.

#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "common/time.h"
#include "controller/hub/door/admission.h"
#include "controller/hub/door/door.h"
#include "controller/hub/door/options.h"

namespace skerry::hub {

// What one agent's stream may have waiting to be written. Beyond either bound the stream is closed:
// the agent comes back and says what it has, and nobody else was kept waiting.
struct QueueLimits {
  std::size_t messages = 16'384;
  std::size_t bytes = 64u << 20;
  std::size_t frame_bytes = 1u << 20;  // of one write; a single larger message goes alone
};

// What one agent may have said that the core has not come to yet. Beyond either of the first two the
// stream is not read on until the core has caught up: the agent's own writes then wait, and nobody
// else's.
struct IntakeLimits {
  std::size_t messages = 1024;
  std::size_t bytes = 4u << 20;
  std::size_t frame_messages = 4096;  // a frame of more ends the stream; agents send up to 512
};

struct TransferLimits {
  std::size_t per_connection = 8;  // an agent keeps one connection for bulk
  std::size_t total = 64;
  std::size_t chunk_bytes = 128u << 10;
  std::uint64_t max_blob_bytes = 8ull << 30;
  Duration idle_timeout = seconds(30);       // of one that the agent does not move on
  Duration unclaimed_timeout = minutes(60);  // an upload that no result named is thrown away
};

// Answers, on any thread, whether a node has to do with a blob: it is a model's artifact, or the input of
// something that it runs.
using MayFetch = std::function<void(std::string node, std::string digest,
                                    std::move_only_function<void(bool)> answer)>;

// What the agents' port needs to take nodes by their certificates alone.
struct HubTls {
  door::DoorKeys keys;
  door::Admission* admission = nullptr;  // outlives the hub
  MayFetch may_fetch = {};               // none: whatever a node asks for by its digest
  door::DoorOptions limits = {};
};

struct HubOptions {
  std::string listen = "127.0.0.1";
  std::uint16_t port = 0;     // 0 = any free one; Hub::port() tells
  std::optional<HubTls> tls;  // without: plain text, and everybody is believed
  bool insecure_dev = false;  // lets `listen` be more than loopback without TLS
  std::size_t max_streams = 4096;
  std::size_t max_message_bytes = 4u << 20;  // of one frame from an agent
  std::size_t memory_bytes = 512u << 20;     // what gRPC may hold for all connections together
  Duration keepalive = seconds(10);
  Duration keepalive_timeout = seconds(5);
  Duration hello_timeout = seconds(10);  // from the stream's start
  Duration write_timeout = seconds(20);  // of one write that the agent does not take
  Duration close_timeout =
      seconds(5);  // from the decision to close, for what is still to be written
  Duration watch_interval = milliseconds(500);  // how often the timeouts are looked at
  // Of the REST API, as told to nodes with a site API, which send their callers there: a URL that works
  // everywhere; or else its port, which those on this machine can use, and others unless it is
  // loopback's alone.
  std::string api_url;
  std::uint16_t api_port = 0;
  bool api_tls = false;  // at that port
  bool api_on_loopback = true;
  QueueLimits queue;
  IntakeLimits intake;
  TransferLimits transfers;
  std::size_t bulk_threads = 2;  // for the blob directory's reads, writes and syncs
};

}  // namespace skerry::hub
