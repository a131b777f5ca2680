// runner_fuzz.cc: what an agent reads from a runner, and a runner from its agent: frames
// (agent/runner/protocol.h), and the values in them (common/values.h), which come from clients.

#include <algorithm>

#include "agent/runner/protocol.h"
#include "common/bytes.h"
#include "common/values.h"
#include "tests/fuzz/harness.h"

namespace skerry::fuzz {

namespace {

constexpr std::size_t kFixedBytes = 64 * 1024;

void look_at_values(std::string_view encoded) {
  const auto values = decode_values(encoded);
  check(values.has_value() == check_values(encoded).has_value(),
        "what is checked is what can be decoded");
  check(!values || encode_values(*values) == encoded, "values have one encoded form");
}

void check_payload(const runner::Frame& frame) {
  if (const auto* run = std::get_if<runner::Run>(&frame)) {
    look_at_values(run->inputs);
  } else if (const auto* ran = std::get_if<runner::Ran>(&frame)) {
    look_at_values(ran->outputs);
  }
}

// The frames in these bytes, which come `piece_bytes` at a time.
void read_frames(std::string_view bytes, std::size_t piece_bytes) {
  runner::FrameReader reader;
  std::string_view rest = bytes;
  std::size_t at = 0;
  while (true) {
    const auto frame = reader.next();
    if (frame) {
      const std::string written = runner::encode_frame(*frame);
      check(bytes.substr(at, written.size()) == written, "a frame has one encoded form");
      at += written.size();
      check_payload(*frame);
    } else if (frame.error().code != ErrorCode::kUnavailable || rest.empty()) {
      return;
    } else {
      const std::size_t piece = std::min(piece_bytes, rest.size());
      reader.append(rest.substr(0, piece));
      rest.remove_prefix(piece);
    }
  }
}

}  // namespace

// The first byte: 0: encoded values; else how many bytes of the rest, which are frames, come at a time.
void run(std::string_view input) {
  if (input.empty()) {
    return;
  }
  const MemoryBound bound(input.size(), kFixedBytes);
  const auto how = static_cast<unsigned char>(input.front());
  const std::string_view rest = input.substr(1);
  if (how == 0) {
    look_at_values(rest);
  } else {
    read_frames(rest, how == 1 ? rest.size() : how);
  }
}

namespace {

std::string any_values(Random& random) {
  Values values;
  for (std::uint64_t i = random.below(3); i > 0; --i) {
    const auto elements = static_cast<std::int64_t>(random.below(4));
    const auto dtype = static_cast<DType>(random.below(9));
    values.push_back(
        {"x", Tensor{dtype,
                     {1, elements},
                     std::string(static_cast<std::size_t>(elements) * size_bytes(dtype), 'e')}});
    values.push_back({"image", Media{"image/png", std::string(random.below(9), 'i')}});
    values.push_back({"labels", Labels{{"cat", 0.5F}, {"dog", 0.25F}}});
  }
  return encode_values(values);
}

runner::Frame any_frame(Random& random) {
  switch (random.below(6)) {
    case 5:
      return runner::Ready{
          .layers = {{.layer = static_cast<runner::Layer>(random.below(10)), .missing = "why"}}};
    case 0:
      return runner::Load{.manifest_json = "{}",
                          .digest = "sha256:00",
                          .threads = 2,
                          .policy = {.limits = {}, .allow = {"aten::save"}, .deny = {}}};
    case 1:
      return runner::Loaded{.load_us = random.next_u64(), .memory_bytes = 1, .device = "cpu"};
    case 2:
      return runner::Run{.id = random.below(9), .sequence = "s", .inputs = any_values(random)};
    case 3:
      return runner::Ran{.id = random.below(9), .service_us = 5, .outputs = any_values(random)};
    default:
      return runner::Failed{.id = 1, .message = "it did not fit"};
  }
}

}  // namespace

// Now and then a well-formed piece at the end, since no change of bytes makes the lengths agree.
std::optional<std::string> mutate(std::string_view input, Random& random) {
  if (input.empty() || random.chance(0.05)) {
    return std::string(1, '\0') + any_values(random);
  }
  if (random.chance(0.2)) {
    return std::string(input) + runner::encode_frame(any_frame(random));
  }
  return std::nullopt;
}

}  // namespace skerry::fuzz
