// decisions.cc: recorded decisions as a download: JSON lines, each with all that scoring it again
// takes, and what came of it.

#include <fmt/format.h>

#include "controller/api/decision_json.h"
#include "controller/api/handler_parts.h"
#include "controller/api/handlers.h"
#include "controller/api/problem.h"

namespace skerry::api {

namespace {

constexpr std::size_t kPage = 64;
constexpr std::int64_t kMostDecisions = 10'000'000;

struct Page {
  std::string lines;
  std::optional<DecisionPlace> last;
  std::size_t count = 0;
};

Result<Page> read_page(const JobArchive& archive, std::optional<DecisionPlace> place,
                       std::size_t limit) {
  const auto decisions = archive.decisions_after(place, limit);
  if (!decisions) {
    return fail(decisions.error());
  }
  Page page{.lines = {}, .last = {}, .count = decisions->size()};
  for (const core::DecisionRecord& decision : *decisions) {
    const auto result = archive.result(decision.job);
    if (!result && result.error().code != ErrorCode::kNotFound) {
      return fail(result.error());
    }
    JsonWriter json;
    write_decision(json, decision, result ? &result->result : nullptr);
    page.lines += json.take() + "\n";
    page.last = DecisionPlace{decision.job, decision.attempt};
  }
  return page;
}

}  // namespace

Task<Response> export_decisions(Call call) {
  if (!may(call, auth::Permission::kReadJobs, {})) {
    co_return deny(
        call, "decisions.export", {}, {},
        fmt::format("{} may not read the decisions of all namespaces", call.request().caller.id));
  }
  const auto limit = query_integer(call.request(), "limit", kMostDecisions, 1, kMostDecisions);
  if (!limit) {
    co_return problem(limit.error());
  }
  auto left = static_cast<std::size_t>(*limit);
  auto page = co_await off_strand(
      call, [call, left] { return read_page(call->archive, {}, std::min(left, kPage)); });
  if (!page) {
    co_return problem(page.error());
  }
  Response head{.status = 200, .content_type = "application/x-ndjson", .streamed = true};
  head.headers.emplace_back("Content-Disposition", "attachment; filename=\"decisions.jsonl\"");
  bool connected = co_await call.exchange->begin(head, std::nullopt);
  while (connected && page->count > 0 && call.request().verb != Verb::head) {
    left -= page->count;
    const auto last = page->last;
    connected = co_await call.exchange->write(std::move(page->lines));
    if (!connected || left == 0 || page->count < kPage || call.exchange->stopping()) {
      break;
    }
    page = co_await off_strand(
        call, [call, last, left] { return read_page(call->archive, last, std::min(left, kPage)); });
    if (!page) {
      call->log.error("the decisions broke off while they were sent: {}", page.error().message);
      head.close = true;  // the client must see it
      break;
    }
  }
  co_return head;
}

}  // namespace skerry::api
