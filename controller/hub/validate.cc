#include "controller/hub/validate.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

#include "common/digest.h"
#include "common/ids.h"
#include "common/payload.h"
#include "scheduler/constraints.h"

namespace skerry::hub {
namespace {

constexpr std::size_t kMaxTextBytes = 128;  // of labels, versions, devices
constexpr std::uint64_t kMaxUs = 100ull * 365 * 24 * 3600 * 1'000'000;  // a century
constexpr std::uint64_t kMaxMemoryBytes = 1ull << 50;
constexpr std::uint64_t kMaxMicro = 1'000'000'000'000'000;     // a gigajoule
constexpr std::uint64_t kMaxPico = 1'000'000'000'000'000'000;  // a million dollars

// The first rule that is broken, and nothing after it. Reads as a list of rules; see below.
class Rules {
 public:
  Rules& that(bool holds, std::string_view what) {
    if (!holds && status_) {
      status_ = fail(ErrorCode::kInvalidArgument, std::string(what));
    }
    return *this;
  }
  Rules& number(std::string_view what, double value, double low, double high) {
    if (status_ && !(std::isfinite(value) && value >= low && value <= high)) {
      status_ = fail(ErrorCode::kInvalidArgument,
                     fmt::format("{} is {}, not within {} and {}", what, value, low, high));
    }
    return *this;
  }
  Rules& count(std::string_view what, std::uint64_t value, std::uint64_t low, std::uint64_t high) {
    if (status_ && (value < low || value > high)) {
      status_ = fail(value > high ? ErrorCode::kTooLarge : ErrorCode::kInvalidArgument,
                     fmt::format("{} is {}, not within {} and {}", what, value, low, high));
    }
    return *this;
  }
  Rules& name(std::string_view what, std::string_view text) {
    return status_ ? status(validate_name(what, text)) : *this;
  }
  Rules& text(std::string_view what, std::string_view text) {
    return that(text.size() <= kMaxTextBytes &&
                    std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; }),
                fmt::format("{} is not at most {} printable characters", what, kMaxTextBytes));
  }
  Rules& status(Status other) {
    if (status_ && !other) {
      status_ = std::move(other);
    }
    return *this;
  }
  Status done() { return std::move(status_); }
  bool broken() const { return !status_; }

 private:
  Status status_;
};

bool is_energy_source(std::string_view name) {
  constexpr std::array<std::string_view, 5> kKnown = {"", "rapl", "hwmon", "nvml", "modelled"};
  return std::ranges::find(kKnown, name) != kKnown.end();
}

template <typename Attempts>
Status check_attempts(std::string_view what, const Attempts& attempts) {
  Rules rules;
  rules.count(what, static_cast<std::uint64_t>(attempts.size()), 0, kMaxAttemptRefs);
  for (const v1::AttemptRef& attempt : attempts) {
    if (rules.broken()) {
      break;
    }
    rules.status(validate(attempt));
  }
  return rules.done();
}

Status check_variant(const v1::VariantRef& variant) {
  return Rules()
      .status(validate_model_name(variant.model()))
      .name("variant name", variant.variant())
      .done();
}

template <typename Variants>
Status check_variants(const Variants& variants) {
  Rules rules;
  rules.count("the number of resident variants", static_cast<std::uint64_t>(variants.size()), 0,
              kMaxVariantRefs);
  for (const v1::VariantRef& variant : variants) {
    if (rules.broken()) {
      break;
    }
    rules.status(check_variant(variant));
  }
  return rules.done();
}

Status check_words(const v1::Capabilities& node) {
  Rules rules;
  rules
      .that(scheduler::parse_tier(node.tier()).has_value(),
            fmt::format("the tier '{}' is none of device, edge, cloud", node.tier()))
      .that(is_energy_source(node.energy_source()), "the energy source is not known")
      .count("the number of labels", node.labels().size(), 0, kMaxLabels)
      .count("the number of engines", static_cast<std::uint64_t>(node.engines_size()), 1,
             kMaxEngines)
      .count("the number of devices", static_cast<std::uint64_t>(node.devices_size()), 0,
             kMaxDevices);
  if (!node.site().empty()) {
    rules.name("site", node.site());
  }
  if (rules.broken()) {
    return rules.done();
  }
  for (const auto& [key, value] : node.labels()) {
    rules.that(!key.empty(), "a label's key is empty").text("a label's key", key);
    rules.text("a label's value", value);
  }
  for (const std::string& engine : node.engines()) {
    rules.name("engine", engine);
  }
  for (const std::string& device : node.devices()) {
    rules.text("a device", device);
  }
  return rules.done();
}

Status check_capabilities(const v1::Capabilities& node) {
  return Rules()
      .status(check_words(node))
      .count("slots", node.slots(), 1, kMaxSlots)
      .count("memory_bytes", node.memory_bytes(), 0, kMaxMemoryBytes)
      .number("speed", node.speed(), 1e-6, 1e6)
      .number("idle_w", node.idle_w(), 0, 1e6)
      .number("busy_w", node.busy_w(), 0, 1e6)
      .number("transfer_j_per_byte", node.transfer_j_per_byte(), 0, 1)
      .number("price_usd_per_hour", node.price_usd_per_hour(), 0, 1e6)
      .number("rtt_s", node.rtt_s(), 0, 3600)
      .number("bandwidth_bytes_per_s", node.bandwidth_bytes_per_s(), 0, 1e13)
      .done();
}

Status check_output(const v1::AttemptResult& result) {
  const v1::PayloadRef& output = result.output();
  const bool inlined = !output.inline_().empty();
  const bool stored = !output.blob().empty();
  if (result.outcome() != v1::OUTCOME_SUCCEEDED) {
    return {};  // translate.h leaves it out
  }
  return Rules()
      .that(inlined || stored, "a succeeded attempt without an output")
      .that(!(inlined && stored), "the output is both inline and a blob")
      .count("the size of the inline output", output.inline_().size(), 0, kInlineLimitBytes)
      .that(!stored || is_digest(output.blob()), "the output's blob is not a sha256 digest")
      .that(!stored || output.size_bytes() > 0, "the output's blob has no size")
      .done();
}

Status check_usage(const v1::Usage& usage) {
  return Rules()
      .count("queue_us", usage.queue_us(), 0, kMaxUs)
      .count("fetch_us", usage.fetch_us(), 0, kMaxUs)
      .count("load_us", usage.load_us(), 0, kMaxUs)
      .count("service_us", usage.service_us(), 0, kMaxUs)
      .count("energy_uj", usage.energy_uj(), 0, kMaxMicro)
      .count("cost_pico_usd", usage.cost_pico_usd(), 0, kMaxPico)
      .that(is_energy_source(usage.energy_source()), "the energy source is not known")
      .done();
}

}  // namespace

Result<std::uint32_t> negotiate(const v1::Hello& hello) {
  const std::uint32_t version = std::min(hello.max_version(), kMaxVersion);
  if (hello.min_version() > hello.max_version() || version < hello.min_version() ||
      version < kMinVersion) {
    return fail(ErrorCode::kUnsupported,
                fmt::format("the agent speaks versions {} to {}, this controller {} to {}",
                            hello.min_version(), hello.max_version(), kMinVersion, kMaxVersion));
  }
  return version;
}

Status validate(const v1::AttemptRef& attempt) {
  return Rules()
      .that(attempt.job_id() != 0, "the attempt has no job id")
      .that(attempt.attempt() != 0, "the attempt has no number")
      .that(attempt.uid_high() != 0 || attempt.uid_low() != 0, "the attempt has no uid")
      .done();
}

Status validate(const v1::Hello& hello) {
  return Rules()
      .name("node name", hello.node_name())
      .text("identity", hello.identity())
      .that(hello.incarnation() != 0, "the hello has no incarnation")
      .that(hello.has_capabilities(), "the hello has no capabilities")
      .status(check_capabilities(hello.capabilities()))
      .status(check_attempts("the number of running attempts", hello.running()))
      .status(check_attempts("the number of spooled attempts", hello.spooled()))
      .status(check_variants(hello.resident()))
      .count("capacity", hello.capacity(), 0, kMaxCapacity)
      .text("software version", hello.software_version())
      .count("alone_us", hello.alone_us(), 0, kMaxUs)
      .done();
}

Status validate(const v1::Heartbeat& heartbeat) {
  const v1::Telemetry& t = heartbeat.telemetry();
  return Rules()
      .count("rtt_us", heartbeat.rtt_us(), 0, 3'600'000'000)
      .number("cpu_fraction", t.cpu_fraction(), 0, 1e3)
      .count("memory_used_bytes", t.memory_used_bytes(), 0, kMaxMemoryBytes)
      .count("memory_total_bytes", t.memory_total_bytes(), 0, kMaxMemoryBytes)
      .number("load_1m", t.load_1m(), 0, 1e6)
      .number("temperature_c", t.temperature_c(), -273.15, 1e4)
      .number("power_w", t.power_w(), 0, 1e7)
      .that(is_energy_source(t.power_source()), "the power source is not known")
      .count("queued", t.queued(), 0, kMaxCapacity)
      .count("running", t.running(), 0, kMaxCapacity)
      .number("bandwidth_bytes_per_s", t.bandwidth_bytes_per_s(), 0, 1e13)
      .number("gpu_fraction", t.gpu_fraction(), 0, 1e3)
      .count("gpu_memory_used_bytes", t.gpu_memory_used_bytes(), 0, kMaxMemoryBytes)
      .count("gpu_memory_total_bytes", t.gpu_memory_total_bytes(), 0, kMaxMemoryBytes)
      .done();
}

Status validate(const v1::AttemptStarted& started) { return validate(started.attempt()); }

Status validate(const v1::AttemptResult& result) {
  return Rules()
      .status(validate(result.attempt()))
      .that(result.outcome() != v1::OUTCOME_UNSPECIFIED && v1::Outcome_IsValid(result.outcome()),
            "the outcome is not known")
      .status(check_output(result))
      .status(check_usage(result.usage()))
      .done();
}

Status validate(const v1::AttemptReturned& returned) { return validate(returned.attempt()); }

Status validate(const v1::SiteJob& job) {
  return Rules()
      .that(job.id() != 0, "a brought job without an id")
      .count("the size of the job", job.job().size(), 1, kMaxSiteJobPartBytes)
      .count("the size of its task", job.task().size(), 0, kMaxSiteJobPartBytes)
      .count("the size of its result", job.result().size(), 0, kMaxSiteJobPartBytes)
      .done();
}

Status validate(const v1::Credits& credits) {
  return Rules().count("capacity", credits.capacity(), 0, kMaxCapacity).done();
}

Status validate(const v1::ProbeResult& result) {
  Rules rules;
  rules.status(check_variant(result.variant()))
      .count("load_us", result.load_us(), 0, kMaxUs)
      .count("the number of runs", static_cast<std::uint64_t>(result.service_us_size()), 0,
             kMaxProbeRuns)
      .count("memory_bytes", result.memory_bytes(), 0, kMaxMemoryBytes);
  for (const std::uint64_t service_us : result.service_us()) {
    rules.count("service_us", service_us, 0, kMaxUs);
  }
  return rules.done();
}

Status validate(const v1::Resident& resident) { return check_variants(resident.variants()); }

}  // namespace skerry::hub
