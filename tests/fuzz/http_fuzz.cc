// http_fuzz.cc: the bytes of a connection, through the HTTP parser and its limits to the router and the
// handlers, and what comes back.
//
// Whatever was sent, every request that was read gets one well-formed answer, none of them a 500, and
// the core's rules hold.

#include <fmt/format.h>

#include <boost/json/parse.hpp>
#include <charconv>

#include "tests/fuzz/harness.h"
#include "tests/fuzz/http_world.h"

namespace skerry::fuzz {

namespace {

constexpr std::size_t kFixedBytes = 1024 * 1024;  // the longest answer is that of /openapi.json
constexpr std::string_view kEnd = "\r\n\r\n";
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

std::string_view take(std::string_view& text, std::size_t count) {
  check(count <= text.size(), "an answer is all there");
  const std::string_view taken = text.substr(0, count);
  text.remove_prefix(count);
  return taken;
}

std::string_view header_of(std::string_view head, std::string_view name) {
  const auto at = head.find(fmt::format("\r\n{}: ", name));
  if (at == std::string_view::npos) {
    return {};
  }
  const std::string_view value = head.substr(at + name.size() + 4);
  return value.substr(0, value.find("\r\n"));
}

std::uint64_t number(std::string_view text, int base) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  check(error == std::errc() && end == text.data() + text.size(), "a length is a number");
  return value;
}

std::string take_chunks(std::string_view& text) {
  std::string body;
  while (true) {
    const std::string_view size = take(text, text.find("\r\n"));
    take(text, 2);
    const std::string_view piece = take(text, number(size, 16));
    check(take(text, 2) == "\r\n", "a chunk ends in a line's end");
    if (piece.empty()) {
      return body;
    }
    body += piece;
  }
}

// The next answer of the text; `expected` says what it must be, unless the request could not be read.
void take_answer(std::string_view& text, const Observed* expected) {
  while (text.starts_with(kContinue)) {
    take(text, kContinue.size());
  }
  const std::size_t end = text.find(kEnd);
  check(end != std::string_view::npos, "each request gets an answer with a head");
  const std::string_view head = take(text, end + kEnd.size());
  check(head.starts_with("HTTP/1.1 ") && head.size() > 13, "an answer begins with its status");
  const auto status = static_cast<int>(number(head.substr(9, 3), 10));
  check(expected == nullptr || expected->status == status,
        "an answer has the status that was counted");
  check(status < 500 || status == 503, "nothing that a client sends is an error of the server");
  const bool no_body =
      status == 204 || status == 304 || (expected != nullptr && expected->method == "HEAD");
  if (no_body) {
    return;
  }
  std::string body;
  if (const auto length = header_of(head, "Content-Length"); !length.empty()) {
    body = take(text, number(length, 10));
  } else if (header_of(head, "Transfer-Encoding") == "chunked") {
    body = take_chunks(text);
  } else {
    body = std::exchange(text, {});  // until the connection's end
  }
  const std::string_view type = header_of(head, "Content-Type");
  if (type == "application/json" || type == "application/problem+json") {
    boost::system::error_code error;
    const auto json = boost::json::parse(body, error);
    check(!error, "a JSON answer is JSON");
    check(status < 400 || json.as_object().contains("code"), "a refusal has a code");
  }
}

}  // namespace

// The first byte: how many bytes come at a time, in eights; 0: all.
void run(std::string_view input) {
  static HttpParts parts;
  if (input.empty()) {
    return;
  }
  const std::size_t piece = 8 * static_cast<unsigned char>(input.front());
  HttpWorld world(parts);
  std::string answers;
  {
    const MemoryBound bound(input.size(), kFixedBytes);
    answers = world.talk(input.substr(1), piece == 0 ? input.size() : piece);
  }
  std::string_view rest = answers;
  for (std::size_t i = 0; i < world.observed().size(); ++i) {
    if (rest.empty() && i + 1 == world.observed().size()) {
      break;  // the client left within its body, or while it was to wait
    }
    take_answer(rest, &world.observed()[i]);
  }
  if (!rest.empty()) {
    take_answer(rest, nullptr);  // to what could not be read as a request
  }
  check(rest.empty(), "there is one answer to each request");
  for (const std::string& rule : world.broken_rules()) {
    check(false, rule);
  }
}

namespace {

constexpr std::string_view kJob = R"({"model":"m","inputs":{"x":{"shape":[1,2],"data":[1,2]}}})";
constexpr std::string_view kModel =
    R"({"apiVersion":"skerry/v1","kind":"Model","metadata":{"name":"n"},"spec":{"engine":"noop",)"
    R"("variants":[{"name":"v"}]}})";

struct Sample {
  std::string_view start;
  std::string_view headers;
  std::string_view body;
};
constexpr Sample kSamples[] = {
    {"POST /api/v1/jobs", "Prefer: wait=5\r\n", kJob},
    {"POST /api/v1/jobs", "Idempotency-Key: k\r\n", kJob},
    {"POST /api/v1/jobs:batch", "", R"({"jobs":[{"model":"m"}]})"},
    {"GET /api/v1/jobs?limit=2&state=READY&model=m", "", ""},
    {"GET /api/v1/jobs/j0000000100000001", "If-None-Match: \"1-1\"\r\n", ""},
    {"GET /api/v1/jobs/j0000000100000001/result", "", ""},
    {"GET /api/v1/jobs/j0000000100000001/decisions", "", ""},
    {"POST /api/v1/jobs/j0000000100000001:cancel", "", ""},
    {"GET /api/v1/nodes", "", ""},
    {"POST /api/v1/nodes/node:drain", "", ""},
    {"DELETE /api/v1/nodes/node", "", ""},
    {"PUT /api/v1/models/n", "Content-Type: application/json\r\n", kModel},
    {"GET /api/v1/models/m", "Accept: application/json;q=0.5, */*;q=0\r\n", ""},
    {"DELETE /api/v1/models/m", "", ""},
    {"PUT /api/v1/blobs/sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
     "", "test"},
    {"GET /api/v1/blobs/sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
     "Range: bytes=1-2\r\n", ""},
    {"POST /api/v1/placements", "", R"({"model":"m","input_bytes":5})"},
    {"GET /api/v1/events?types=job&job=j0000000100000001", "Last-Event-ID: fuzz-1\r\n", ""},
    {"PUT /api/v1/policies/active", "", R"({"name":"jsq"})"},
    {"POST /api/v1/policies/greedy:shadow", "", ""},
    {"GET /api/v1/policies/greedy?weights=true", "", ""},
    {"GET /api/v1/decisions?limit=5", "", ""},
    {"GET /readyz?verbose", "", ""},
    {"GET /metrics", "", ""},
    {"OPTIONS /api/v1/jobs", "", ""},
    {"HEAD /version", "Expect: 100-continue\r\n", ""},
};

std::string request_of(const Sample& sample, Random& random) {
  std::string request = fmt::format("{} HTTP/1.{}\r\nHost: h\r\n{}", sample.start,
                                    random.chance(0.1) ? 0 : 1, sample.headers);
  if (random.chance(0.1)) {
    request += "Connection: close\r\n";
  }
  if (sample.body.empty()) {
    return request + "\r\n";
  }
  if (random.chance(0.6)) {
    return request + fmt::format("Content-Length: {}\r\n\r\n{}", sample.body.size(), sample.body);
  }
  request += "Transfer-Encoding: chunked\r\n\r\n";
  for (std::string_view rest = sample.body; !rest.empty();) {
    const std::string_view piece = rest.substr(0, 1 + random.below(60));
    request +=
        fmt::format("{:x}{}\r\n{}\r\n", piece.size(), random.chance(0.2) ? ";a=b" : "", piece);
    rest.remove_prefix(piece.size());
  }
  return request + "0\r\n\r\n";
}

// A line, or another short piece, many times: floods of headers, of chunks, of parameters.
std::string flooded(std::string_view input, Random& random) {
  const std::size_t at = 1 + random.below(input.size());
  std::string_view piece = input.substr(at, 1 + random.below(40));
  if (const auto line = input.find("\r\n", at);
      random.chance(0.5) && line != std::string_view::npos) {
    piece = input.substr(at, line + 2 - at);
  }
  std::string changed(input.substr(0, at));
  for (std::uint64_t times = random.below(2000); times > 0; --times) {
    changed += piece;
  }
  return changed.append(input.substr(at));
}

}  // namespace

std::optional<std::string> mutate(std::string_view input, Random& random) {
  const Sample& sample = kSamples[random.below(std::size(kSamples))];
  if (input.size() < 2 || random.chance(0.05)) {
    return std::string(1, '\0') + request_of(sample, random);
  }
  if (random.chance(0.3)) {
    return std::string(input) + request_of(sample, random);
  }
  if (random.chance(0.1)) {
    return flooded(input, random);
  }
  return std::nullopt;
}

}  // namespace skerry::fuzz
