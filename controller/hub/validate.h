// validate.h: what the hub accepts from an agent. Whatever passes can be translated and told to the
// core as it is.
//
// Each function is one message's rules: sizes, names, finite and ranged numbers, references that
// name something. The answer says what is wrong in a sentence that goes back to the agent
// (kInvalidArgument, kTooLarge, kUnsupported). Sentences of people (errors, reasons) are never
// refused, only cut by translate.h: a result is worth more than its error text.
//
// Pure; call from anywhere.

#pragma once

#include <cstdint>

#include "common/error.h"
#include "skerry/v1/agent.pb.h"

namespace skerry::hub {

constexpr std::uint32_t kMinVersion = 1;  // of the protocol, as offered in Hello
constexpr std::uint32_t kMaxVersion = 1;

constexpr int kMaxAttemptRefs = 50'000;  // running or spooled, in one hello
constexpr int kMaxVariantRefs = 10'000;
constexpr std::size_t kMaxLabels = 64;
constexpr int kMaxEngines = 32;
constexpr int kMaxDevices = 64;
constexpr int kMaxProbeRuns = 1'000;
constexpr std::uint32_t kMaxSlots = 1'024;
constexpr std::uint32_t kMaxCapacity = 100'000;
constexpr std::size_t kMaxSiteJobPartBytes = 1u << 20;

// The highest version that both sides speak; kUnsupported names both ranges.
Result<std::uint32_t> negotiate(const v1::Hello& hello);

Status validate(const v1::AttemptRef& attempt);
Status validate(const v1::Hello& hello);
Status validate(const v1::Heartbeat& heartbeat);
Status validate(const v1::AttemptStarted& started);
Status validate(const v1::AttemptResult& result);
Status validate(const v1::AttemptReturned& returned);
Status validate(const v1::Credits& credits);
Status validate(const v1::ProbeResult& result);
Status validate(const v1::Resident& resident);
// Of its parts, that they are there and small enough; what they say is checked when they are decoded.
Status validate(const v1::SiteJob& job);

}  // namespace skerry::hub
