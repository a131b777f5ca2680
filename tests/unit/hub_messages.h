// hub_messages.h: messages of an agent with every field set, for the tests of the hub's pure parts.

#pragma once

#include "controller/hub/translate.h"

namespace skerry::hub {

constexpr SessionId kSession{42};

inline core::AttemptRef attempt() {
  core::AttemptRef ref;
  ref.job.value = 0x123456789abcdef0;
  ref.number = 3;
  ref.uid = {.high = 0xfedcba9876543210, .low = 17};
  return ref;
}

inline v1::AttemptRef wire_attempt() {
  v1::AttemptRef wire;
  to_wire(attempt(), wire);
  return wire;
}

inline v1::Hello hello() {
  v1::Hello hello;
  hello.set_min_version(1);
  hello.set_max_version(1);
  hello.set_node_name("shop-3");
  hello.set_identity("3f9a");
  hello.set_incarnation(9);
  hello.set_capacity(12);
  hello.set_software_version("0.1.0");
  hello.set_alone_us(5'000'000);
  *hello.add_running() = wire_attempt();
  *hello.add_spooled() = wire_attempt();
  v1::VariantRef& variant = *hello.add_resident();
  variant.set_model("digits");
  variant.set_variant("small");
  v1::Capabilities& node = *hello.mutable_capabilities();
  node.set_tier("edge");
  node.set_site("paris");
  (*node.mutable_labels())["zone"] = "b";
  node.add_engines("torch");
  node.set_slots(4);
  node.set_memory_bytes(1 << 30);
  node.set_speed(0.5);
  node.set_idle_w(2);
  node.set_busy_w(9);
  node.set_transfer_j_per_byte(1e-8);
  node.set_price_usd_per_hour(0.25);
  node.set_rtt_s(0.04);
  node.set_bandwidth_bytes_per_s(2.5e6);
  node.set_energy_source("hwmon");
  node.add_devices("cpu");
  node.add_devices("cuda:0");
  return hello;
}

inline v1::AttemptResult result() {
  v1::AttemptResult result;
  *result.mutable_attempt() = wire_attempt();
  result.set_outcome(v1::OUTCOME_SUCCEEDED);
  result.mutable_output()->set_inline_("values");
  v1::Usage& usage = *result.mutable_usage();
  usage.set_queue_us(1);
  usage.set_fetch_us(2);
  usage.set_load_us(3);
  usage.set_service_us(4);
  usage.set_energy_uj(5'000'000);
  usage.set_energy_source("rapl");
  usage.set_cost_pico_usd(6);
  return result;
}

}  // namespace skerry::hub
