// blobs.cc: artifacts and other large bytes go up and down in pieces, never whole in memory.

#include <fmt/format.h>

#include "controller/api/handler_parts.h"
#include "controller/api/handlers.h"
#include "controller/api/problem.h"

namespace skerry::api {

namespace {

constexpr std::size_t kPieceBytes = 256 * 1024;

Task<Result<blobs::BlobPin>> receive(Call call, std::string digest) {
  auto writer = co_await off_strand(call, [call] { return call->blobs.writer(); });
  if (!writer) {
    co_return fail(writer.error());
  }
  std::string gathered;
  while (true) {
    auto piece = co_await call.exchange->read_piece();
    if (!piece) {
      co_return fail(piece.error());
    }
    gathered += *piece;
    if (gathered.size() < kPieceBytes && !piece->empty()) {
      continue;
    }
    // The writer lives in this frame, which waits for the pool.
    const auto written =
        co_await off_strand(call, [&writer, bytes = std::exchange(gathered, {})]() -> Result<bool> {
          const Status status = writer->write(bytes);
          return status ? Result<bool>(true) : fail(status.error());
        });
    if (!written) {
      co_return fail(written.error());
    }
    if (piece->empty()) {
      break;
    }
  }
  co_return co_await off_strand(call, [&writer, digest] { return writer->commit(digest); });
}

}  // namespace

Task<Response> put_blob(Call call) {
  const std::string digest = call.request().param("digest");
  if (!is_digest(digest)) {
    co_return problem(Error{
        ErrorCode::kInvalidArgument,
        fmt::format("'{}' is not a digest: sha256: and 64 hex digits", digest.substr(0, 80))});
  }
  if (const Status space = call->gateway.has_space(); !space) {
    co_return problem(space.error());
  }
  const auto pin = co_await receive(call, digest);
  if (!pin) {
    const Error& error = pin.error();
    Response refused = error.code == ErrorCode::kDeadlineExceeded
                           ? problem(408, "request_timeout", error.message)
                           : problem(error);
    refused.close = true;  // the body may not have been read to its end
    co_return refused;
  }
  JsonWriter json;
  json.object().member("digest", pin->digest()).member("size_bytes", pin->size_bytes()).end();
  co_return json_response(pin->created() ? 201 : 200, json.take());
}

Task<Response> get_blob(Call call) {
  const std::string digest = call.request().param("digest");
  // Inputs and results lie here, too; their jobs' own routes give those out.
  const auto artifact = co_await inspect(
      call, [digest](const core::Core& core, Instant) { return core.is_artifact(digest); });
  if (!artifact || !*artifact) {
    co_return problem(artifact
                          ? Error{ErrorCode::kNotFound,
                                  fmt::format("no model has an artifact {}", digest.substr(0, 80)),
                                  {}}
                          : artifact.error());
  }
  auto blob = co_await off_strand(call, [call, digest] { return call->blobs.read(digest); });
  if (!blob) {
    co_return problem(blob.error());
  }
  Response head{.status = 200, .content_type = "application/octet-stream", .streamed = true};
  head.headers.emplace_back("ETag", fmt::format("\"{}\"", digest));
  bool connected = co_await call.exchange->begin(head, blob->size_bytes());
  while (connected && call.request().verb != Verb::head) {
    auto piece = co_await off_strand(call, [&blob] { return blob->read(kPieceBytes); });
    if (!piece) {
      call->log.error("blob {} broke off while it was sent: {}", digest, piece.error().message);
      head.close = true;  // fewer bytes than promised: the client must see it
      break;
    }
    if (piece->empty()) {
      break;
    }
    connected = co_await call.exchange->write(std::move(*piece));
  }
  co_return head;
}

}  // namespace skerry::api
