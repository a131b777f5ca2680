// agent_controller_double.h: a controller for one agent, in the test's process, over real gRPC on a
// free loopback port.
//
// The test says what to send and waits for what it expects; a wait has a limit and no test sleeps.
// Blobs are served from and taken into a map.

#pragma once

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "common/digest.h"
#include "skerry/v1/agent.grpc.pb.h"

namespace skerry::agent::testing {

class ControllerDouble final : public v1::AgentLink::Service {
 public:
  ControllerDouble() {
    grpc::ServerBuilder builder;
    builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
  }
  ~ControllerDouble() override {
    server_->Shutdown(std::chrono::system_clock::time_point());  // at once
  }

  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

  // The next message of a kind on the newest stream; those before it are kept for other waits.
  std::optional<v1::AgentMessage> next(v1::AgentMessage::BodyCase kind,
                                       std::chrono::seconds limit = std::chrono::seconds(30)) {
    std::unique_lock lock(mutex_);
    std::optional<v1::AgentMessage> found;
    arrived_.wait_for(lock, limit, [&] {
      for (auto at = inbox_.begin(); at != inbox_.end(); ++at) {
        if (at->body_case() == kind) {
          found = *at;
          inbox_.erase(at);
          return true;
        }
      }
      return false;
    });
    return found;
  }

  void send(v1::ControllerMessage message) {
    const std::lock_guard lock(mutex_);
    message.set_seq(++sent_);
    v1::ControllerFrame frame;
    *frame.add_messages() = std::move(message);
    if (stream_ != nullptr) {
      stream_->Write(frame);
    }
  }

  // Cuts the connection as a broken network would.
  void cut() {
    const std::lock_guard lock(mutex_);
    if (context_ != nullptr) {
      context_->TryCancel();
    }
  }

  std::string offer(const std::string& content) {
    const std::lock_guard lock(mutex_);
    const std::string digest = sha256_digest(content);
    blobs_[digest] = content;
    return digest;
  }
  std::string blob(const std::string& digest) {
    const std::lock_guard lock(mutex_);
    return blobs_[digest];
  }

 private:
  using Stream = grpc::ServerReaderWriter<v1::ControllerFrame, v1::AgentFrame>;

  grpc::Status Session(grpc::ServerContext* context, Stream* stream) override {
    {
      const std::lock_guard lock(mutex_);
      stream_ = stream;
      context_ = context;
      inbox_.clear();
    }
    v1::AgentFrame frame;
    while (stream->Read(&frame)) {
      const std::lock_guard lock(mutex_);
      for (const v1::AgentMessage& message : frame.messages()) {
        inbox_.push_back(message);
        if (message.has_heartbeat()) {
          v1::ControllerFrame echo;
          v1::ControllerMessage& ack = *echo.add_messages();
          ack.set_seq(++sent_);
          ack.mutable_heartbeat_ack()->set_sent_us(message.heartbeat().sent_us());
          stream->Write(echo);
        }
      }
      arrived_.notify_all();
    }
    const std::lock_guard lock(mutex_);
    if (stream_ == stream) {
      stream_ = nullptr;
      context_ = nullptr;
    }
    return grpc::Status::OK;
  }

  grpc::Status Fetch(grpc::ServerContext*, const v1::FetchRequest* request,
                     grpc::ServerWriter<v1::Chunk>* writer) override {
    const std::string content = blob(request->digest());
    if (content.empty()) {
      return {grpc::StatusCode::NOT_FOUND, "no such blob"};
    }
    for (std::size_t at = request->offset(); at < content.size(); at += 4096) {
      v1::Chunk chunk;
      chunk.set_data(content.substr(at, 4096));
      chunk.set_total_bytes(content.size());
      writer->Write(chunk);
    }
    return grpc::Status::OK;
  }

  grpc::Status Upload(grpc::ServerContext*, grpc::ServerReader<v1::UploadChunk>* reader,
                      v1::UploadReply* reply) override {
    v1::UploadChunk chunk;
    std::string digest, content;
    while (reader->Read(&chunk)) {
      digest = digest.empty() ? chunk.digest() : digest;
      content += chunk.data();
    }
    reply->set_size_bytes(content.size());
    const std::lock_guard lock(mutex_);
    blobs_[digest] = std::move(content);
    return grpc::Status::OK;
  }

  std::unique_ptr<grpc::Server> server_;
  int port_ = 0;
  std::mutex mutex_;
  std::condition_variable arrived_;
  Stream* stream_ = nullptr;
  grpc::ServerContext* context_ = nullptr;
  std::deque<v1::AgentMessage> inbox_;
  std::map<std::string, std::string> blobs_;
  std::uint64_t sent_ = 0;
};

}  // namespace skerry::agent::testing
