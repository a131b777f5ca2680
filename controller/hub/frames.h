// frames.h: the frames of a session as bytes: taken apart message by message, and put together.
//
// A frame on the wire is an AgentFrame or ControllerFrame, whose only content is length-delimited
// messages; so it can be walked and built without protobuf knowing the whole. That is why one
// damaged message costs only itself, and why a message is serialised once, when it is queued, and
// never again.
//
// FrameReader refers to the bytes and does not copy them. OutQueue is not thread-safe: its stream
// guards it.

#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "common/error.h"
#include "controller/hub/options.h"
#include "skerry/v1/agent.pb.h"

namespace skerry::hub {

class FrameReader {
 public:
  explicit FrameReader(std::string_view frame) : rest_(frame) {}

  // The next message's bytes; nullopt at the end. kCorrupt (once, then the end) where the frame is
  // no frame; fields that are not messages are skipped, as protobuf does with what it does not
  // know.
  std::optional<Result<std::string_view>> next();

 private:
  std::string_view rest_;
};

// What waits to be written to one agent. Messages keep their order and are numbered as they leave.
// Of heartbeat acknowledgements only the newest waits, and it leaves first: it tells the agent that
// the controller is there now.
class OutQueue {
 public:
  explicit OutQueue(QueueLimits limits) : limits_(limits) {}

  // `message` without its seq. False if the queue is full; it is then as it was.
  [[nodiscard]] bool push(const v1::ControllerMessage& message);
  // Before all that waits; for the welcome, which must be the first message of a stream.
  void push_first(const v1::ControllerMessage& message);
  void acknowledge_heartbeat(std::uint64_t sent_us) { heartbeat_sent_us_ = sent_us; }

  bool empty() const { return messages_.empty() && !heartbeat_sent_us_; }
  std::size_t messages() const { return messages_.size(); }
  std::size_t bytes() const { return bytes_; }
  void clear();

  // The next frame: as many messages as fit QueueLimits::frame_bytes, at least one. Not on an empty
  // queue.
  struct Frame {
    std::string bytes;
    std::size_t messages = 0;
  };
  Frame take_frame();

 private:
  void append_front(Frame& frame);
  void append(Frame& frame, std::string_view message);

  QueueLimits limits_;
  std::deque<std::string> messages_;
  std::size_t bytes_ = 0;
  std::optional<std::uint64_t> heartbeat_sent_us_;
  std::uint64_t last_seq_ = 0;
};

}  // namespace skerry::hub
