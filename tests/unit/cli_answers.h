// cli_answers.h: what a controller answers about one node, one model and two jobs, for the tests of
// skerryctl's commands.

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tests/unit/cli_harness.h"

namespace skerry::cli {

// Runs against the server; `words` as they would be typed after "skerryctl".
inline Finished run(const ScriptedServer& server, const std::vector<std::string>& words) {
  return run_skerryctl(words, {"SKERRY_SERVER=" + server.url()});
}

inline constexpr std::string_view kNode =
    R"({"name": "edge-1", "state": "READY", "connected": true, "tier": "edge", "site": "shop-17",
  "labels": {"zone": "a"}, "engines": ["torch"], "slots": 2, "capacity": 4, "outstanding": 1, "memory_bytes": 2147483648,
  "speed": 1, "power": {"idle_w": 3, "busy_w": 11}, "price_usd_per_hour": 0.02, "rtt_ms": 0.4,
  "bandwidth_bytes_per_s": 125000000, "energy_source": "modelled", "software_version": "0.1.0", "incarnation": 1,
  "enrolled_at": "2026-01-31T12:00:00.000Z", "last_heartbeat_at": null, "alone_ms": 0, "brought": 0,
  "resident": [{"model": "digits", "variant": "small"}], "telemetry": {"cpu_fraction": 0.25, "memory_used_bytes": 1073741824,
  "memory_total_bytes": 4294967296, "load_1m": 0.5, "temperature_c": 0, "power_w": 5.5, "power_source": "modelled",
  "queued": 2, "running": 1, "spooled": 0, "gpu_fraction": 0.5, "gpu_memory_used_bytes": 1073741824,
  "gpu_memory_total_bytes": 4294967296}, "devices": ["cpu", "cuda:0"]})";

inline constexpr std::string_view kModel =
    R"({"name": "digits", "revision": 3, "tripped": false, "manifest": {"apiVersion": "skerry/v1",
  "kind": "Model", "metadata": {"name": "digits"}, "spec": {"description": "handwritten digits",
  "inputs": [{"name": "image", "kind": "image", "image": {"width": 20, "height": 20, "channels": 1}}],
  "outputs": [{"name": "digit", "kind": "labels", "labels": ["0", "1", "7"]}],
  "variants": [{"name": "small", "digest": "sha256:aa", "artifact_bytes": 20480, "accuracy": 0.93, "reference_ms": 0.4},
               {"name": "large", "digest": "sha256:bb", "artifact_bytes": 1048576, "accuracy": 0.99, "reference_ms": 9}]}},
  "estimates": [{"node": "edge-1", "variant": "small", "resident": true,
                 "service": {"mean_ms": 0.5, "deviation_ms": 0.1, "samples": 40}, "load": {"mean_ms": 30, "deviation_ms": 1, "samples": 1}}]})";

inline constexpr std::string_view kDone =
    R"({"id": "j0000100000001", "namespace": "default", "model": "digits", "state": "SUCCEEDED",
  "priority": "normal", "durability": "durable", "preference": {"name": "green", "weights": {"latency": 0.02, "energy": 0.94,
  "cost": 0.02, "error": 0.02}}, "constraints": {"site": "shop-17"}, "labels": {}, "sequence": "",
  "submitted_at": "2026-01-31T12:00:00.000Z", "attempts": 1, "version": 3, "live_attempts": [],
  "ended_at": "2026-01-31T12:00:00.003Z", "result": {"attempt": 1, "node": "edge-1", "variant": "small",
  "outputs": {"digit": {"labels": [{"label": "7", "score": 0.9912}, {"label": "1", "score": 0.0041}]}},
  "usage": {"queue_ms": 0.1, "fetch_ms": 0, "load_ms": 0, "service_ms": 1.2, "energy_source": "modelled"},
  "predicted": {"latency_ms": 3.1, "energy_j": 0.01, "cost_usd": 1e-8, "error": 0.07},
  "actual": {"latency_ms": 2.9, "energy_j": 0.012, "cost_usd": 1e-8, "error": 0.07}}})";

inline constexpr std::string_view kFailed =
    R"({"id": "j0000100000002", "model": "digits", "state": "FAILED",
  "submitted_at": "2026-01-31T12:00:00.000Z", "attempts": 1, "live_attempts": [],
  "error": {"code": "model_failed", "message": "the model raised: bad shape"}})";

inline constexpr std::string_view kReady = R"({"id": "j0000100000001", "state": "READY"})";

inline std::string list(std::string_view item) {
  return R"({"items": [)" + std::string(item) + "]}";
}

inline ServedAnswer ok(std::string_view body) { return {.body = std::string(body)}; }

}  // namespace skerry::cli
