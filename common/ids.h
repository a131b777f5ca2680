// ids.h: the identifiers, each a type of its own, and how they read as text.
//
//   JobId       64 bits: the controller's epoch above a counter, so ids grow in order of submission and are never used
//               twice, not even by a controller that restarted. Text: "j" and 13 letters of base32hex, which sort alike.
//   AttemptUid  128 random bits: names one execution of a task on one node. Text: 32 hex digits.
//   NodeId      a small number that the controller gives a node when it first enrols and keeps for ever; dense, so that
//               tables index by it. People and the API use the node's name.
//   Epoch       strictly growing number of the controller's leadership.
//   SessionId   one connection of an agent, as counted by the hub; never stored.

#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "common/error.h"

namespace skerry {

// A number that is its own type: Id<struct NodeIdTag, std::uint32_t>.
template <typename Tag, typename Number>
struct Id {
  Number value = 0;

  auto operator<=>(const Id&) const = default;
};

using NodeId = Id<struct NodeIdTag, std::uint32_t>;
using Epoch = Id<struct EpochTag, std::uint64_t>;
using SessionId = Id<struct SessionIdTag, std::uint64_t>;

struct JobId : Id<struct JobIdTag, std::uint64_t> {
  static constexpr int kCounterBits = 40;

  static JobId make(Epoch epoch, std::uint64_t counter) {
    JobId id;
    id.value = (epoch.value << kCounterBits) | counter;
    return id;
  }
  auto operator<=>(const JobId&) const = default;
};

struct AttemptUid {
  std::uint64_t high = 0;
  std::uint64_t low = 0;

  auto operator<=>(const AttemptUid&) const = default;
};

std::string to_string(JobId id);
std::string to_string(AttemptUid uid);
Result<JobId> parse_job_id(std::string_view text);            // kInvalidArgument
Result<AttemptUid> parse_attempt_uid(std::string_view text);  // kInvalidArgument

// Names of nodes, models, variants and namespaces: 1 to 63 of [a-z0-9._-], first and last alphanumeric, so that they fit
// DNS labels, file names and metric labels. `what` starts the message: "model name 'A!' ...".
Status validate_name(std::string_view what, std::string_view name);

// A model's whole name: "digits" is everybody's, "vision/digits" that of namespace vision.
std::string whole_model_name(std::string_view ns, std::string_view name);  // ns empty = everybody's
std::string_view namespace_of_model(std::string_view whole);               // empty = everybody's
std::string_view bare_model_name(std::string_view whole);
Status validate_model_name(std::string_view whole);

}  // namespace skerry

template <typename Tag, typename Number>
struct std::hash<skerry::Id<Tag, Number>> {
  std::size_t operator()(skerry::Id<Tag, Number> id) const { return std::hash<Number>()(id.value); }
};
template <>
struct std::hash<skerry::JobId> {
  std::size_t operator()(skerry::JobId id) const { return std::hash<std::uint64_t>()(id.value); }
};
template <>
struct std::hash<skerry::AttemptUid> {
  std::size_t operator()(skerry::AttemptUid uid) const {
    return std::hash<std::uint64_t>()(uid.low ^ uid.high);
  }
};
