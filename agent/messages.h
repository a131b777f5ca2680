// messages.h: what an agent and its controller say to each other, as plain values.
//
// The pure parts of the agent speak in these; agent/wire.h turns them into the frames of
// proto/skerry/v1/agent.proto, whose comments say what each means. Times are durations and instants
// of the agent's own clock.

#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "common/ids.h"
#include "common/payload.h"
#include "common/time.h"

namespace skerry::agent {

// Who gave the work: the controller, or the node's own site API (site_port.h), which places jobs here
// while the controller is away. Never on the wire: each has a session of its own.
enum class Master : std::uint8_t { kController, kSite };

struct AttemptRef {
  JobId job;
  std::uint32_t number = 0;
  AttemptUid uid;
  Master master = Master::kController;

  bool operator==(const AttemptRef&) const = default;
};

struct VariantRef {
  std::string model;
  std::string variant;
  std::uint64_t revision = 0;  // of the manifest

  auto operator<=>(const VariantRef&) const = default;
};

enum class Outcome : std::uint8_t {
  kSucceeded,
  kModelFailed,     // the model or its inputs are wrong
  kCrashed,         // the runner died, or was ended for memory or a stall
  kInfrastructure,  // artifact or input could not be had, the node is stopping
  kCancelled,
  kExpired,       // its remaining time ran out here
  kSequenceLost,  // it was to continue its sequence, whose state is not here
};
std::string_view to_string(Outcome outcome);

struct Usage {
  Duration queue{};  // from receipt to start, fetching apart
  Duration fetch{};  // of the input, if it was a blob
  Duration load{};   // of the variant, its download included; 0 if resident
  Duration service{};
  double energy_j = 0;
  std::string energy_source;
  double cost_usd = 0;

  bool operator==(const Usage&) const = default;
};

struct Telemetry {
  double cpu_fraction = 0;
  std::uint64_t memory_used_bytes = 0;
  std::uint64_t memory_total_bytes = 0;
  double load_1m = 0;
  double temperature_c = 0;  // 0 = not known
  double power_w = 0;
  std::string power_source;
  std::uint32_t queued = 0;
  std::uint32_t running = 0;
  std::uint32_t spooled = 0;
  bool spool_full = false;           // no new work is taken
  double bandwidth_bytes_per_s = 0;  // 0 = not measured yet
  double gpu_fraction = 0;
  std::uint64_t gpu_memory_used_bytes = 0;
  std::uint64_t gpu_memory_total_bytes = 0;
};

struct Capabilities {
  std::string tier;
  std::string site;
  std::map<std::string, std::string> labels;
  std::vector<std::string> engines;
  std::uint32_t slots = 1;
  std::uint64_t memory_bytes = 0;
  double speed = 1;
  double idle_w = 0;
  double busy_w = 0;
  double transfer_j_per_byte = 0;
  double price_usd_per_hour = 0;
  double rtt_s = 0;
  double bandwidth_bytes_per_s = 0;
  std::string energy_source;
  std::vector<std::string> devices;
};

// ---- to the controller

struct Hello {
  std::string node_name;
  std::string identity;
  std::uint64_t incarnation = 0;
  Capabilities capabilities;
  std::vector<AttemptRef> running;
  std::vector<AttemptRef> spooled;
  std::uint32_t capacity = 0;
  std::vector<VariantRef> resident;
  std::string software_version;
  Duration alone{};
  bool site_api = false;  // it wants StandingOrders, and brings the jobs of its site
};
struct Heartbeat {
  Instant sent;
  Duration rtt{};
  Telemetry telemetry;
};
struct Started {
  AttemptRef attempt;
};
struct Ended {
  AttemptRef attempt;
  Outcome outcome = Outcome::kSucceeded;
  std::string error;
  Payload output;
  Usage usage;
};
struct Returned {
  AttemptRef attempt;
  std::string reason;
};
struct Credits {
  std::uint32_t capacity = 0;
};
struct ProbeResult {
  VariantRef variant;
  std::string error;
  Duration load{};
  std::vector<Duration> service;
  std::uint64_t memory_bytes = 0;
};
struct Resident {
  std::vector<VariantRef> variants;
};
struct Goodbye {
  std::string reason;
};
// A job that the site accepted while it was alone: records of the site's store, as the controller's
// own has them (controller/records). Sent again until it is taken.
struct SiteJob {
  JobId id;
  std::string job;     // stored.Job
  std::string task;    // stored.Task
  std::string result;  // stored.Result; empty: it has not ended
};

// ---- to the agent

struct Welcome {
  std::uint32_t version = 1;
  Epoch epoch;
  std::string session;
  Duration heartbeat{};  // 0 = keep the agent's own
};
struct HeartbeatAck {
  Instant sent;
};
enum class SequenceStep : std::uint8_t {
  kAny,        // an older controller: what is there, or a fresh state
  kBegins,     // a fresh state, whatever is remembered under the name
  kContinues,  // the state that the sequence's last task left, or it does not run
};
struct Assign {
  AttemptRef attempt;
  std::string model;
  std::string variant;
  std::string artifact;  // digest; empty for engines without one
  std::uint64_t artifact_bytes = 0;
  std::string manifest_json;  // empty: the agent has it already
  std::uint64_t manifest_revision = 0;
  Payload input;
  Duration remaining{};  // 0 = no deadline
  std::string sequence;
  SequenceStep sequence_step = SequenceStep::kAny;
  Epoch epoch;
  bool interactive = false;
  std::string ns;  // the job's namespace; empty: an older controller does not tell
};
struct Cancel {
  AttemptRef attempt;
  Epoch epoch;
  std::string reason;
};
struct ResultAck {
  AttemptRef attempt;
  bool committed = false;
};
struct Probe {
  std::string model;
  std::string variant;
  std::string artifact;
  std::uint64_t artifact_bytes = 0;
  std::string manifest_json;
  std::uint64_t manifest_revision = 0;
  std::uint32_t runs = 1;
  bool resident_only = false;  // an error instead of loading it
};
struct NodeMode {
  bool draining = false;
};
// What the node works by while the controller is away; replaces the earlier orders.
struct StandingOrders {
  struct Model {
    std::uint64_t revision = 0;
    std::string manifest_json;
  };
  struct Token {
    std::string id;
    std::string secret_hash;              // SHA-256, 32 bytes
    std::vector<std::string> readers;     // namespaces; "" = all
    std::vector<std::string> submitters;  // likewise
    bool reads_metrics = false;
    Instant expires_at = kNever;
  };
  std::vector<Model> models;
  std::vector<Token> tokens;  // of programs that may call the site's API
  std::string policy;         // a built-in one's name, or of the bundle
  std::string bundle;         // JSON; empty for built-in policies
  std::string api_url;        // of the controller's REST API; empty: not told
  std::uint32_t api_port =
      0;  // if the URL is not told: on the host that the agent dialled; 0 = only on the controller's own
  bool api_tls = false;  // at that port
};
struct SiteJobTaken {
  JobId id;           // the site's
  JobId taken_as;     // the controller's; 0 = refused
  std::string error;  // why it is refused
};
struct Unknown {};  // a kind that this build does not know

// ---- both

struct Refused {
  std::uint64_t seq = 0;  // 0 = the session itself
  std::string code;
  std::string message;
};

using ToController = std::variant<Hello, Heartbeat, Started, Ended, Returned, Credits, ProbeResult,
                                  Resident, Refused, Goodbye, SiteJob>;
using ToAgent = std::variant<Welcome, HeartbeatAck, Assign, Cancel, ResultAck, Probe, Refused,
                             NodeMode, StandingOrders, SiteJobTaken, Unknown>;

struct Outgoing {
  std::uint64_t seq = 0;
  ToController body;
};
struct Incoming {
  std::uint64_t seq = 0;
  ToAgent body;
};

constexpr std::uint32_t kMinProtocolVersion = 1;
constexpr std::uint32_t kMaxProtocolVersion = 1;

}  // namespace skerry::agent
