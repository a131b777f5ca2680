// hub_fixture.h: a Hub on a free port of loopback, with a gateway that records, and agents to talk
// to it: in plain text, or behind its door with certificates.
//
// The test's thread plays the core: it takes the events one by one and calls Hub::send; what the hub
// wants to look up waits in line with the events. Waiting is for an event or a frame, never for
// time; a minute without it fails the test. When a test ends,
// the hub is stopped and every session must have been told as opened first and closed last, once
// each.

#pragma once

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/null_sink.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "controller/hub/hub.h"
#include "skerry/v1/agent.grpc.pb.h"
#include "tests/unit/tls_world.h"

namespace skerry::hub {

constexpr std::chrono::seconds kPatience{60};

inline SessionId session_of(const core::Event& event) {
  return std::visit(
      [](const auto& one) -> SessionId {
        if constexpr (requires { one.session; }) {
          return one.session;
        } else {
          return {};
        }
      },
      event);
}

class RecordingGateway final : public controller::Gateway {
 public:
  core::Ticket ask(core::Event, std::move_only_function<void(Result<core::Reply>)>) override {
    ADD_FAILURE() << "the hub asks nothing";
    return core::kNoTicket;
  }
  void inspect(std::move_only_function<void(const core::Core&, Instant)> look) override {
    put(std::move(look));
  }
  void tell(core::Event event) override {
    {
      const std::lock_guard lock(mutex_);
      all_.push_back(event);
    }
    put(std::move(event));
  }

  // The next event, in the order in which they were told. Looks on the way to it are answered.
  core::Event next() {
    while (true) {
      Item item = take();
      if (auto* event = std::get_if<core::Event>(&item)) {
        return std::move(*event);
      }
      std::get<Look>(item)(core_, Instant{});
    }
  }
  // The next in line must be a look, of a core that knows nothing.
  void answer_look() {
    Item item = take();
    if (auto* look = std::get_if<Look>(&item)) {
      (*look)(core_, Instant{});
    } else {
      ADD_FAILURE() << "an event comes first";
    }
  }
  // The next event, which must be of this kind.
  template <typename Kind>
  Kind next_as() {
    core::Event event = next();
    if (auto* kind = std::get_if<Kind>(&event)) {
      return std::move(*kind);
    }
    ADD_FAILURE() << "the next event is of kind " << event.index();
    return {};
  }
  std::vector<core::Event> all() {
    const std::lock_guard lock(mutex_);
    return all_;
  }

 private:
  using Look = std::move_only_function<void(const core::Core&, Instant)>;
  using Item = std::variant<core::Event, Look>;

  void put(Item item) {
    {
      const std::lock_guard lock(mutex_);
      waiting_.push_back(std::move(item));
    }
    told_.notify_all();
  }
  Item take() {
    std::unique_lock lock(mutex_);
    if (!told_.wait_for(lock, kPatience, [this] { return !waiting_.empty(); })) {
      ADD_FAILURE() << "no event came";
      return core::Event{core::Tick{}};
    }
    Item item = std::move(waiting_.front());
    waiting_.pop_front();
    return item;
  }

  const core::Core core_{core::Settings{}, 1};
  std::mutex mutex_;
  std::condition_variable told_;
  std::deque<Item> waiting_;
  std::vector<core::Event> all_;
};

// The system's time, moved on by tests.
class MovableClock final : public Clock {
 public:
  Instant now() override { return system_.now() + microseconds(ahead_us_.load()); }
  void advance(Duration by) { ahead_us_ += by / microseconds(1); }

 private:
  SystemClock system_;
  std::atomic<std::int64_t> ahead_us_ = 0;
};

class OneModel final : public ModelSource {
 public:
  std::shared_ptr<const std::string> manifest_json(std::string_view model,
                                                   std::uint64_t revision) override {
    return std::make_shared<std::string>(
        manifest.empty() ? std::string(model) + "@" + std::to_string(revision) : manifest);
  }
  Artifact artifact(std::string_view, std::uint64_t, std::string_view variant) override {
    return {.digest = "artifact-of-" + std::string(variant), .bytes = 1234};
  }

  std::string manifest;  // of every model; empty: the model's name and revision
};

inline v1::AgentMessage hello_message(const std::string& node = "edge-1") {
  v1::AgentMessage message;
  v1::Hello& hello = *message.mutable_hello();
  hello.set_min_version(1);
  hello.set_max_version(1);
  hello.set_node_name(node);
  hello.set_incarnation(7);
  hello.set_capacity(4);
  v1::Capabilities& node_facts = *hello.mutable_capabilities();
  node_facts.set_tier("edge");
  node_facts.add_engines("noop");
  node_facts.set_slots(2);
  node_facts.set_speed(1);
  return message;
}

inline v1::AgentMessage heartbeat_message(std::uint64_t sent_us) {
  v1::AgentMessage message;
  message.mutable_heartbeat()->set_sent_us(sent_us);
  return message;
}

inline v1::AgentMessage credits_message(std::uint32_t capacity) {
  v1::AgentMessage message;
  message.mutable_credits()->set_capacity(capacity);
  return message;
}

inline core::AttemptRef attempt_ref(std::uint64_t number) {
  core::AttemptRef ref;
  ref.job.value = 1000 + number;
  ref.number = 1;
  ref.uid = {.high = 1, .low = number};
  return ref;
}

// A stream of an agent, with blocking reads and writes.
class TestAgent {
 public:
  TestAgent(std::uint16_t port, const std::shared_ptr<grpc::ChannelCredentials>& credentials) {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);  // a connection of its own
    arguments.SetSslTargetNameOverride(door::TlsWorld::kHost);
    auto channel =
        grpc::CreateCustomChannel("127.0.0.1:" + std::to_string(port), credentials, arguments);
    stub_ = v1::AgentLink::NewStub(channel);
    stream_ = stub_->Session(&context_);
  }

  v1::AgentLink::Stub& stub() { return *stub_; }

  // Sends a message as a frame of its own, numbered.
  void say(v1::AgentMessage message) {
    message.set_seq(++seq_);
    v1::AgentFrame frame;
    *frame.add_messages() = std::move(message);
    say(frame);
  }
  void say(const v1::AgentFrame& frame) { stream_->Write(frame); }

  // The next message; without a body if the stream has ended.
  v1::ControllerMessage hear() {
    while (heard_.empty()) {
      v1::ControllerFrame frame;
      if (!stream_->Read(&frame)) {
        return {};
      }
      ++frames_;
      heard_.insert(heard_.end(), frame.messages().begin(), frame.messages().end());
    }
    v1::ControllerMessage message = std::move(heard_.front());
    heard_.pop_front();
    return message;
  }
  std::size_t frames() const { return frames_; }

  void half_close() { stream_->WritesDone(); }
  void cancel() { context_.TryCancel(); }
  // How the stream ended; nothing may be left to hear.
  grpc::Status end() { return stream_->Finish(); }

 private:
  grpc::ClientContext context_;
  std::unique_ptr<v1::AgentLink::Stub> stub_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::AgentFrame, v1::ControllerFrame>> stream_;
  std::uint64_t seq_ = 0;
  std::size_t frames_ = 0;
  std::deque<v1::ControllerMessage> heard_;
};

enum class Way : std::uint8_t { kPlain, kDoor };

class HubWorld : public testing::Test {
 protected:
  explicit HubWorld(Way way) : way_(way) {
    std::string pattern = (std::filesystem::temp_directory_path() / "skerry-hub-XXXXXX").string();
    root_ = ::mkdtemp(pattern.data());
    blobs_ = std::move(*blobs::BlobDir::open(root_ / "blobs"));
  }
  ~HubWorld() override { std::filesystem::remove_all(root_); }

  void start() { start(tls_.keys()); }
  void start(const door::DoorKeys& keys) {
    if (way_ == Way::kDoor) {
      options_.tls = HubTls{.keys = keys,
                            .admission = &tls_.members,
                            .may_fetch = may_fetch_,
                            .limits = door_limits_};
    }
    auto hub = Hub::start(options_, gateway_, *blobs_, models_, clock_, *log_);
    ASSERT_TRUE(hub) << hub.error().message;
    hub_ = std::move(*hub);
  }

  void TearDown() override {
    if (hub_) {
      hub_->stop();
      expect_whole_sessions();
    }
  }

  // An agent with a connection of its own; behind the door with the certificate of this node.
  TestAgent dial(const std::string& node = "edge-1") const {
    return {hub_->port(),
            way_ == Way::kDoor ? credentials(tls_.node(node)) : grpc::InsecureChannelCredentials()};
  }
  std::shared_ptr<grpc::ChannelCredentials> credentials(const pki::TlsIdentity& identity) const {
    return grpc::SslCredentials({.pem_root_certs = tls_.authority().certificate().to_pem(),
                                 .pem_private_key = identity.key.to_pem(),
                                 .pem_cert_chain = pki::to_pem(identity.chain)});
  }

  // Greets, and answers as the core would.
  SessionId welcome(TestAgent& agent, const std::string& node = "edge-1") {
    agent.say(hello_message(node));
    const SessionId session = gateway_.next_as<core::AgentHello>().session;
    hub_->send({session, core::WelcomeAgent{.epoch = Epoch{3}, .heartbeat = seconds(1)}});
    EXPECT_TRUE(agent.hear().has_welcome());
    return session;
  }

  void expect_whole_sessions() {
    std::map<SessionId, std::vector<core::Event>> sessions;
    for (const core::Event& event : gateway_.all()) {
      sessions[session_of(event)].push_back(event);
    }
    for (const auto& [session, events] : sessions) {
      EXPECT_TRUE(std::holds_alternative<core::AgentHello>(events.front()));
      EXPECT_TRUE(std::holds_alternative<core::SessionClosed>(events.back()));
      EXPECT_EQ(std::ranges::count_if(events,
                                      [](const core::Event& event) {
                                        return std::holds_alternative<core::SessionClosed>(event);
                                      }),
                1);
    }
  }

  const Way way_;
  HubOptions options_;
  door::DoorOptions door_limits_;
  std::filesystem::path root_;
  std::unique_ptr<blobs::BlobDir> blobs_;
  RecordingGateway gateway_;
  OneModel models_;
  MayFetch may_fetch_;  // behind the door; none: everything
  MovableClock clock_;
  door::TlsWorld tls_{clock_.now()};
  std::shared_ptr<Log> log_ =
      make_log({.part = "hub"}, std::make_shared<spdlog::sinks::null_sink_mt>(), false);
  std::unique_ptr<Hub> hub_;
};

// What holds whichever way agents come.
class HubTest : public HubWorld, public testing::WithParamInterface<Way> {
 protected:
  HubTest() : HubWorld(GetParam()) {}
};

inline std::string way_name(const testing::TestParamInfo<Way>& way) {
  return way.param == Way::kPlain ? "Plain" : "Door";
}

}  // namespace skerry::hub
