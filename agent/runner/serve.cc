#include "agent/runner/serve.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <boost/json/parse.hpp>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <optional>
#include <utility>

#include "agent/runner/inspect/checked_model.h"
#include "agent/runner/model.h"
#include "agent/runner/preprocess.h"
#include "agent/runner/protocol.h"
#include "common/manifest.h"
#include "common/time.h"

namespace skerry::runner {

namespace {

std::uint64_t since_us(SystemClock& clock, Instant start) {
  return static_cast<std::uint64_t>((clock.now() - start).count());
}

std::uint64_t process_cpu_us() {
  timespec spent{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &spent);
  return static_cast<std::uint64_t>(spent.tv_sec) * 1'000'000 +
         static_cast<std::uint64_t>(spent.tv_nsec) / 1'000;
}

Failed failed(std::uint64_t id, const Error& error) {
  return {.id = id, .code = error.code, .message = error.message};
}

// The descriptor given at the start, or one of the path's file, which is then the caller's.
Result<int> open_model(const Load& request, int given) {
  const int fd =
      given >= 0 ? given : open(request.artifact_path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) {
    return fail(ErrorCode::kModelFailed,
                fmt::format("the model cannot be loaded: {} does not open: {}",
                            request.artifact_path, std::strerror(errno)));
  }
  return fd;
}

// The file, read once and inspected.
Result<std::unique_ptr<inspect::CheckedModel>> check(const Load& request, int given) {
  const auto file = open_model(request, given);
  if (!file) {
    return fail(file.error());
  }
  auto artifact =
      inspect::Artifact::read(*file, request.digest, request.policy.limits.artifact_bytes);
  if (*file != given) {
    close(*file);
  }
  return artifact ? inspect::CheckedModel::inspect(std::move(*artifact), request.policy)
                  : fail(std::move(artifact).error());
}

// What one runner holds: at most one model, and its manifest.
class Server {
 public:
  Server(int model_fd, const OwnMemory& memory) : model_fd_(model_fd), memory_(memory) {}

  Frame load(const Load& request) {
    const Instant start = clock_.now();
    if (model_ != nullptr) {
      return Failed{.id = 0,
                    .code = ErrorCode::kConflict,
                    .message = "this runner has a model; another one needs another runner"};
    }
    if (request.threads == 0 || request.threads > 1024) {
      return Failed{.id = 0,
                    .code = ErrorCode::kInvalidArgument,
                    .message = fmt::format("{} threads; 1 to 1024 are allowed", request.threads)};
    }
    boost::system::error_code malformed;
    const auto json = boost::json::parse(request.manifest_json, malformed);
    if (malformed) {
      return Failed{
          .id = 0, .code = ErrorCode::kInvalidArgument, .message = "the manifest is no JSON"};
    }
    auto manifest = manifest_from_json(json);
    if (!manifest) {
      return failed(0, manifest.error());
    }
    auto checked = check(request, model_fd_);
    if (!checked) {
      return failed(0, checked.error());
    }
    auto model = load_model(request, *manifest, **checked);
    if (!model) {
      return failed(0, model.error());
    }
    manifest_ = std::move(*manifest);
    model_ = std::move(*model);
    return Loaded{.load_us = since_us(clock_, start),
                  .memory_bytes = memory_.resident_bytes(),
                  .device = model_->device()};
  }

  Frame run(const Run& request) {
    const Instant start = clock_.now();
    const std::uint64_t cpu_before_us = process_cpu_us();
    auto outputs = forward(request);
    if (!outputs) {
      return failed(request.id, outputs.error());
    }
    std::string encoded = encode_values(*outputs);
    if (encoded.size() > kMaxPayloadBytes) {
      return Failed{.id = request.id,
                    .code = ErrorCode::kTooLarge,
                    .message = fmt::format("the model yields {} bytes; {} are allowed",
                                           encoded.size(), kMaxPayloadBytes)};
    }
    return Ran{.id = request.id,
               .service_us = since_us(clock_, start),
               .cpu_us = process_cpu_us() - cpu_before_us,
               .outputs = std::move(encoded)};
  }

 private:
  Result<Values> forward(const Run& request) {
    if (model_ == nullptr) {
      return fail(ErrorCode::kUnavailable, "this runner has no model yet");
    }
    if (request.inputs.empty()) {
      auto inputs = synthetic_inputs(manifest_);
      return inputs ? model_->run(request.sequence, *inputs) : fail(std::move(inputs).error());
    }
    auto values = decode_values(request.inputs);
    if (!values) {
      return fail(std::move(values).error());
    }
    auto inputs = prepare(manifest_, *values);
    return inputs ? model_->run(request.sequence, *inputs) : fail(std::move(inputs).error());
  }

  const int model_fd_;
  const OwnMemory& memory_;
  SystemClock clock_;
  ModelManifest manifest_;
  std::unique_ptr<Model> model_;
};

bool send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) {
      continue;
    }
    if (sent <= 0) {
      return false;
    }
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

// The answer to a frame; none if the frame is not one that an agent sends.
std::optional<Frame> answer(Server& server, const Frame& frame) {
  if (const auto* load = std::get_if<Load>(&frame)) {
    return server.load(*load);
  }
  if (const auto* run = std::get_if<Run>(&frame)) {
    return server.run(*run);
  }
  return std::nullopt;
}

// Answers what has arrived in full. 0, or the exit code that ends the runner.
int answer_all(int fd, Server& server, FrameReader& reader) {
  for (;;) {
    const auto frame = reader.next();
    if (!frame && frame.error().code == ErrorCode::kUnavailable) {
      return 0;
    }
    const auto reply = frame ? answer(server, *frame) : std::nullopt;
    if (!reply) {
      std::fprintf(stderr, "skerry-runner: %s\n",
                   frame ? "the agent sent a frame that only a runner sends"
                         : frame.error().message.c_str());
      return 2;
    }
    if (!send_all(fd, encode_frame(*reply))) {
      return 1;
    }
  }
}

}  // namespace

int serve(const Descriptors& descriptors, const OwnMemory& memory) {
  const int fd = descriptors.socket_fd;
  Server server(descriptors.model_fd, memory);
  FrameReader reader;
  std::array<char, 64 * 1024> buffer;
  for (;;) {
    const ssize_t got = recv(fd, buffer.data(), buffer.size(), 0);
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got <= 0) {
      return got == 0 ? 0 : 1;
    }
    reader.append({buffer.data(), static_cast<std::size_t>(got)});
    if (const int code = answer_all(fd, server, reader); code != 0) {
      return code;
    }
  }
}

}  // namespace skerry::runner
