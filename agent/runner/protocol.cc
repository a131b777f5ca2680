#include "agent/runner/protocol.h"

#include <fmt/format.h>

#include "common/bytes.h"
#include "common/check.h"

namespace skerry::runner {

namespace {

// On the wire: the type, then the fields in the order in which protocol.h declares them; texts
// behind a u32 length.
enum class Type : std::uint8_t {
  kLoad = 1,
  kLoaded = 2,
  kRun = 3,
  kRan = 4,
  kFailed = 5,
  kReady = 6
};
constexpr std::uint8_t kLastErrorCode = static_cast<std::uint8_t>(ErrorCode::kInternal);
constexpr std::size_t kLengthBytes = sizeof(std::uint32_t);

void put_text(ByteWriter& out, std::string_view text) { out.text<std::uint32_t>(text); }
std::string get_text(ByteReader& in) { return std::string(in.text<std::uint32_t>()); }

void put_texts(ByteWriter& out, const std::vector<std::string>& texts) {
  out.number(static_cast<std::uint32_t>(texts.size()));
  for (const std::string& text : texts) {
    put_text(out, text);
  }
}

std::vector<std::string> get_texts(ByteReader& in) {
  std::vector<std::string> texts;
  for (auto count = in.number<std::uint32_t>(); in.ok() && count > 0; --count) {
    texts.push_back(get_text(in));
  }
  return texts;
}

void put(ByteWriter& out, const inspect::Policy& policy) {
  out.number(policy.limits.artifact_bytes);
  out.number(policy.limits.entries);
  out.number(policy.limits.pickle_bytes);
  out.number(policy.limits.code_bytes);
  out.number(policy.limits.ratio);
  put_texts(out, policy.allow);
  put_texts(out, policy.deny);
}

void put(ByteWriter& out, const Load& load) {
  out.number(Type::kLoad);
  put_text(out, load.manifest_json);
  put_text(out, load.artifact_path);
  put_text(out, load.digest);
  put_text(out, load.device);
  out.number(load.threads);
  put(out, load.policy);
}

void put(ByteWriter& out, const Loaded& loaded) {
  out.number(Type::kLoaded);
  out.number(loaded.load_us);
  out.number(loaded.memory_bytes);
  put_text(out, loaded.device);
}

void put(ByteWriter& out, const Run& run) {
  out.number(Type::kRun);
  out.number(run.id);
  put_text(out, run.sequence);
  put_text(out, run.inputs);
}

void put(ByteWriter& out, const Ran& ran) {
  out.number(Type::kRan);
  out.number(ran.id);
  out.number(ran.service_us);
  out.number(ran.cpu_us);
  put_text(out, ran.outputs);
}

void put(ByteWriter& out, const Failed& failed) {
  out.number(Type::kFailed);
  out.number(failed.id);
  out.number(failed.code);
  put_text(out, failed.message);
}

inspect::Policy get_policy(ByteReader& in) {
  inspect::Policy policy;
  policy.limits.artifact_bytes = in.number<std::uint64_t>();
  policy.limits.entries = in.number<std::uint32_t>();
  policy.limits.pickle_bytes = in.number<std::uint64_t>();
  policy.limits.code_bytes = in.number<std::uint64_t>();
  policy.limits.ratio = in.number<std::uint32_t>();
  policy.allow = get_texts(in);
  policy.deny = get_texts(in);
  return policy;
}

void put(ByteWriter& out, const Ready& ready) {
  out.number(Type::kReady);
  out.number(static_cast<std::uint8_t>(ready.layers.size()));
  for (const LayerState& state : ready.layers) {
    out.number(state.layer);
    put_text(out, state.missing);
  }
}

Load get_load(ByteReader& in) {
  Load load;
  load.manifest_json = get_text(in);
  load.artifact_path = get_text(in);
  load.digest = get_text(in);
  load.device = get_text(in);
  load.threads = in.number<std::uint32_t>();
  load.policy = get_policy(in);
  return load;
}

Loaded get_loaded(ByteReader& in) {
  Loaded loaded;
  loaded.load_us = in.number<std::uint64_t>();
  loaded.memory_bytes = in.number<std::uint64_t>();
  loaded.device = get_text(in);
  return loaded;
}

Run get_run(ByteReader& in) {
  Run run;
  run.id = in.number<std::uint64_t>();
  run.sequence = get_text(in);
  run.inputs = get_text(in);
  return run;
}

Ran get_ran(ByteReader& in) {
  Ran ran;
  ran.id = in.number<std::uint64_t>();
  ran.service_us = in.number<std::uint64_t>();
  ran.cpu_us = in.number<std::uint64_t>();
  ran.outputs = get_text(in);
  return ran;
}

Result<Frame> get_failed(ByteReader& in) {
  Failed failed;
  failed.id = in.number<std::uint64_t>();
  const auto code = in.number<std::uint8_t>();
  failed.message = get_text(in);
  if (code > kLastErrorCode) {
    return fail(ErrorCode::kCorrupt,
                fmt::format("a runner's failure has the unknown error code {}", code));
  }
  failed.code = static_cast<ErrorCode>(code);
  return failed;
}

Result<Frame> get_ready(ByteReader& in) {
  Ready ready;
  for (auto left = in.number<std::uint8_t>(); left > 0 && in.ok(); --left) {
    const auto layer = in.number<std::uint8_t>();
    if (layer >= kLayers.size()) {
      return fail(ErrorCode::kCorrupt,
                  fmt::format("a runner speaks of the unknown sandbox layer {}", layer));
    }
    ready.layers.push_back({.layer = static_cast<Layer>(layer), .missing = get_text(in)});
  }
  return ready;
}

Result<Frame> decode_body(ByteReader& in) {
  const auto type = in.number<std::uint8_t>();
  switch (static_cast<Type>(type)) {
    case Type::kLoad:
      return get_load(in);
    case Type::kLoaded:
      return get_loaded(in);
    case Type::kRun:
      return get_run(in);
    case Type::kRan:
      return get_ran(in);
    case Type::kFailed:
      return get_failed(in);
    case Type::kReady:
      return get_ready(in);
  }
  return fail(ErrorCode::kCorrupt, fmt::format("a runner's frame has the unknown type {}", type));
}

}  // namespace

std::string encode_frame(const Frame& frame) {
  ByteWriter body;
  std::visit([&](const auto& message) { put(body, message); }, frame);
  const std::string bytes = body.take();
  check(bytes.size() <= kMaxFrameBytes, "a frame for or from a runner fits kMaxFrameBytes");
  ByteWriter out;
  out.text<std::uint32_t>(bytes);
  return out.take();
}

void FrameReader::append(std::string_view bytes) {
  constexpr std::size_t kKeptBytes = 4 * 1024 * 1024;  // of a buffer that one large frame made grow
  if (consumed_ == buffer_.size()) {
    if (buffer_.capacity() > kKeptBytes) {
      buffer_ = std::string();
    }
    buffer_.clear();
    consumed_ = 0;
  } else if (consumed_ >= buffer_.size() / 2) {  // so that a byte moves at most once on average
    buffer_.erase(0, consumed_);
    consumed_ = 0;
  }
  buffer_.append(bytes);
}

Result<Frame> FrameReader::next() {
  const auto rest = std::string_view(buffer_).substr(consumed_);
  ByteReader header(rest);
  const auto length = header.number<std::uint32_t>();
  if (header.ok() && (length == 0 || length > kMaxFrameBytes)) {
    return fail(
        ErrorCode::kCorrupt,
        fmt::format("a runner's frame of {} bytes; 1 to {} are allowed", length, kMaxFrameBytes));
  }
  if (!header.ok() || header.remaining() < length) {
    return fail(ErrorCode::kUnavailable, "the frame has not arrived in full");
  }
  ByteReader body(header.raw(length));
  auto frame = decode_body(body);
  if (frame && (!body.ok() || !body.at_end())) {
    return fail(
        ErrorCode::kCorrupt,
        fmt::format("a runner's frame of {} bytes does not hold what its type needs", length));
  }
  consumed_ += kLengthBytes + length;
  return frame;
}

}  // namespace skerry::runner
