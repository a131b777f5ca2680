// metrics.h: what the controller tells Prometheus. docs/metrics.md lists the metrics.
//
// Owned by main, with a registry of its own. Names start with skerry_ and end in their base unit;
// labels are bounded: never a job, and models, variants, nodes and namespaces only up to a number
// each, beyond which they count as "other".
//
// observe(Happening) is called for every job several times and costs about a microsecond: the
// handles of a label set are looked up once and kept.
//
// Threads: observe(Happening) from one thread at a time (the core's strand); everything else from
// any.

#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/time.h"
#include "controller/core/core.h"
#include "controller/core/effects.h"

namespace skerry::metrics {

struct MetricsOptions {
  std::size_t max_models = 100;
  std::size_t max_variants = 300;
  std::size_t max_nodes = 1000;
  std::size_t max_namespaces = 50;
  std::size_t max_policies = 40;  // that ever decided
  std::size_t max_words = 32;  // of what agents say in words: energy sources, reasons of failures
  Duration node_certificate_life = hours(24);  // from an enrolled node's last renewal
};

// State that is read when Prometheus asks, instead of being counted.
struct Gauges {
  core::QueueStats queue;
  std::vector<core::NodeView> nodes;
  core::PoliciesView policies;
  std::vector<core::QuotaView> quotas;
  std::size_t http_connections = 0;
  std::size_t event_watchers = 0;
  Instant now;
};

// A figure that somebody else counts, read when Prometheus asks. Its labels must be bounded.
struct Figure {
  enum class Kind : std::uint8_t { kCounter, kGauge };
  struct Sample {
    std::vector<std::pair<std::string, std::string>> labels;
    double value = 0;
  };

  std::string name;
  std::string help;
  Kind kind = Kind::kCounter;
  std::vector<Sample> samples;
};

class Metrics {
 public:
  explicit Metrics(MetricsOptions options = {});
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  void observe(const core::Happening& happening);
  // One sync of the store, with the batches it made durable.
  void observe_sync(Duration took, std::size_t batches, std::uint64_t bytes);
  // One answered request; `route` is the pattern, such as "/api/v1/jobs/{id}".
  void observe_request(std::string_view method, std::string_view route, int status, Duration took);

  // `read` is called at every scrape, on its thread, after what is counted here; it outlives the
  // last one.
  void add_source(std::function<std::vector<Figure>()> read);
  // The text format 0.0.4.
  std::string scrape(const Gauges& gauges);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace skerry::metrics
