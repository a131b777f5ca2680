#include "controller/api/fleet_json.h"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "common/manifest.h"
#include "controller/api/job_json.h"

namespace skerry::api {

namespace {

void write_telemetry(JsonWriter& json, const core::Telemetry& telemetry) {
  json.object()
      .member("cpu_fraction", telemetry.cpu_fraction)
      .member("memory_used_bytes", telemetry.memory_used_bytes)
      .member("memory_total_bytes", telemetry.memory_total_bytes)
      .member("load_1m", telemetry.load_1m)
      .member("temperature_c", telemetry.temperature_c)
      .member("power_w", telemetry.power_w)
      .member("power_source", telemetry.power_source)
      .member("queued", telemetry.queued)
      .member("running", telemetry.running)
      .member("spooled", telemetry.spooled)
      .member("spool_full", telemetry.spool_full)
      .member("gpu_fraction", telemetry.gpu_fraction)
      .member("gpu_memory_used_bytes", telemetry.gpu_memory_used_bytes)
      .member("gpu_memory_total_bytes", telemetry.gpu_memory_total_bytes)
      .end();
}

void write_estimate(JsonWriter& json, std::string_view name, const scheduler::Estimate& estimate) {
  json.key(name)
      .object()
      .member("mean_ms", estimate.mean * 1000)
      .member("deviation_ms", estimate.deviation * 1000)
      .member("samples", estimate.samples)
      .end();
}

}  // namespace

void write_node(JsonWriter& json, const core::NodeView& node) {
  const scheduler::NodeSpec& spec = node.spec;
  json.object()
      .member("name", spec.name)
      .member("state", to_string(node.state))
      .member("connected", node.connected)
      .member("tier", to_string(spec.tier))
      .member("site", spec.site)
      .member("labels", spec.labels)
      .texts("engines", spec.engines)
      .texts("devices", node.devices)
      .member("slots", spec.slots)
      .member("capacity", node.capacity)
      .member("outstanding", node.outstanding)
      .member("memory_bytes", spec.memory_bytes)
      .member("speed", spec.speed);
  json.key("power")
      .object()
      .member("idle_w", spec.power.idle_w)
      .member("busy_w", spec.power.busy_w)
      .end();
  json.member("price_usd_per_hour", spec.price_usd_per_hour)
      .member("rtt_ms", node.rtt_s * 1000)
      .member("bandwidth_bytes_per_s", node.bandwidth_bytes_per_s)
      .member("energy_source", node.energy_source)
      .member("software_version", node.software_version)
      .member("incarnation", node.incarnation)
      .member("enrolled_at", node.enrolled_at)
      .key("last_heartbeat_at");
  if (node.last_heartbeat == Instant{}) {
    json.null();
  } else {
    json.value(node.last_heartbeat);
  }
  json.member("alone_ms", to_ms(node.alone))
      .member("brought", node.brought)
      .member("brought_jobs", node.brought_jobs);
  json.key("resident").array();
  for (const core::VariantName& name : node.resident) {
    json.object().member("model", name.model).member("variant", name.variant).end();
  }
  json.end().key("telemetry");
  write_telemetry(json, node.telemetry);
  json.end();
}

void write_model(JsonWriter& json, const core::ModelView& model) {
  const boost::json::value manifest = manifest_to_json(model.manifest);
  json.object()
      .member("name", model.manifest.name)
      .member("revision", model.revision)
      .member("tripped", model.tripped);
  json.key("manifest").raw(boost::json::serialize(manifest));
  json.key("estimates").array();
  for (const core::EstimateView& estimate : model.estimates) {
    json.object()
        .member("node", estimate.node)
        .member("variant", estimate.variant)
        .member("resident", estimate.resident);
    write_estimate(json, "service", estimate.service);
    write_estimate(json, "load", estimate.load);
    json.end();
  }
  json.end().end();
}

void write_plan(JsonWriter& json, const std::vector<NamedPlanEntry>& entries) {
  const NamedPlanEntry* choice = nullptr;
  json.object().key("candidates").array();
  for (const NamedPlanEntry& named : entries) {
    const scheduler::PlanEntry& entry = named.entry;
    const bool eligible = entry.reason == scheduler::MaskReason::kNone;
    json.object()
        .member("node", named.node)
        .member("variant", named.variant)
        .member("eligible", eligible);
    if (eligible) {
      json.member("score", entry.score);
      if (choice == nullptr || entry.score < choice->entry.score) {
        choice = &named;
      }
    } else {
      json.member("reason", to_string(entry.reason)).member("reason_text", describe(entry.reason));
    }
    json.member("non_dominated", entry.non_dominated).key("predicted");
    write_prediction(json, entry.prediction);
    json.end();
  }
  json.end().key("choice");
  if (choice == nullptr) {
    json.null();
  } else {
    json.object().member("node", choice->node).member("variant", choice->variant).end();
  }
  json.end();
}

}  // namespace skerry::api
