// api_fixture.h: the real API server over the real core in this process, with a scripted agent, a
// clock that tests move, and a small blocking HTTP client.
//
// The core runs on one thread and the server on two others, so nothing may rely on sharing one.
// Whatever the core wants stored counts as durable at once; results and decisions are kept for the
// archive.

#pragma once

#include <boost/json/value.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/tls/context.h"
#include "common/values.h"
#include "controller/api/api_server.h"
#include "controller/core/core.h"

namespace skerry::api {

struct Reply {
  int status = 0;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;

  boost::json::value json() const;  // fails the test if the body is none
  std::string header(const std::string& name) const;
  std::string code() const;                 // of a problem
  std::vector<std::string> fields() const;  // of a problem: "/a/b: message"
};

// One connection. Every read gives up after 10 s and then yields what there is.
class Client {
 public:
  explicit Client(std::uint16_t port, const char* from = "127.0.0.1");
  // Goes over to TLS; false if the two sides do not agree.
  bool secure(const tls::Context& context, const std::string& host = "localhost");
  ~Client();
  Client(Client&& other) noexcept;
  Client& operator=(Client&&) = delete;

  void send(std::string_view bytes);
  Reply receive(bool head = false);  // the next answer
  Reply try_receive();  // the same; status 0 if nothing comes within a few milliseconds
  std::string read_until(std::string_view mark);  // of a stream; includes the mark
  bool closed();  // true if the server closes, and nothing else comes
  void close();
  void end();  // sends nothing more; the answer can still come

  Reply call(std::string_view method, std::string_view target, std::string_view body = {},
             const std::vector<std::string>& headers = {});

 private:
  bool fill();
  int socket_;
  std::shared_ptr<SSL> tls_;
  std::string buffer_;
};

std::string request_text(std::string_view method, std::string_view target, std::string_view body,
                         const std::vector<std::string>& headers);

core::Settings quick_settings();  // no probes, short grace

class TestApi {
 public:
  explicit TestApi(ApiOptions options = {}, std::vector<ReadyCheck> ready_checks = {},
                   auth::Mode mode = auth::Mode::kOpen, ModelTrust model_trust = {});
  ~TestApi();

  std::uint16_t port() const;
  // From now on clients go over to TLS with this context, as options.tls has the server do.
  void use_tls(tls::Context trust) { trust_ = std::move(trust); }
  Client client() const;
  Client plain_client() const { return Client(port()); }
  // One request on a connection of its own.
  Reply call(std::string_view method, std::string_view target, std::string_view body = {},
             const std::vector<std::string>& headers = {}) const;

  void advance(Duration by);  // the clock, and tells the core
  void await_waiters(
      std::size_t asked);         // until the core was asked that many times since the start
  std::size_t abandoned() const;  // Abandon events so far
  void await_abandoned(std::size_t count);

  // An agent that takes noop and torch models.
  void agent_joins(const std::string& name, std::uint32_t capacity = 8);
  void agent_leaves(const std::string& name);
  core::AssignAttempt assignment();  // the next one sent to any agent; waits for it
  void succeed(const core::AssignAttempt& attempt, Payload output);
  void fail(const core::AssignAttempt& attempt, core::AttemptOutcome outcome,
            const std::string& error);
  // Ends every assignment from now on with its own input, as the noop engine does.
  void echo();

  void put_noop_model(const std::string& name = "echo");  // one input "x": f32 [1, -1]
  std::string submit(std::string_view body);              // 202 expected; the id

  // The text of a token with these grants, which the server knows from now on.
  std::string make_token(std::vector<core::Grant> grants);
  // Of what the store has of the audit trail.
  void edit_audit(const std::function<void(std::vector<core::AuditRecord>&)>& edit);

  blobs::BlobDir& blobs();
  // Called for each event that a request has for the core, before the core gets it. Set it while no
  // request is under way.
  void before_ask(std::function<void(const core::Event&)> look);
  void stop();  // what the destructor does, for tests of stopping
  void begin_stop(Duration grace);
  void cut();
  bool has_stopped(Duration within) const;  // after begin_stop()
  // Called by every read of the archive before it yields what it read.
  void on_archive_read(std::function<void()> read);

 private:
  struct State;
  std::unique_ptr<State> state_;
  tls::Context trust_;  // null: plain text
};

}  // namespace skerry::api
