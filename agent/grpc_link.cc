#include "agent/grpc_link.h"

#include <fmt/format.h>

#include <boost/asio/post.hpp>

#include "agent/wire.h"
#include "common/check.h"
#include "common/grpc_order.h"

namespace skerry::agent {

// The reactor of one call. It holds itself open (AddHold) for as long as the strand may start
// operations on it.
class GrpcLink::Stream final : public grpc::ClientBidiReactor<v1::AgentFrame, v1::ControllerFrame> {
 public:
  Stream(GrpcLink& link, ConnectionId id) : link_(link), id_(id) {}

  // ---- on the strand

  void start() {
    link_.stub_->async()->Session(&context_, this);
    AddHold();
    begun(this);
    StartRead(&in_);
    StartCall();
  }
  void write(const std::vector<Outgoing>& frame) {
    if (held_) {
      out_ = to_wire(frame);
      begun(this);
      StartWrite(&out_);
    }
  }
  void mute() { muted_ = true; }
  void cancel() { context_.TryCancel(); }
  void end(bool flush) {
    if (held_ && flush) {
      StartWritesDone();
    } else {
      context_.TryCancel();
    }
    release();
  }

  // ---- on gRPC's threads

  void OnReadDone(bool ok) override {
    reacting(this);
    if (!ok) {
      post([this] { release(); });
      return;
    }
    auto frame = std::make_shared<std::vector<Incoming>>(from_wire(in_));
    post([this, frame] {
      heard_ = true;
      if (!muted_) {
        link_.events_.link_received(id_, std::move(*frame));
      }
      if (held_) {
        in_.Clear();
        begun(this);
        StartRead(&in_);
      }
    });
  }
  void OnWriteDone(bool ok) override {
    reacting(this);
    post([this, ok] {
      if (ok && !muted_) {
        link_.events_.link_written(id_);
      }
    });
  }
  // Nothing follows; handlers posted before run before this one.
  void OnDone(const grpc::Status& status) override {
    reacting(this);
    const std::string reason = status.ok()
                                   ? "the controller ended the stream"
                                   : fmt::format("{} (gRPC status {})", status.error_message(),
                                                 static_cast<int>(status.error_code()));
    // A controller closes the connection of a node that it turns away, and says nothing.
    const bool may_be_turned_away =
        status.error_code() == grpc::StatusCode::UNAVAILABLE &&
        (status.error_message().contains("closed") || status.error_message().contains("reset"));
    post([this, reason, may_be_turned_away] {
      GrpcLink& link = link_;
      const ConnectionId id = id_;
      const bool muted = muted_;
      const std::string hint = may_be_turned_away && !heard_
                                   ? ": if the address is right, the controller turns this node "
                                     "away, and its log says why"
                                   : "";
      if (link.current_ == this) {
        link.current_ = nullptr;
      }
      link.streams_.erase(this);
      delete this;
      if (!muted) {
        link.events_.link_closed(id, reason + hint);
      }
    });
  }

 private:
  template <typename Handler>
  void post(Handler handler) {
    boost::asio::post(link_.strand_, std::move(handler));
  }
  void release() {
    if (held_) {
      held_ = false;
      RemoveHold();
    }
  }

  GrpcLink& link_;
  const ConnectionId id_;
  grpc::ClientContext context_;
  v1::AgentFrame out_;
  v1::ControllerFrame in_;
  bool held_ = true;    // strand only
  bool muted_ = false;  // strand only: closed by the agent, which wants to hear no more
  bool heard_ = false;  // strand only: the controller has said something
};

GrpcLink::GrpcLink(std::shared_ptr<grpc::Channel> channel, boost::asio::any_io_executor strand,
                   LinkEvents& events)
    : stub_(v1::AgentLink::NewStub(channel)), strand_(std::move(strand)), events_(events) {}

GrpcLink::~GrpcLink() { check(drained(), "a link is destroyed after its streams"); }

void GrpcLink::connect(ConnectionId id) {
  check(current_ == nullptr, "one connection at a time");
  current_ = new Stream(*this, id);  // deletes itself when gRPC is done with it
  streams_.insert(current_);
  current_->start();
  boost::asio::post(strand_, [this, id] { events_.link_opened(id); });
}

void GrpcLink::write(ConnectionId, std::vector<Outgoing> frame) {
  if (current_ != nullptr) {
    current_->write(frame);
  }
}

void GrpcLink::close(ConnectionId, bool flush) {
  if (current_ != nullptr) {
    current_->mute();
    current_->end(flush);
    current_ = nullptr;
  }
}

void GrpcLink::cancel_all() {
  for (Stream* stream : streams_) {
    stream->mute();
    stream->cancel();
  }
}

}  // namespace skerry::agent
