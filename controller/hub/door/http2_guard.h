// http2_guard.h: walks the frames that an agent sends on one connection, passes on what an honest
// agent would send, and writes into each call who makes it.
//
// The flaws of HTTP/2 servers that are known lie in how much a client can make them do with few bytes:
// header lists without an end, a table that headers are unpacked from, frames that reset, ping, set or
// update and cost more to answer than to send. Frames are bounded here by kind, size and number, before
// gRPC sees them. Headers are not unpacked, so there is nothing to overflow.
//
// Each header block that opens a stream gets one field more at its end: kCallerField with the
// connection's secret, which tells the hub whose connection the call is on. The other end cannot know the
// secret, so it cannot write that field itself. A literal that is never indexed (RFC 7541 6.2.3) may stand
// behind any block and leaves the tables of both ends as they are; if the block ends in the middle of a
// field, the secret becomes part of that field, and the call is nobody's.
//
// Pure; not thread-safe. Frames: RFC 9113 4 and 6.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/time.h"
#include "controller/hub/door/options.h"

namespace skerry::door {

// The name of the field, as calls carry it.
inline constexpr std::string_view kCallerField = "skerry-door";

enum class Breach : std::uint8_t {
  kPreface,   // does not begin as HTTP/2
  kProtocol,  // a frame that no client sends, or not there
  kFrameSize,
  kHeaderBlock,   // too many bytes or continuations of one
  kHeaderBlocks,  // too many of them
  kResets,
  kSettings,
  kPings,
  kPriorities,
  kWindowUpdates,
  kSmallData,
};
constexpr std::size_t kBreaches = static_cast<std::size_t>(Breach::kSmallData) + 1;
std::string_view to_string(Breach breach);  // "preface", "protocol", "frame_size", ...

class Http2Guard {
 public:
  // `secret`: up to 100 printable characters.
  Http2Guard(const FrameLimits& limits, std::string_view secret);

  // Appends what of `bytes` may pass to `out`: all of it and the fields that are added. After a breach
  // nothing more is to be given.
  std::optional<Breach> pass(std::string_view bytes, Instant now, std::string& out);

  bool has_begun() const { return settings_seen_; }
  // Whether what comes next begins a frame.
  bool is_between_frames() const { return payload_left_ == 0 && header_size_ == 0; }
  // When a call was begun or data came last.
  Instant last_active() const { return last_active_; }
  // Whether it sends more frames than it is to be read.
  bool is_too_fast() const { return too_fast_; }

 private:
  enum class Kind : std::uint8_t;
  struct Header {
    std::uint32_t length = 0;
    Kind kind{};
    std::uint8_t flags = 0;
    std::uint32_t stream = 0;
  };

  std::string_view take_preface(std::string_view bytes, std::string& out);
  std::optional<Breach> begin_frame(Instant now, std::string& out);
  std::optional<Breach> judge(const Header& header, Instant now);
  std::optional<Breach> judge_block(const Header& header, Instant now);
  void write_header(const Header& header, std::string& out) const;

  const FrameLimits& limits_;
  const std::string field_;

  std::size_t preface_seen_ = 0;
  bool settings_seen_ = false;
  std::array<unsigned char, 9> header_{};
  std::size_t header_size_ = 0;   // that was read of the next frame's header
  std::size_t payload_left_ = 0;  // of the frame that is passing
  bool field_is_due_ = false;     // at the end of its payload

  // Of the header block that is open.
  bool block_open_ = false;
  bool block_opens_stream_ = false;
  std::uint32_t block_stream_ = 0;
  std::size_t block_bytes_ = 0;
  std::size_t continuations_ = 0;

  std::uint32_t highest_stream_ = 0;
  Instant last_active_;
  bool too_fast_ = false;
  Allowance header_blocks_;
  Allowance resets_;
  Allowance settings_;
  Allowance pings_;
  Allowance priorities_;
  Allowance window_updates_;
  Allowance small_data_;
  Allowance frames_;
};

// Watches what gRPC answers on that connection, only to tell whether it carries data.
class Http2Watch {
 public:
  // Whether a DATA or HEADERS frame begins in these bytes, the next ones of the connection.
  bool sees_activity(std::string_view bytes);
  bool is_between_frames() const { return payload_left_ == 0 && header_size_ == 0; }

 private:
  std::array<unsigned char, 9> header_{};
  std::size_t header_size_ = 0;
  std::size_t payload_left_ = 0;
};

}  // namespace skerry::door
