#include "controller/hub/hub.h"

#include <absl/synchronization/mutex.h>
#include <fmt/format.h>
#include <grpcpp/resource_quota.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <grpcpp/server_posix.h>

#include <chrono>
#include <condition_variable>
#include <functional>
#include <latch>
#include <mutex>
#include <thread>
#include <utility>

#include "controller/hub/bulk.h"
#include "controller/hub/credentials.h"
#include "controller/hub/parts.h"
#include "controller/hub/pool.h"
#include "controller/hub/sessions.h"
#include "controller/hub/stream.h"
#include "controller/hub/upload_pins.h"
#include "skerry/v1/agent.grpc.pb.h"

namespace skerry::hub {
namespace {

// Sessions are read and written as bytes (frames.h), bulk calls as messages.
using ServiceBase =
    v1::AgentLink::WithRawCallbackMethod_Session<v1::AgentLink::WithCallbackMethod_Fetch<
        v1::AgentLink::WithCallbackMethod_Upload<v1::AgentLink::Service>>>;

class LinkService final : public ServiceBase {
 public:
  explicit LinkService(HubParts& parts) : parts_(parts) {}

  grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* Session(
      grpc::CallbackServerContext* context) override {
    started_.wait();
    return AgentStream::open(parts_, *context);
  }
  grpc::ServerWriteReactor<v1::Chunk>* Fetch(grpc::CallbackServerContext* context,
                                             const v1::FetchRequest* request) override {
    started_.wait();
    return FetchCall::open(parts_, *context, *request);
  }
  grpc::ServerReadReactor<v1::UploadChunk>* Upload(grpc::CallbackServerContext* context,
                                                   v1::UploadReply* reply) override {
    started_.wait();
    return UploadCall::open(parts_, *context, *reply);
  }
  void start() { started_.count_down(); }

 private:
  HubParts& parts_;
  std::latch started_{1};  // a call may arrive before start() is through
};

// The kinds of a message, as its oneof names them.
std::vector<Hub::KindCount> by_kind(const google::protobuf::Descriptor& message,
                                    const std::function<std::uint64_t(int)>& count) {
  std::vector<Hub::KindCount> counts{{"unknown", count(0)}};
  const google::protobuf::OneofDescriptor& body = *message.FindOneofByName("body");
  for (int i = 0; i < body.field_count(); ++i) {
    counts.push_back({body.field(i)->name(), count(body.field(i)->number())});
  }
  return counts;
}

int to_ms_int(Duration d) { return static_cast<int>(to_ms(d)); }

// Debian builds Abseil with the search for lock cycles on, which takes a global lock at each of
// gRPC's own locks.
void calm_grpc_locks() { absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore); }

void configure(grpc::ServerBuilder& builder, const HubOptions& options) {
  grpc::ResourceQuota quota("hub");
  quota.Resize(options.memory_bytes);
  builder.SetResourceQuota(quota);
  builder.SetMaxReceiveMessageSize(static_cast<int>(options.max_message_bytes));
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  // Window probes with every message would cost a third of an idle fleet; a fixed window serves
  // uploads over slow links.
  builder.AddChannelArgument(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, 512 << 10);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, 16);  // of one connection
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, to_ms_int(options.keepalive));
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, to_ms_int(options.keepalive_timeout));
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 1000);
}

}  // namespace

struct Hub::State {
  State(HubOptions given, controller::Gateway& gateway, blobs::BlobDir& blobs, ModelSource& models,
        Clock& clock_of_main, Log& log)
      : options(std::move(given)),
        clock(clock_of_main),
        sessions(options.max_streams),
        transfers(options.transfers),
        uploads(blobs, options.transfers.unclaimed_timeout),
        pool(options.bulk_threads),
        parts{.options = options,
              .gateway = gateway,
              .blobs = blobs,
              .models = models,
              .clock = clock,
              .log = log,
              .counters = counters,
              .sessions = sessions,
              .transfers = transfers,
              .uploads = uploads,
              .pool = pool},
        service(parts) {}

  Status start_server();
  Status open_door();
  void watch(const std::stop_token& stop);
  void settle_uploads(Instant now);

  const HubOptions options;
  Clock& clock;
  Counters counters;
  Sessions sessions;
  Transfers transfers;
  UploadPins uploads;
  Pool pool;
  HubParts parts;
  LinkService service;
  std::unique_ptr<grpc::Server> server;
  std::unique_ptr<door::Door> door;  // gives connections to the server
  int port = 0;
  std::once_flag stopped;
  std::jthread watcher;
};

void Hub::State::watch(const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  while (!never.wait_for(lock, stop, options.watch_interval, [] { return false; }) &&
         !stop.stop_requested()) {
    const Instant now = clock.now();
    sessions.for_each([now](AgentStream& stream) { stream.watch(now); });
    transfers.watch(now);
    settle_uploads(now);
  }
}

// Only the core knows who needs a blob, and only off its strand may a file be removed.
void Hub::State::settle_uploads(Instant now) {
  for (std::string& digest : uploads.due(now)) {
    parts.gateway.inspect([this, digest = std::move(digest)](const core::Core& core, Instant) {
      const bool needed = core.blob_in_use(digest);
      pool.run([this, digest, needed] { uploads.settle(digest, needed); });
    });
  }
}

// Behind a door gRPC listens nowhere.
Status Hub::State::start_server() {
  grpc::ServerBuilder builder;
  configure(builder, options);
  const std::string address = fmt::format("{}:{}", options.listen, options.port);
  if (!options.tls) {
    builder.AddListeningPort(address, grpc::InsecureServerCredentials(), &port);
  }
  builder.RegisterService(&service);
  server = builder.BuildAndStart();
  return server && (options.tls || port != 0)
             ? Status()
             : fail(ErrorCode::kIo, fmt::format("cannot listen for agents on {}", address));
}

Status Hub::State::open_door() {
  const HubTls& tls = *options.tls;
  auto opened = door::Door::open(
      options.listen, options.port, tls.limits, tls.keys,
      [this](int fd) { grpc::AddInsecureChannelFromFd(server.get(), fd); }, *tls.admission, clock,
      parts.log);
  if (!opened) {
    return fail(std::move(opened).error());
  }
  door = *std::move(opened);
  parts.door = door.get();
  port = door->port();
  return {};
}

Result<std::unique_ptr<Hub>> Hub::start(HubOptions options, controller::Gateway& gateway,
                                        blobs::BlobDir& blobs, ModelSource& models, Clock& clock,
                                        Log& log) {
  if (Status secured = check_secured(options); !secured) {
    return fail(std::move(secured).error());
  }
  auto state = std::make_unique<State>(std::move(options), gateway, blobs, models, clock, log);
  calm_grpc_locks();
  Status started = state->start_server();
  if (started && state->options.tls) {
    started = state->open_door();
  }
  if (!started) {
    return fail(std::move(started).error());
  }
  state->watcher =
      std::jthread([state = state.get()](const std::stop_token& stop) { state->watch(stop); });
  state->service.start();
  return std::unique_ptr<Hub>(new Hub(std::move(state)));
}

Hub::Hub(std::unique_ptr<State> state) : state_(std::move(state)) {}

Hub::~Hub() { stop(); }

std::uint16_t Hub::port() const { return static_cast<std::uint16_t>(state_->port); }

std::uint64_t Hub::count(Count what) const { return state_->counters[what]; }

std::vector<Hub::KindCount> Hub::received() const {
  return by_kind(*v1::AgentMessage::descriptor(),
                 [this](int kind) { return state_->counters.received(kind); });
}
std::vector<Hub::KindCount> Hub::sent() const {
  return by_kind(*v1::ControllerMessage::descriptor(),
                 [this](int kind) { return state_->counters.sent(kind); });
}

const door::Counters* Hub::door_counters() const {
  return state_->door ? &state_->door->counters() : nullptr;
}

Status Hub::set_keys(const door::DoorKeys& keys) {
  return state_->door ? state_->door->set_keys(keys)
                      : fail(ErrorCode::kInvalidArgument, "the agents' port has no TLS");
}

void Hub::disconnect(std::string_view node) {
  if (state_->door) {
    state_->door->disconnect(node);
  }
}

void Hub::send(const core::Send& send) {
  if (!state_->sessions.with(send.session,
                             [&](AgentStream& stream) { stream.send(send.command); })) {
    state_->counters.add(Count::kSendsDropped);
  }
}

void Hub::stop() {
  std::call_once(state_->stopped, [this] {
    if (state_->door) {
      state_->door->close();
    }
    state_->sessions.close();
    state_->sessions.for_each([](AgentStream& stream) { stream.stop(); });
    // Returns when every call is done; each stream has then told its end.
    state_->server->Shutdown(std::chrono::system_clock::now() + state_->options.close_timeout);
    if (state_->door) {
      state_->door->stop();
    }
    state_->watcher.request_stop();
    state_->watcher.join();
    state_->pool.join();
  });
}

}  // namespace skerry::hub
