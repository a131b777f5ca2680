#include "controller/door_metrics.h"

#include <string>
#include <utility>

namespace skerry::controller {

namespace {

using door::Count;
using metrics::Figure;

struct Labelled {
  const char* value;
  Count count;
};

Figure figure(const char* name, const char* help, Figure::Kind kind, const char* label,
              const door::Counters& counters, std::initializer_list<Labelled> counts) {
  Figure made{.name = name, .help = help, .kind = kind, .samples = {}};
  for (const Labelled& labelled : counts) {
    Figure::Sample sample{.labels = {}, .value = static_cast<double>(counters[labelled.count])};
    if (*label != 0) {
      sample.labels.emplace_back(label, labelled.value);
    }
    made.samples.push_back(std::move(sample));
  }
  return made;
}

Figure breaches(const door::Counters& counters) {
  Figure made{.name = "skerry_door_breaches_total",
              .help = "Connections of nodes that were cut, and the node banned, for what it sent",
              .kind = Figure::Kind::kCounter,
              .samples = {}};
  for (std::size_t i = 0; i < door::kBreaches; ++i) {
    const auto breach = static_cast<door::Breach>(i);
    made.samples.push_back({.labels = {{"kind", std::string(to_string(breach))}},
                            .value = static_cast<double>(counters[breach])});
  }
  return made;
}

}  // namespace

std::vector<Figure> door_figures(const door::Counters& counters) {
  constexpr auto kCounter = Figure::Kind::kCounter;
  constexpr auto kGauge = Figure::Kind::kGauge;
  return {
      figure("skerry_door_connections", "Connections of nodes that proved who they are", kGauge, "",
             counters, {{"", Count::kConnections}}),
      figure("skerry_door_handshakes", "Handshakes under way", kGauge, "", counters,
             {{"", Count::kHandshakes}}),
      figure("skerry_door_accepted_total", "Connections that reached the agents' port", kCounter,
             "", counters, {{"", Count::kAccepted}}),
      figure("skerry_door_passed_total", "Connections of nodes that were let in", kCounter, "",
             counters, {{"", Count::kPassed}}),
      figure(
          "skerry_door_refused_total",
          "Connections that were not let in (full, too_often: of an address; banned: an address or "
          "a node; timeout, failed: of a handshake; not_admitted: no member, or revoked; limit: of "
          "all or of a node)",
          kCounter, "reason", counters,
          {{"full", Count::kFull},
           {"too_often", Count::kTooOften},
           {"banned", Count::kBanned},
           {"timeout", Count::kTimedOut},
           {"failed", Count::kFailed},
           {"not_admitted", Count::kNotAdmitted},
           {"limit", Count::kTooMany}}),
      figure(
          "skerry_door_closed_total",
          "Connections of nodes that were closed (expired: the certificate; revoked: the node, or "
          "its authority; idle: nothing was said; stalled: the agent takes nothing)",
          kCounter, "reason", counters,
          {{"expired", Count::kExpired},
           {"revoked", Count::kDisconnected},
           {"idle", Count::kIdle},
           {"stalled", Count::kStalled}}),
      breaches(counters),
      figure("skerry_door_bans_total", "Nodes and addresses that were banned for a while", kCounter,
             "", counters, {{"", Count::kBans}}),
      figure("skerry_door_bytes_total", "Bytes of nodes' connections, without TLS", kCounter,
             "direction", counters, {{"received", Count::kBytesIn}, {"sent", Count::kBytesOut}})};
}

}  // namespace skerry::controller
