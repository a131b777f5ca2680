// protocol.h: the frames between an agent and one runner process, over a pair of connected stream
// sockets.
//
// A frame is u32 length (of what follows, little-endian), u8 type, body. A runner that was told which
// layers of its sandbox to enter says kReady once it is inside, before it reads anything. The agent
// sends kLoad first, then any number of kRun; the runner answers each in order. One forward runs at a time; the
// agent may have one more kRun waiting in the socket, which hides the hop. To end a running forward
// the agent kills the process: there is no cancel message, since a model that hangs would not read
// it. The runner exits when its socket closes.
//
// The model's file comes as an open descriptor, at the start (start.h). The runner reads it once and loads what it read, if
// that has the digest.
//
// The codec is shared by both sides and depends on common/ only: the agent does not link libtorch,
// the runner does not link gRPC.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "agent/runner/inspect/policy.h"
#include "agent/runner/layers.h"
#include "common/error.h"

namespace skerry::runner {

struct Ready {  // runner -> agent: the sandbox is entered, and no file of a model was touched yet
  std::vector<LayerState> layers;  // those that were asked for
};
struct Load {                 // agent -> runner
  std::string manifest_json;  // common/manifest.h
  std::string artifact_path;  // for a runner that was not given the file's descriptor at its start
  std::string digest;         // of the bytes that are loaded, whatever the file held before
  std::string device = "auto";  // "auto", "cpu", "cuda", "cuda:0"
  std::uint32_t threads = 1;    // intra-op threads
  inspect::Policy policy;
};
struct Loaded {  // runner -> agent
  std::uint64_t load_us = 0;
  std::uint64_t memory_bytes = 0;  // resident set of the process after loading
  std::string device;              // what was chosen: "cpu" or "cuda:0"
};
struct Run {             // agent -> runner
  std::uint64_t id = 0;  // echoed
  std::string
      sequence;  // stateful models: state is reset when this changes; empty = a sequence of its own
  std::string
      inputs;  // common/values.h encoding; empty = the synthetic inputs of a probe (zeros of the
               // manifest's shapes, -1 taken as 1; an image or one second of silence)
};
struct Ran {  // runner -> agent
  std::uint64_t id = 0;
  std::uint64_t service_us = 0;  // decode + forward + encode, as the runner's clock tells it
  std::uint64_t cpu_us = 0;      // processor time of the process spent on it
  std::string outputs;           // common/values.h encoding
};
struct Failed {          // runner -> agent: a load or a run that went wrong; the runner lives on
  std::uint64_t id = 0;  // 0 for a load
  // kInvalidArgument: the inputs do not fit the manifest. Of a load, kCorrupt: the file has another digest.
  ErrorCode code = ErrorCode::kModelFailed;
  std::string message;
};

using Frame = std::variant<Load, Loaded, Run, Ran, Failed, Ready>;

constexpr std::uint32_t kMaxFrameBytes = 256u * 1024 * 1024;
// What the inputs of a Run or the outputs of a Ran may hold; the rest of the frame is for the
// fields around them.
constexpr std::uint32_t kMaxPayloadBytes = kMaxFrameBytes - 64 * 1024;

// The whole frame, length included. Aborts if it exceeds kMaxFrameBytes: callers hold payloads to
// kMaxPayloadBytes.
std::string encode_frame(const Frame& frame);

// Takes bytes as they come and yields whole frames. After an error (kCorrupt) the stream is beyond
// use.
class FrameReader {
 public:
  void append(std::string_view bytes);
  // The next frame; kUnavailable = more bytes are needed; kCorrupt = not a frame.
  Result<Frame> next();

 private:
  std::string buffer_;
  std::size_t consumed_ = 0;
};

}  // namespace skerry::runner
