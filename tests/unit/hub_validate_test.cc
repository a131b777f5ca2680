#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>

#include "common/digest.h"
#include "controller/hub/validate.h"
#include "tests/unit/hub_messages.h"

namespace skerry::hub {
namespace {

template <typename Message>
struct Case {
  const char* what;
  std::function<void(Message&)> spoil;
};

template <typename Message>
void expect_refused(const Message& good, const std::vector<Case<Message>>& cases) {
  EXPECT_TRUE(validate(good));
  for (const auto& [what, spoil] : cases) {
    Message message = good;
    spoil(message);
    const Status status = validate(message);
    ASSERT_FALSE(status) << what;
    EXPECT_FALSE(status.error().message.empty()) << what;
  }
}

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();

TEST(Validate, RefusesABadHello) {
  expect_refused<v1::Hello>(
      hello(),
      {
          {"no name", [](auto& m) { m.clear_node_name(); }},
          {"a name that is none", [](auto& m) { m.set_node_name("Shop 3"); }},
          {"a long name", [](auto& m) { m.set_node_name(std::string(64, 'a')); }},
          {"no incarnation", [](auto& m) { m.clear_incarnation(); }},
          {"no capabilities", [](auto& m) { m.clear_capabilities(); }},
          {"a bad tier", [](auto& m) { m.mutable_capabilities()->set_tier("fog"); }},
          {"a bad site", [](auto& m) { m.mutable_capabilities()->set_site("a b"); }},
          {"no slots", [](auto& m) { m.mutable_capabilities()->set_slots(0); }},
          {"many slots", [](auto& m) { m.mutable_capabilities()->set_slots(1 << 20); }},
          {"no engine", [](auto& m) { m.mutable_capabilities()->clear_engines(); }},
          {"a bad engine", [](auto& m) { m.mutable_capabilities()->add_engines("T O"); }},
          {"no speed", [](auto& m) { m.mutable_capabilities()->set_speed(0); }},
          {"speed nan", [](auto& m) { m.mutable_capabilities()->set_speed(kNan); }},
          {"power inf", [](auto& m) { m.mutable_capabilities()->set_busy_w(kInf); }},
          {"negative power", [](auto& m) { m.mutable_capabilities()->set_idle_w(-1); }},
          {"negative price", [](auto& m) { m.mutable_capabilities()->set_price_usd_per_hour(-1); }},
          {"rtt nan", [](auto& m) { m.mutable_capabilities()->set_rtt_s(kNan); }},
          {"bandwidth", [](auto& m) { m.mutable_capabilities()->set_bandwidth_bytes_per_s(-5); }},
          {"energy source", [](auto& m) { m.mutable_capabilities()->set_energy_source("sun"); }},
          {"a label without key",
           [](auto& m) { (*m.mutable_capabilities()->mutable_labels())[""]; }},
          {"an unprintable label",
           [](auto& m) { (*m.mutable_capabilities()->mutable_labels())["a"] = "\n"; }},
          {"many labels",
           [](auto& m) {
             for (int i = 0; i < 65; ++i) {
               (*m.mutable_capabilities()->mutable_labels())[std::to_string(i)] = "x";
             }
           }},
          {"an attempt without uid",
           [](auto& m) {
             m.mutable_running(0)->clear_uid_high();
             m.mutable_running(0)->clear_uid_low();
           }},
          {"a spooled attempt without job", [](auto& m) { m.mutable_spooled(0)->clear_job_id(); }},
          {"a bad variant", [](auto& m) { m.mutable_resident(0)->clear_variant(); }},
          {"a wild capacity", [](auto& m) { m.set_capacity(4'000'000'000u); }},
          {"a wild time alone", [](auto& m) { m.set_alone_us(UINT64_MAX); }},
          {"a bad version text", [](auto& m) { m.set_software_version("\x01"); }},
      });
}

TEST(Validate, RefusesBadTelemetry) {
  v1::Heartbeat good;
  good.mutable_telemetry()->set_cpu_fraction(1.02F);
  good.mutable_telemetry()->set_temperature_c(-12);
  expect_refused<v1::Heartbeat>(
      good,
      {
          {"cpu nan", [](auto& m) { m.mutable_telemetry()->set_cpu_fraction(NAN); }},
          {"cpu below 0", [](auto& m) { m.mutable_telemetry()->set_cpu_fraction(-1); }},
          {"load inf", [](auto& m) { m.mutable_telemetry()->set_load_1m(INFINITY); }},
          {"colder than cold", [](auto& m) { m.mutable_telemetry()->set_temperature_c(-300); }},
          {"power nan", [](auto& m) { m.mutable_telemetry()->set_power_w(NAN); }},
          {"a power source", [](auto& m) { m.mutable_telemetry()->set_power_source("x"); }},
          {"an hour's rtt", [](auto& m) { m.set_rtt_us(3'600'000'001); }},
          {"bandwidth nan",
           [](auto& m) { m.mutable_telemetry()->set_bandwidth_bytes_per_s(kNan); }},
      });
}

TEST(Validate, RefusesABadResult) {
  expect_refused<v1::AttemptResult>(
      result(),
      {
          {"no attempt", [](auto& m) { m.clear_attempt(); }},
          {"no number", [](auto& m) { m.mutable_attempt()->clear_attempt(); }},
          {"no outcome", [](auto& m) { m.clear_outcome(); }},
          {"a later outcome", [](auto& m) { m.set_outcome(static_cast<v1::Outcome>(99)); }},
          {"success without output", [](auto& m) { m.clear_output(); }},
          {"inline over the limit",
           [](auto& m) { m.mutable_output()->set_inline_(std::string((256 << 10) + 1, 'x')); }},
          {"inline and blob", [](auto& m) { m.mutable_output()->set_blob(sha256_digest("x")); }},
          {"a blob that is no digest",
           [](auto& m) {
             m.mutable_output()->clear_inline_();
             m.mutable_output()->set_blob("../x");
             m.mutable_output()->set_size_bytes(1);
           }},
          {"a wild energy", [](auto& m) { m.mutable_usage()->set_energy_uj(UINT64_MAX); }},
          {"a wild time", [](auto& m) { m.mutable_usage()->set_service_us(UINT64_MAX); }},
          {"an energy source", [](auto& m) { m.mutable_usage()->set_energy_source("sun"); }},
      });
}

TEST(Validate, TakesAFailureWithoutOutput) {
  v1::AttemptResult failed = result();
  failed.set_outcome(v1::OUTCOME_CRASHED);
  failed.clear_output();
  EXPECT_TRUE(validate(failed));
}

TEST(Validate, RefusesBadSmallMessages) {
  v1::AttemptStarted started;
  EXPECT_FALSE(validate(started));
  v1::AttemptReturned returned;
  EXPECT_FALSE(validate(returned));
  v1::Credits credits;
  EXPECT_TRUE(validate(credits));
  credits.set_capacity(kMaxCapacity + 1);
  EXPECT_EQ(validate(credits).error().code, ErrorCode::kTooLarge);
  v1::ProbeResult probe;
  EXPECT_FALSE(validate(probe));
  probe.mutable_variant()->set_model("digits");
  probe.mutable_variant()->set_variant("small");
  EXPECT_TRUE(validate(probe));
  probe.add_service_us(UINT64_MAX);
  EXPECT_FALSE(validate(probe));
  v1::Resident resident;
  EXPECT_TRUE(validate(resident));
  resident.add_variants()->set_model("digits");
  EXPECT_FALSE(validate(resident));
}

TEST(Validate, NegotiatesTheHighestCommonVersion) {
  struct Row {
    std::uint32_t low, high;
    bool common;
  };
  for (const auto& [low, high, common] : {Row{1, 1, true}, Row{0, 1, true}, Row{1, 9, true},
                                          Row{2, 9, false}, Row{0, 0, false}, Row{2, 1, false}}) {
    v1::Hello offer;
    offer.set_min_version(low);
    offer.set_max_version(high);
    const auto version = negotiate(offer);
    ASSERT_EQ(version.has_value(), common) << low << " to " << high;
    if (common) {
      EXPECT_EQ(*version, 1u);
    } else {
      EXPECT_EQ(version.error().code, ErrorCode::kUnsupported);
    }
  }
}

}  // namespace
}  // namespace skerry::hub
