#include "controller/hub/frames.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>

#include <algorithm>

#include "common/check.h"

namespace skerry::hub {
namespace {

using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedInputStream;
using google::protobuf::io::CodedOutputStream;

constexpr std::uint32_t tag_of(int field, WireFormatLite::WireType type) {
  return WireFormatLite::MakeTag(field, type);
}
constexpr std::uint32_t kMessagesTag =
    tag_of(v1::AgentFrame::kMessagesFieldNumber, WireFormatLite::WIRETYPE_LENGTH_DELIMITED);
constexpr std::uint32_t kSeqTag =
    tag_of(v1::ControllerMessage::kSeqFieldNumber, WireFormatLite::WIRETYPE_VARINT);
static_assert(int{v1::AgentFrame::kMessagesFieldNumber} ==
              int{v1::ControllerFrame::kMessagesFieldNumber});
static_assert(kMessagesTag < 128 && kSeqTag < 128, "each tag is one byte");

void append_varint(std::string& to, std::uint64_t value) {
  std::uint8_t bytes[10];
  const std::uint8_t* end = CodedOutputStream::WriteVarint64ToArray(value, bytes);
  to.append(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(end - bytes));
}

}  // namespace

std::optional<Result<std::string_view>> FrameReader::next() {
  CodedInputStream in(reinterpret_cast<const std::uint8_t*>(rest_.data()),
                      static_cast<int>(rest_.size()));
  while (!rest_.empty()) {
    const std::uint32_t tag = in.ReadTag();
    std::uint32_t size = 0;
    if (tag == kMessagesTag) {
      if (in.ReadVarint32(&size)) {
        const auto start = static_cast<std::size_t>(in.CurrentPosition());
        if (size <= rest_.size() - start) {
          const std::string_view message = rest_.substr(start, size);
          rest_.remove_prefix(start + size);
          return message;
        }
      }
    } else if (tag != 0 && WireFormatLite::SkipField(&in, tag)) {
      if (static_cast<std::size_t>(in.CurrentPosition()) == rest_.size()) {
        break;
      }
      continue;
    }
    rest_ = {};
    return fail(ErrorCode::kCorrupt, "the frame ends in bytes that are no message");
  }
  rest_ = {};
  return std::nullopt;
}

bool OutQueue::push(const v1::ControllerMessage& message) {
  std::string bytes = message.SerializeAsString();
  if (messages_.size() >= limits_.messages || bytes_ + bytes.size() > limits_.bytes) {
    return false;
  }
  bytes_ += bytes.size();
  messages_.push_back(std::move(bytes));
  return true;
}

void OutQueue::push_first(const v1::ControllerMessage& message) {
  messages_.push_front(message.SerializeAsString());
  bytes_ += messages_.front().size();
}

void OutQueue::clear() {
  messages_.clear();
  bytes_ = 0;
  heartbeat_sent_us_.reset();
}

OutQueue::Frame OutQueue::take_frame() {
  check(!empty(), "a frame is taken from a queue that holds something");
  Frame frame;
  if (last_seq_ == 0 && !messages_.empty()) {
    append_front(frame);  // the welcome goes before any acknowledgement
  }
  if (heartbeat_sent_us_) {
    v1::ControllerMessage ack;
    ack.mutable_heartbeat_ack()->set_sent_us(*heartbeat_sent_us_);
    append(frame, ack.SerializeAsString());
    heartbeat_sent_us_.reset();
  }
  while (!messages_.empty() &&
         (frame.messages == 0 ||
          frame.bytes.size() + messages_.front().size() <= limits_.frame_bytes)) {
    append_front(frame);
  }
  return frame;
}

void OutQueue::append_front(Frame& frame) {
  append(frame, messages_.front());
  bytes_ -= messages_.front().size();
  messages_.pop_front();
}

void OutQueue::append(Frame& frame, std::string_view message) {
  ++last_seq_;
  ++frame.messages;
  const std::size_t seq_bytes = 1 + CodedOutputStream::VarintSize64(last_seq_);
  frame.bytes.push_back(static_cast<char>(kMessagesTag));
  append_varint(frame.bytes, seq_bytes + message.size());
  frame.bytes.push_back(static_cast<char>(kSeqTag));
  append_varint(frame.bytes, last_seq_);
  frame.bytes.append(message);
}

}  // namespace skerry::hub
