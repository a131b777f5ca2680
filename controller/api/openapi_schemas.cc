// openapi_schemas.cc: the shapes of requests and answers, by hand, beside the code that reads and
// writes them. A test holds the server's answers against them.

#include "controller/api/openapi.h"

namespace skerry::api {

std::string_view openapi_schemas() {
  return R"json({
"Problem":{"type":"object","required":["type","title","status","detail","code"],"properties":{
  "type":{"type":"string"},"title":{"type":"string"},"status":{"type":"integer"},"detail":{"type":"string"},"code":{"type":"string"},
  "fields":{"type":"array","items":{"type":"object","required":["field","message"],"properties":{
    "field":{"type":"string","description":"JSON pointer into the request"},"message":{"type":"string"}}}}}},
"Document":{"type":"object"},
"Version":{"type":"object","required":["version","commit","api"],"properties":{
  "version":{"type":"string"},"commit":{"type":"string"},"api":{"type":"string"}},"additionalProperties":false},
"Texts":{"type":"object","additionalProperties":{"type":"string"}},
"Weights":{"type":"object","properties":{"latency":{"type":"number"},"energy":{"type":"number"},"cost":{"type":"number"},
  "error":{"type":"number"}},"additionalProperties":false},
"InputValue":{"type":"object","description":"media: b64 and type; tensor: dtype, shape, and data or b64","properties":{
  "b64":{"type":"string"},"type":{"type":"string"},"dtype":{"enum":["f32","f64","f16","i64","i32","i16","i8","u8","bool"]},
  "shape":{"type":"array","items":{"type":"integer"}},"data":{"type":"array"}},"additionalProperties":false},
"OutputValue":{"type":"object","description":"labels, a tensor, or media","properties":{
  "labels":{"type":"array","items":{"type":"object","required":["label","score"],"properties":{
    "label":{"type":"string"},"score":{"type":["number","null"]}},"additionalProperties":false}},
  "b64":{"type":"string"},"type":{"type":"string"},"dtype":{"enum":["f32","f64","f16","i64","i32","i16","i8","u8","bool"]},
  "shape":{"type":"array","items":{"type":"integer"}},"data":{"type":"array"}},"additionalProperties":false},
"Constraints":{"type":"object","properties":{
  "deadline_ms":{"type":"number","minimum":0,"description":"from arrival"},
  "tiers":{"type":"array","items":{"enum":["device","edge","cloud"]}},"site":{"type":"string"},
  "labels":{"$ref":"#/components/schemas/Texts"},"node":{"type":"string"},"variants":{"type":"array","items":{"type":"string"}},
  "max_energy_j":{"type":"number","minimum":0},"max_cost_usd":{"type":"number","minimum":0},
  "min_accuracy":{"type":"number","minimum":0,"maximum":1}},"additionalProperties":false},
"JobRequest":{"type":"object","required":["model"],"properties":{
  "model":{"type":"string"},"inputs":{"type":"object","additionalProperties":{"$ref":"#/components/schemas/InputValue"}},
  "preference":{"oneOf":[{"enum":["balanced","fast","green","cheap","accurate"]},{"$ref":"#/components/schemas/Weights"}]},
  "constraints":{"$ref":"#/components/schemas/Constraints"},
  "priority":{"enum":["interactive","normal","batch"]},"durability":{"enum":["durable","none"]},
  "namespace":{"type":"string"},"sequence":{"type":"string"},"labels":{"$ref":"#/components/schemas/Texts"}},
  "additionalProperties":false},
"PlanRequest":{"type":"object","required":["model"],"properties":{
  "model":{"type":"string"},"inputs":{"type":"object","additionalProperties":{"$ref":"#/components/schemas/InputValue"}},
  "input_bytes":{"type":"integer","minimum":0},
  "preference":{"oneOf":[{"enum":["balanced","fast","green","cheap","accurate"]},{"$ref":"#/components/schemas/Weights"}]},
  "constraints":{"$ref":"#/components/schemas/Constraints"},
  "priority":{"enum":["interactive","normal","batch"]},"durability":{"enum":["durable","none"]},
  "namespace":{"type":"string"},"sequence":{"type":"string"},"labels":{"$ref":"#/components/schemas/Texts"}},
  "additionalProperties":false},
"BatchRequest":{"type":"object","required":["jobs"],"properties":{
  "jobs":{"type":"array","minItems":1,"maxItems":1000,"items":{"$ref":"#/components/schemas/JobRequest"}}},"additionalProperties":false},
"Submitted":{"type":"object","required":["id"],"properties":{"id":{"type":"string"},"state":{"$ref":"#/components/schemas/State"}},
  "additionalProperties":false},
"BatchSubmitted":{"type":"object","required":["ids"],"properties":{"ids":{"type":"array","items":{"type":"string"}}},
  "additionalProperties":false},
"Changed":{"type":"object","required":["changed"],"properties":{"changed":{"type":"boolean"}},"additionalProperties":false},
"State":{"enum":["READY","LEASED","RUNNING","BACKOFF","UNKNOWN","SUCCEEDED","FAILED","CANCELLED","EXPIRED","QUARANTINED"]},
"Objectives":{"type":"object","required":["latency_ms","energy_j","cost_usd","error"],"properties":{
  "latency_ms":{"type":["number","null"]},"energy_j":{"type":["number","null"]},"cost_usd":{"type":["number","null"]},
  "error":{"type":["number","null"]}},"additionalProperties":false},
"Prediction":{"type":"object","required":["latency_ms","energy_j","cost_usd","error","wait_ms","transfer_ms","load_ms","service_ms"],
  "properties":{"latency_ms":{"type":["number","null"]},"energy_j":{"type":["number","null"]},"cost_usd":{"type":["number","null"]},
  "error":{"type":["number","null"]},"latency_deviation_ms":{"type":["number","null"]},"wait_ms":{"type":["number","null"]},
  "transfer_ms":{"type":["number","null"]},"load_ms":{"type":["number","null"]},"service_ms":{"type":["number","null"]}},
  "additionalProperties":false},
"Preference":{"type":"object","required":["weights"],"properties":{"name":{"type":"string"},
  "weights":{"$ref":"#/components/schemas/Weights"}},"additionalProperties":false},
"MaskCounts":{"type":"object","description":"reasons and how many candidates each excluded","additionalProperties":{"type":"integer"}},
"Job":{"type":"object","required":["id","namespace","model","state","priority","durability","preference","constraints","labels",
  "sequence","submitted_at","attempts","version","live_attempts"],"properties":{
  "id":{"type":"string"},"namespace":{"type":"string"},"model":{"type":"string"},"state":{"$ref":"#/components/schemas/State"},
  "priority":{"enum":["interactive","normal","batch"]},"durability":{"enum":["durable","none"]},
  "preference":{"$ref":"#/components/schemas/Preference"},"constraints":{"$ref":"#/components/schemas/Constraints"},
  "labels":{"$ref":"#/components/schemas/Texts"},"sequence":{"type":"string"},"submitted_at":{"type":"string"},
  "ended_at":{"type":"string"},"attempts":{"type":"integer"},"version":{"type":"integer"},
  "waiting_for":{"$ref":"#/components/schemas/MaskCounts"},
  "live_attempts":{"type":"array","items":{"type":"object","required":["number","node","variant","leased_at"],"properties":{
    "number":{"type":"integer"},"node":{"type":"string"},"variant":{"type":"string"},"leased_at":{"type":"string"},
    "started_at":{"type":"string"}},"additionalProperties":false}},
  "result":{"type":"object","required":["attempt","node","variant","total_ms","usage","predicted","actual"],"properties":{
    "attempt":{"type":"integer"},"node":{"type":"string"},"variant":{"type":"string"},
    "total_ms":{"type":"number","description":"from submission to result, over all attempts"},
    "outputs":{"type":"object","additionalProperties":{"$ref":"#/components/schemas/OutputValue"}},
    "usage":{"type":"object","properties":{"queue_ms":{"type":"number"},"fetch_ms":{"type":"number"},"load_ms":{"type":"number"},
      "service_ms":{"type":"number"},"energy_source":{"type":"string"}},"additionalProperties":false},
    "predicted":{"$ref":"#/components/schemas/Objectives","description":"of this attempt, when it was placed"},
    "actual":{"$ref":"#/components/schemas/Objectives","description":"of the same: latency from the placement to the result"}},
    "additionalProperties":false},
  "error":{"type":"object","required":["code","message"],"properties":{"code":{"type":"string"},"message":{"type":"string"}},
    "additionalProperties":false}},"additionalProperties":false},
"JobList":{"type":"object","required":["items"],"properties":{"items":{"type":"array","items":{"$ref":"#/components/schemas/Job"}},
  "next_cursor":{"type":"string"}},"additionalProperties":false},
"Outputs":{"type":"object","required":["outputs"],"properties":{
  "outputs":{"type":"object","additionalProperties":{"$ref":"#/components/schemas/OutputValue"}}},"additionalProperties":false},
"Choice":{"type":["object","null"],"required":["node","variant"],"properties":{"node":{"type":"string"},"variant":{"type":"string"}},
  "additionalProperties":false},
"DecisionList":{"type":"object","required":["items"],"properties":{"items":{"type":"array","items":{"type":"object",
  "required":["job","attempt","at","policy","policy_version","preference","candidates","masked"],"properties":{
  "job":{"type":"string"},"attempt":{"type":"integer"},"at":{"type":"string"},"policy":{"type":"string"},
  "policy_version":{"type":"string"},"fallback_reason":{"type":"string"},"preference":{"$ref":"#/components/schemas/Preference"},
  "candidates":{"type":"array","items":{"type":"object","required":["node","variant","score","predicted","normalised"],"properties":{
    "node":{"type":"string"},"variant":{"type":"string"},"score":{"type":["number","null"]},
    "predicted":{"$ref":"#/components/schemas/Prediction"},"normalised":{"$ref":"#/components/schemas/Weights"}},
    "additionalProperties":false}},
  "choice":{"$ref":"#/components/schemas/Choice"},"masked":{"$ref":"#/components/schemas/MaskCounts"}},
  "additionalProperties":false}}},"additionalProperties":false},
"Node":{"type":"object","required":["name","state","connected","tier","site","labels","engines","slots","capacity","outstanding"],
  "properties":{"name":{"type":"string"},"state":{"enum":["READY","SUSPECT","DISCONNECTED","DRAINING","DRAINED","CORDONED"]},
  "connected":{"type":"boolean"},"tier":{"enum":["device","edge","cloud"]},"site":{"type":"string"},
  "labels":{"$ref":"#/components/schemas/Texts"},"engines":{"type":"array","items":{"type":"string"}},"slots":{"type":"integer"},
  "devices":{"type":"array","items":{"type":"string"}},"capacity":{"type":"integer"},"outstanding":{"type":"integer"},"memory_bytes":{"type":"integer"},"speed":{"type":"number"},
  "power":{"type":"object","properties":{"idle_w":{"type":"number"},"busy_w":{"type":"number"}},"additionalProperties":false},
  "price_usd_per_hour":{"type":"number"},"rtt_ms":{"type":"number"},"bandwidth_bytes_per_s":{"type":"number"},
  "energy_source":{"type":"string"},"software_version":{"type":"string"},"incarnation":{"type":"integer"},
  "enrolled_at":{"type":"string"},"last_heartbeat_at":{"type":["string","null"]},"alone_ms":{"type":"number"},"brought":{"type":"integer"},
  "resident":{"type":"array","items":{"type":"object","required":["model","variant"],"properties":{"model":{"type":"string"},
    "variant":{"type":"string"}},"additionalProperties":false}},
  "telemetry":{"type":"object","properties":{"cpu_fraction":{"type":"number"},"memory_used_bytes":{"type":"integer"},
    "memory_total_bytes":{"type":"integer"},"load_1m":{"type":"number"},"temperature_c":{"type":"number"},"power_w":{"type":"number"},
    "power_source":{"type":"string"},"queued":{"type":"integer"},"running":{"type":"integer"},"spooled":{"type":"integer"},
    "gpu_fraction":{"type":"number"},"gpu_memory_used_bytes":{"type":"integer"},"gpu_memory_total_bytes":{"type":"integer"}},
    "additionalProperties":false}},"additionalProperties":false},
"NodeList":{"type":"object","required":["items"],"properties":{"items":{"type":"array","items":{"$ref":"#/components/schemas/Node"}}},
  "additionalProperties":false},
"Manifest":{"type":"object","required":["apiVersion","kind","metadata","spec"],"properties":{"apiVersion":{"type":"string"},
  "kind":{"enum":["Model"]},"metadata":{"type":"object","required":["name"],"properties":{"name":{"type":"string"}}},
  "spec":{"type":"object"}},"additionalProperties":false},
"Estimate":{"type":"object","required":["mean_ms","deviation_ms","samples"],"properties":{"mean_ms":{"type":"number"},
  "deviation_ms":{"type":"number"},"samples":{"type":"integer"}},"additionalProperties":false},
"Model":{"type":"object","required":["name","revision","tripped","manifest","estimates"],"properties":{"name":{"type":"string"},
  "revision":{"type":"integer"},"tripped":{"type":"boolean"},"manifest":{"$ref":"#/components/schemas/Manifest"},
  "estimates":{"type":"array","items":{"type":"object","required":["node","variant","resident","service","load"],"properties":{
    "node":{"type":"string"},"variant":{"type":"string"},"resident":{"type":"boolean"},
    "service":{"$ref":"#/components/schemas/Estimate"},"load":{"$ref":"#/components/schemas/Estimate"}},"additionalProperties":false}}},
  "additionalProperties":false},
"ModelList":{"type":"object","required":["items"],"properties":{"items":{"type":"array","items":{"$ref":"#/components/schemas/Model"}}},
  "additionalProperties":false},
"Blob":{"type":"object","required":["digest","size_bytes"],"properties":{"digest":{"type":"string"},"size_bytes":{"type":"integer"}},
  "additionalProperties":false},
"Plan":{"type":"object","required":["candidates","choice"],"properties":{"candidates":{"type":"array","items":{"type":"object",
  "required":["node","variant","eligible","non_dominated","predicted"],"properties":{"node":{"type":"string"},
  "variant":{"type":"string"},"eligible":{"type":"boolean"},"reason":{"type":"string"},"reason_text":{"type":"string"},
  "score":{"type":["number","null"]},"non_dominated":{"type":"boolean"},"predicted":{"$ref":"#/components/schemas/Prediction"}},
  "additionalProperties":false}},"choice":{"$ref":"#/components/schemas/Choice"}},"additionalProperties":false},
"Policies":{"type":"object","required":["active","available"],"properties":{"active":{"type":"string"},
  "available":{"type":"array","items":{"type":"string"}}},"additionalProperties":false},
"PolicyChoice":{"type":"object","required":["name"],"properties":{"name":{"type":"string"}},"additionalProperties":false}
})json";
}

}  // namespace skerry::api
