// stream.h: one agent's session: reads and checks what it says, writes what the core sends it.
//
//   kGreeting --Hello--> kOpen --> kClosing --> kBroken      (any may be skipped, none goes back)
//
//   kGreeting  nothing but a Hello is taken; another message, or a Hello that cannot be taken, is
//              refused and ends it
//   kOpen      messages are told to the core one by one, or refused one by one
//   kClosing   nothing is told any more; what is queued is still written, then the call is finished
//   kBroken    nothing is written any more; the call was cancelled, or failed
//
// What an agent says is read only as fast as the core applies it. Whenever a part of the intake's
// bounds has been told, a mark goes to the core's strand behind it; when the mark is reached, that
// part has been applied. While more than the bounds is told and not applied, no read is started, and
// the network makes the agent wait.
//
// Owned by gRPC: deletes itself in OnDone, which gRPC calls once, after every other reaction has
// returned. That is where the core is told SessionClosed, so it is the session's last event
// whatever the reason. send(), applied(), stop() and watch() are called through Sessions, which keeps the
// stream from being deleted meanwhile.
//
// Threads: gRPC runs one read reaction at a time, and write reactions beside it; send() and
// applied() come from the core's strand. mutex_ guards what these share: the phase and everything outgoing. It is held
// for queueing and for starting gRPC operations, whose reactions never run inside the call that
// starts them. Read-side members belong to the read reaction.

#pragma once

#include <grpcpp/server_context.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "controller/core/effects.h"
#include "controller/hub/frames.h"
#include "controller/hub/parts.h"
#include "controller/hub/peer.h"
#include "controller/hub/translate.h"

namespace skerry::hub {

class AgentStream final : public grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
 public:
  // A new stream for a call, reading already, or finished at once if there are too many, or nobody
  // knows whose it is.
  static AgentStream* open(HubParts& parts, grpc::CallbackServerContext& context);

  // From the core's strand. A stream that is closing drops it.
  void send(const core::AgentCommand& command);
  // The controller stops: writes what is queued and ends the call.
  void stop();
  // From the core's strand: as much of what was told has been applied.
  struct Intake {
    std::size_t messages = 0;
    std::size_t bytes = 0;
  };
  void applied(Intake part);
  // Called now and then: ends what has taken too long.
  void watch(Instant now);

  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnDone() override;

 private:
  enum class Phase : std::uint8_t { kGreeting, kOpen, kClosing, kBroken };

  AgentStream(HubParts& parts, grpc::CallbackServerContext& context, Result<Peer> peer);
  void begin();
  grpc::Status reason_to_turn_away();
  void report_end();

  // ---- reading
  void count_intake(Intake frame);
  void mark_intake();
  bool has_room() const;  // mutex_ is held
  bool break_off();
  bool read_frame(std::string_view bytes);  // false: nothing more is to be read
  bool take(std::string_view bytes);
  bool greet(const v1::AgentMessage& message);
  Status handle(v1::AgentMessage& message);
  Status still_allowed();
  Status pass_result(v1::AttemptResult& result);
  Status claim_output(v1::AttemptResult& result);
  Status pass_site_job(v1::SiteJob& job);
  Status claim_blobs(core::SiteJobRecords& job);
  void note_refusal(const v1::Refused& refused);
  void refuse(const Error& error);  // the message that was read last
  bool refuse_session(const Error& error);

  // ---- writing; mutex_ is held
  void write(const core::WelcomeAgent& welcome);
  void write(const core::RefuseAgent& refusal);
  void write(const core::AckHeartbeat& ack);
  void write(const core::GiveOrders& orders);
  template <typename Command>
  void write(const Command& command);
  VariantSource source_of(const std::string& model, const std::string& variant,
                          std::uint64_t revision);
  void queue(const v1::ControllerMessage& message);
  void refuse_and_close(const Error& error);
  void close(Phase how, const grpc::Status& status);
  void advance();  // starts the next write, or finishes the call, if nothing is under way

  HubParts& parts_;
  grpc::CallbackServerContext& context_;
  const Result<Peer> peer_;
  const SessionId id_;
  const Instant opened_at_;

  // Read side.
  grpc::ByteBuffer in_;
  Intake unmarked_;  // of what was told: without a mark behind it
  std::uint64_t last_seq_ = 0;
  std::string node_name_;
  std::uint32_t refusals_logged_ = 0;

  std::mutex mutex_;
  Phase phase_ = Phase::kGreeting;
  Intake told_intake_;  // and not applied yet, as far as marks tell
  bool read_held_ = false;
  OutQueue out_;
  grpc::ByteBuffer writing_;
  bool write_in_flight_ = false;
  Instant write_started_at_;
  bool finished_ = false;
  grpc::Status status_;
  Instant closing_since_ = kNever;
  std::uint32_t version_ = 0;
  std::uint64_t heartbeat_sent_us_ = 0;
  std::map<std::string, std::uint64_t> manifests_sent_;  // model -> revision
  bool welcomed_ = false;                                // until then only a refusal is written
  bool told_ = false;                                    // the core knows this session
  bool goodbye_ = false;
};

}  // namespace skerry::hub
