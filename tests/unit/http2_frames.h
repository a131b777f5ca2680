// http2_frames.h: HTTP/2 frames by hand, for tests of what is made of them (RFC 9113 4.1).

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace skerry::door {

inline constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

enum FrameKind : std::uint8_t {
  kData,
  kHeaders,
  kPriority,
  kReset,
  kSettings,
  kPushPromise,
  kPing,
  kGoaway,
  kWindowUpdate,
  kContinuation,
};
inline constexpr std::uint8_t kEndStream = 0x1;
inline constexpr std::uint8_t kAck = 0x1;
inline constexpr std::uint8_t kEndHeaders = 0x4;
inline constexpr std::uint8_t kPadded = 0x8;

inline std::string frame(std::uint8_t kind, std::uint8_t flags, std::uint32_t stream,
                         std::string_view payload) {
  std::string bytes;
  for (const int shift : {16, 8, 0}) {
    bytes += static_cast<char>(payload.size() >> shift);
  }
  bytes += static_cast<char>(kind);
  bytes += static_cast<char>(flags);
  for (const int shift : {24, 16, 8, 0}) {
    bytes += static_cast<char>(stream >> shift);
  }
  return bytes += payload;
}

// The header block that opens a call of AgentLink.
inline std::string call_block(std::string_view method) {
  const std::string path = "/skerry.v1.AgentLink/" + std::string(method);
  return std::string("\x83\x86\x04") + static_cast<char>(path.size()) + path + "\x41\x01x" +
         "\x5f\x10" + "application/grpc" + "\x40\x02te\x08trailers";
}

inline std::string beginning() { return std::string(kPreface) + frame(kSettings, 0, 0, ""); }

}  // namespace skerry::door
