// audit.cc: the audit trail as a download: JSON lines, each with the hash of the line that it wraps.
//
//   {"line": "{\"seq\":1,...}", "hash": "<hex>"}
//   ...
//   {"count": 2, "last": 2, "hash": "<hex of the last line>", "seals": "intact"}
//
// The last line says how many there were, so that one that was cut off is seen. The seals are checked
// here, where the key is; a broken one ends the download with the number of its line.

#include <fmt/format.h>

#include "common/digest.h"
#include "controller/api/handler_parts.h"
#include "controller/api/handlers.h"
#include "controller/api/problem.h"

namespace skerry::api {

namespace {

constexpr std::size_t kPage = 256;

struct Page {
  std::string lines;
  std::uint64_t last = 0;
  std::string hash;
  std::size_t count = 0;
  std::optional<std::uint64_t> broken;  // the first line whose seal is
};

Result<Page> read_page(const JobArchive& archive, std::uint64_t after, const std::string& key) {
  const auto records = archive.audit_after(after, kPage);
  if (!records) {
    return fail(records.error());
  }
  Page page{.last = after};
  for (const core::AuditRecord& record : *records) {
    if (record.hash != sha256(record.line) ||
        !same_secret(record.seal, hmac_sha256(key, record.hash))) {
      page.broken = record.seq;
      return page;
    }
    JsonWriter json;
    json.object().member("line", record.line).member("hash", to_hex(record.hash)).end();
    page.lines += json.take() + "\n";
    page.last = record.seq;
    page.hash = record.hash;
    ++page.count;
  }
  return page;
}

std::string end_of(const Page& page, std::uint64_t count, const std::string& hash) {
  JsonWriter json;
  json.object().member("count", count).member("last", page.last).member("hash", to_hex(hash));
  if (page.broken) {
    json.member("seals", "broken").member("broken", *page.broken);
  } else {
    json.member("seals", "intact");
  }
  json.end();
  return json.take() + "\n";
}

}  // namespace

Task<Response> export_audit(Call call) {
  const auto after =
      query_integer(call.request(), "after", 0, 0, std::numeric_limits<std::int64_t>::max());
  if (!after) {
    co_return problem(after.error());
  }
  const auto key = co_await inspect(
      call, [](const core::Core& core, Instant) { return core.settings().audit_key; });
  if (!key) {
    co_return problem(key.error());
  }
  Response head{.status = 200, .content_type = "application/x-ndjson", .streamed = true};
  head.headers.emplace_back("Content-Disposition", "attachment; filename=\"audit.jsonl\"");
  bool connected = co_await call.exchange->begin(head, std::nullopt);
  std::uint64_t count = 0;
  std::string hash;
  Page page{.last = static_cast<std::uint64_t>(*after)};
  while (connected && call.request().verb != Verb::head && !call.exchange->stopping()) {
    auto next = co_await off_strand(
        call, [call, last = page.last, &key] { return read_page(call->archive, last, *key); });
    if (!next) {
      call->log.error("the audit trail broke off while it was sent: {}", next.error().message);
      head.close = true;  // the client must see it
      break;
    }
    page = *std::move(next);
    count += page.count;
    hash = page.hash.empty() ? hash : page.hash;
    const bool over = page.broken || page.count < kPage;
    connected = co_await call.exchange->write(page.lines + (over ? end_of(page, count, hash) : ""));
    if (over) {
      break;
    }
  }
  co_return head;
}

}  // namespace skerry::api
