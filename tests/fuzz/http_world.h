// http_world.h: one connection of the API over a pair of sockets, the real service behind it, a real
// core with one model and one agent that echoes, all on the caller's thread but for the file pool.
//
// Whatever the core wants stored counts as durable at once.

#pragma once

#include <sys/types.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "controller/api/api_service.h"
#include "controller/api/denials.h"
#include "controller/api/event_ring.h"
#include "controller/api/http_server.h"
#include "controller/api/manifest_cache.h"
#include "controller/api/router.h"
#include "tests/sim/wild_policies.h"

namespace skerry::fuzz {

// What all worlds share, since nothing of a request stays in it.
struct HttpParts {
  HttpParts();
  ~HttpParts();

  std::string root;  // of the blobs
  std::unique_ptr<blobs::BlobDir> blobs;
  api::Router router;
  api::asio::thread_pool workers{1};
  Log log;
};

struct Observed {
  std::string method;
  int status = 0;
};

class HttpWorld final : public controller::Gateway,
                        private api::HttpService,
                        private api::JobArchive {
 public:
  explicit HttpWorld(HttpParts& parts);
  ~HttpWorld() override;

  // A client sends these bytes, so many at a time, and closes its half; everything that came back.
  std::string talk(std::string_view bytes, std::size_t piece_bytes);
  const std::vector<Observed>& observed() const { return observed_; }  // requests, in order
  std::vector<std::string> broken_rules() const { return core_.broken_invariants(); }

 private:
  struct FixedClock final : Clock {
    Instant now() override { return instant_from_us(1'769'860'800'000'000); }
  };

  // ---- Gateway
  core::Ticket ask(core::Event event,
                   std::move_only_function<void(Result<core::Reply>)> on_answer) override;
  void tell(core::Event event) override;
  void inspect(std::move_only_function<void(const core::Core&, Instant now)> look) override;
  // ---- HttpService: the API's, with a note of what it answered
  api::Dispatch dispatch(api::Request& request) override { return service_.dispatch(request); }
  api::Task<api::Response> handle(std::size_t route, api::Exchange* exchange) override {
    return service_.handle(route, exchange);
  }
  api::Response error_response(int status, std::string_view code, std::string message) override {
    return service_.error_response(status, code, std::move(message));
  }
  void observe(const api::Dispatch& dispatch, std::string_view method, int status,
               Duration took) override;
  // ---- JobArchive
  Result<core::ResultRecord> result(JobId id) const override;
  Result<std::vector<core::DecisionRecord>> decisions(JobId id) const override;
  Result<std::vector<core::DecisionRecord>> decisions_after(std::optional<api::DecisionPlace> place,
                                                            std::size_t limit) const override;
  Result<std::vector<core::AuditRecord>> audit_after(std::uint64_t seq,
                                                     std::size_t limit) const override;

  void apply(core::Event event);
  void carry_out(core::Effects effects);
  void echo(const core::Send& send);
  void read_answers();

  HttpParts& parts_;
  api::asio::io_context io_{1};
  FixedClock clock_;
  sim::WildPolicies policies_;
  core::Core core_;
  metrics::Metrics metrics_;
  auth::Authenticator callers_{auth::Mode::kOpen};  // so that an input gets past the door
  api::Denials denials_;
  api::ManifestCache manifests_;
  api::BodyBudget documents_;
  api::EventRing events_;
  api::Services services_;
  api::ApiService service_;
  api::HttpServer server_;  // only asked how many connections it has
  api::HttpShared shared_;
  std::map<core::Ticket, std::move_only_function<void(Result<core::Reply>)>> askers_;
  core::Ticket tickets_ = 0;
  std::map<JobId, core::ResultRecord> results_;
  std::map<std::pair<JobId, std::uint32_t>, core::DecisionRecord> decisions_;
  std::vector<core::AuditRecord> audit_;
  std::vector<Observed> observed_;
  int client_ = -1;
  std::string answers_;
};

}  // namespace skerry::fuzz
