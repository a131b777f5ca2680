// parts.h: what the hub's streams and transfers share. Owned by the Hub, and outlives them all.

#pragma once

#include "common/log.h"
#include "common/time.h"
#include "controller/blobs/blob_dir.h"
#include "controller/gateway.h"
#include "controller/hub/counters.h"
#include "controller/hub/model_source.h"
#include "controller/hub/options.h"

namespace skerry::door {
class Door;
}  // namespace skerry::door

namespace skerry::hub {

class Pool;
class Sessions;
class Transfers;
class UploadPins;

struct HubParts {
  const HubOptions& options;
  controller::Gateway& gateway;
  blobs::BlobDir& blobs;
  ModelSource& models;
  Clock& clock;
  Log& log;
  Counters& counters;
  Sessions& sessions;
  Transfers& transfers;
  UploadPins& uploads;
  Pool& pool;
  const door::Door* door = nullptr;  // null: the port has no TLS
};

}  // namespace skerry::hub
