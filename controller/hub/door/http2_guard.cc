#include "controller/hub/door/http2_guard.h"

#include <algorithm>

#include "common/check.h"

namespace skerry::door {
namespace {

constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

constexpr std::uint8_t kAck = 0x1;
constexpr std::uint8_t kEndHeaders = 0x4;
constexpr std::uint8_t kPadded = 0x8;

// One literal with a new name, never indexed; both lengths fit seven bits.
std::string literal(std::string_view name, std::string_view value) {
  check(name.size() < 127 && value.size() <= 100, "the field of a caller is short");
  std::string field(1, '\x10');
  field += static_cast<char>(name.size());
  field += name;
  field += static_cast<char>(value.size());
  field += value;
  return field;
}

std::uint32_t number(const unsigned char* bytes, int count) {
  std::uint32_t value = 0;
  for (int i = 0; i < count; ++i) {
    value = (value << 8) | bytes[i];
  }
  return value;
}

void append_number(std::string& out, std::uint32_t value, int count) {
  for (int i = count - 1; i >= 0; --i) {
    out += static_cast<char>(value >> (8 * i));
  }
}

}  // namespace

enum class Http2Guard::Kind : std::uint8_t {
  kData = 0,
  kHeaders = 1,
  kPriority = 2,
  kReset = 3,
  kSettings = 4,
  kPushPromise = 5,
  kPing = 6,
  kGoaway = 7,
  kWindowUpdate = 8,
  kContinuation = 9,
};

std::string_view to_string(Breach breach) {
  static constexpr std::array<std::string_view, kBreaches> kNames = {
      "preface",  "protocol", "frame_size", "header_block",   "header_blocks", "resets",
      "settings", "pings",    "priorities", "window_updates", "small_data"};
  return kNames.at(static_cast<std::size_t>(breach));
}

Http2Guard::Http2Guard(const FrameLimits& limits, std::string_view secret)
    : limits_(limits), field_(literal(kCallerField, secret)) {}

std::optional<Breach> Http2Guard::pass(std::string_view bytes, Instant now, std::string& out) {
  too_fast_ = false;
  if (preface_seen_ < kPreface.size() && !bytes.empty()) {
    const std::size_t before = preface_seen_;
    bytes = take_preface(bytes, out);
    if (preface_seen_ == before) {
      return Breach::kPreface;
    }
  }
  while (!bytes.empty()) {
    if (payload_left_ > 0) {
      const std::string_view part = bytes.substr(0, payload_left_);
      out += part;
      bytes.remove_prefix(part.size());
      payload_left_ -= part.size();
    } else {
      const std::size_t part = std::min(bytes.size(), header_.size() - header_size_);
      std::copy_n(bytes.begin(), part, header_.begin() + header_size_);
      bytes.remove_prefix(part);
      header_size_ += part;
      if (header_size_ < header_.size()) {
        break;
      }
      header_size_ = 0;
      if (const auto breach = begin_frame(now, out)) {
        return breach;
      }
    }
    if (payload_left_ == 0 && field_is_due_) {
      out += field_;
      field_is_due_ = false;
    }
  }
  return std::nullopt;
}

// Passes on what is as expected; none of it if anything is not.
std::string_view Http2Guard::take_preface(std::string_view bytes, std::string& out) {
  const std::string_view expected =
      kPreface.substr(preface_seen_, std::min(bytes.size(), kPreface.size() - preface_seen_));
  if (bytes.starts_with(expected)) {
    out += expected;
    preface_seen_ += expected.size();
    bytes.remove_prefix(expected.size());
  }
  return bytes;
}

std::optional<Breach> Http2Guard::begin_frame(Instant now, std::string& out) {
  Header header{.length = number(header_.data(), 3),
                .kind = static_cast<Kind>(header_[3]),
                .flags = header_[4],
                .stream = number(header_.data() + 5, 4) & 0x7fff'ffff};
  if (const auto breach = judge(header, now)) {
    return breach;
  }
  too_fast_ = !frames_.take(limits_.frames, now) || too_fast_;
  payload_left_ = header.length;
  if (header.kind == Kind::kHeaders || header.kind == Kind::kContinuation) {
    block_open_ = (header.flags & kEndHeaders) == 0;
    field_is_due_ = !block_open_ && block_opens_stream_;
  }
  header.length += field_is_due_ ? static_cast<std::uint32_t>(field_.size()) : 0;
  write_header(header, out);
  return std::nullopt;
}

std::optional<Breach> Http2Guard::judge(const Header& header, Instant now) {
  const auto within = [now](Allowance& allowance, const Rate& rate,
                            Breach breach) -> std::optional<Breach> {
    return allowance.take(rate, now) ? std::nullopt : std::optional(breach);
  };
  if (header.length > limits_.frame_bytes) {
    return Breach::kFrameSize;
  }
  if (!settings_seen_) {
    if (header.kind != Kind::kSettings || (header.flags & kAck) != 0) {
      return Breach::kPreface;
    }
    settings_seen_ = true;
    last_active_ = now;
  }
  if (block_open_ != (header.kind == Kind::kContinuation)) {
    return Breach::kProtocol;
  }
  switch (header.kind) {
    case Kind::kData:
      last_active_ = now;
      if ((header.flags & kPadded) != 0 || header.stream == 0) {
        return Breach::kProtocol;
      }
      return header.length >= limits_.small_data_bytes
                 ? std::nullopt
                 : within(small_data_, limits_.small_data, Breach::kSmallData);
    case Kind::kHeaders:
    case Kind::kContinuation:
      return judge_block(header, now);
    case Kind::kPriority:
      return within(priorities_, limits_.priorities, Breach::kPriorities);
    case Kind::kReset:
      return within(resets_, limits_.resets, Breach::kResets);
    case Kind::kSettings:
    case Kind::kGoaway:
      return header.length > limits_.settings_bytes
                 ? std::optional(Breach::kFrameSize)
                 : within(settings_, limits_.settings, Breach::kSettings);
    case Kind::kPing:
      return within(pings_, limits_.pings, Breach::kPings);
    case Kind::kWindowUpdate:
      return within(window_updates_, limits_.window_updates, Breach::kWindowUpdates);
    case Kind::kPushPromise:
      break;
  }
  return Breach::kProtocol;
}

std::optional<Breach> Http2Guard::judge_block(const Header& header, Instant now) {
  if (header.kind == Kind::kHeaders) {
    last_active_ = now;
    if ((header.flags & kPadded) != 0 || header.stream % 2 == 0) {
      return Breach::kProtocol;
    }
    if (!header_blocks_.take(limits_.header_blocks, now)) {
      return Breach::kHeaderBlocks;
    }
    block_opens_stream_ = header.stream > highest_stream_;  // else it is a call's trailers
    highest_stream_ = std::max(highest_stream_, header.stream);
    block_stream_ = header.stream;
    block_bytes_ = 0;
    continuations_ = 0;
  } else if (header.stream != block_stream_) {
    return Breach::kProtocol;
  } else if (++continuations_ > limits_.continuations) {
    return Breach::kHeaderBlock;
  }
  block_bytes_ += header.length;
  return block_bytes_ > limits_.header_block_bytes ? std::optional(Breach::kHeaderBlock)
                                                   : std::nullopt;
}

void Http2Guard::write_header(const Header& header, std::string& out) const {
  append_number(out, header.length, 3);
  out.append(reinterpret_cast<const char*>(header_.data()) + 3, 6);
}

bool Http2Watch::sees_activity(std::string_view bytes) {
  bool active = false;
  while (!bytes.empty()) {
    if (payload_left_ > 0) {
      const std::size_t part = std::min(bytes.size(), payload_left_);
      bytes.remove_prefix(part);
      payload_left_ -= part;
      continue;
    }
    const std::size_t part = std::min(bytes.size(), header_.size() - header_size_);
    std::copy_n(bytes.begin(), part, header_.begin() + header_size_);
    bytes.remove_prefix(part);
    header_size_ += part;
    if (header_size_ == header_.size()) {
      header_size_ = 0;
      payload_left_ = number(header_.data(), 3);
      active = active || header_[3] <= 1;  // DATA, HEADERS
    }
  }
  return active;
}

}  // namespace skerry::door
