#include "controller/hub_metrics.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>

#include "controller/door_metrics.h"

namespace skerry::controller {

namespace {

using hub::Count;
using metrics::Figure;

// One value of a figure's only label; empty for a figure without one.
struct Labelled {
  const char* value;
  Count count;
};
struct Row {
  const char* name;
  const char* help;
  Figure::Kind kind;
  const char* label;
  std::vector<Labelled> counts;
};

const std::vector<Row>& rows() {
  constexpr auto kCounter = Figure::Kind::kCounter;
  constexpr auto kGauge = Figure::Kind::kGauge;
  static const std::vector<Row> rows = {
      {"skerry_hub_streams", "Open streams of agents", kGauge, "", {{"", Count::kStreams}}},
      {"skerry_hub_streams_held",
       "Streams that are not read on until the core has caught up with them",
       kGauge,
       "",
       {{"", Count::kHeld}}},
      {"skerry_hub_transfers",
       "Fetches and uploads under way",
       kGauge,
       "",
       {{"", Count::kTransfers}}},
      {"skerry_hub_sessions_total",
       "Sessions of agents that were opened and closed",
       kCounter,
       "change",
       {{"opened", Count::kSessionsOpened}, {"closed", Count::kSessionsClosed}}},
      {"skerry_hub_streams_refused_total",
       "Streams that did not become sessions (limit: too many or stopping; hello: a hello that "
       "cannot be taken)",
       kCounter,
       "reason",
       {{"limit", Count::kTurnedAway}, {"hello", Count::kHellosRefused}}},
      {"skerry_hub_streams_cut_total",
       "Streams that were cut (overflow: the queue to the agent was full; stall: the agent took "
       "too "
       "long)",
       kCounter,
       "reason",
       {{"overflow", Count::kOverflows}, {"stall", Count::kStalls}}},
      {"skerry_hub_reads_held_total",
       "Times that a stream was not read on at once, since the core was behind",
       kCounter,
       "",
       {{"", Count::kReadsHeld}}},
      {"skerry_hub_messages_refused_total",
       "Messages that their receiver refused",
       kCounter,
       "by",
       {{"controller", Count::kMessagesRefused}, {"agent", Count::kRefusedByAgents}}},
      {"skerry_hub_commands_dropped_total",
       "Commands for sessions that were gone",
       kCounter,
       "",
       {{"", Count::kSendsDropped}}},
      {"skerry_hub_frames_total",
       "Frames of messages on agents' streams",
       kCounter,
       "direction",
       {{"received", Count::kFramesReceived}, {"sent", Count::kFramesSent}}},
      {"skerry_hub_bytes_total",
       "Bytes of those frames",
       kCounter,
       "direction",
       {{"received", Count::kBytesReceived}, {"sent", Count::kBytesSent}}},
      {"skerry_hub_transfers_refused_total",
       "Fetches and uploads over a limit",
       kCounter,
       "",
       {{"", Count::kTransfersRefused}}},
      {"skerry_hub_transfer_bytes_total",
       "Bytes of blobs that agents fetched and uploaded",
       kCounter,
       "direction",
       {{"fetched", Count::kFetchedBytes}, {"uploaded", Count::kUploadedBytes}}}};
  return rows;
}

void add_kinds(Figure& figure, const char* direction,
               const std::vector<hub::Hub::KindCount>& counts) {
  for (const auto& [kind, count] : counts) {
    figure.samples.push_back({.labels = {{"direction", direction}, {"kind", std::string(kind)}},
                              .value = static_cast<double>(count)});
  }
}

}  // namespace

std::vector<Figure> hub_figures(const hub::Hub& hub) {
  std::vector<Figure> figures;
  for (const Row& row : rows()) {
    Figure figure{.name = row.name, .help = row.help, .kind = row.kind, .samples = {}};
    for (const Labelled& labelled : row.counts) {
      Figure::Sample sample{.labels = {}, .value = static_cast<double>(hub.count(labelled.count))};
      if (*row.label != 0) {
        sample.labels.emplace_back(row.label, labelled.value);
      }
      figure.samples.push_back(std::move(sample));
    }
    figures.push_back(std::move(figure));
  }
  Figure messages{.name = "skerry_hub_messages_total",
                  .help = "Messages of agents' streams by kind; what is sent counts when queued",
                  .kind = Figure::Kind::kCounter,
                  .samples = {}};
  add_kinds(messages, "received", hub.received());
  add_kinds(messages, "sent", hub.sent());
  figures.push_back(std::move(messages));
  if (const door::Counters* counters = hub.door_counters()) {
    std::ranges::move(door_figures(*counters), std::back_inserter(figures));
  }
  return figures;
}

}  // namespace skerry::controller
