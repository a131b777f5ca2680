// events.cc: GET /events: server-sent events with resume.
//
// A watcher reads the ring at its own pace; the socket's write deadline cuts one that does not read
// at all. Comments keep an idle stream alive through proxies.

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/steady_timer.hpp>
#include <memory>

#include "controller/api/event_json.h"
#include "controller/api/event_ring.h"
#include "controller/api/handler_parts.h"
#include "controller/api/handlers.h"
#include "controller/api/problem.h"

namespace skerry::api {

namespace {

constexpr std::size_t kEventsPerWrite = 64;
constexpr std::size_t kMostWatchers = 256;

using Timer = asio::basic_waitable_timer<std::chrono::steady_clock,
                                         asio::wait_traits<std::chrono::steady_clock>, Executor>;

struct Filter {
  std::vector<std::string> types;  // empty: all
  std::optional<JobId> job;
  core::Within within;  // of jobs

  bool wants(const core::Happening& what) const {
    return (types.empty() || std::ranges::find(types, event_type(what)) != types.end()) &&
           (!job || event_job(what) == job) && may_see(what);
  }
  bool may_see(const core::Happening& what) const {
    const auto* changed = std::get_if<core::JobChanged>(&what);
    return changed == nullptr || within.holds(changed->ns);
  }
};

Result<Filter> filter_of(const Request& request) {
  Filter filter;
  std::string_view types = request.query_value("types").value_or("");
  while (!types.empty()) {
    const auto comma = types.find(',');
    filter.types.emplace_back(types.substr(0, comma));
    types.remove_prefix(comma == types.npos ? types.size() : comma + 1);
    const std::string& type = filter.types.back();
    if (type != "job" && type != "node" && type != "model" && type != "policy") {
      return fail(
          ErrorCode::kInvalidArgument,
          fmt::format("types: '{}' must be one of job, node, model, policy", type.substr(0, 40)));
    }
  }
  if (const auto text = request.query_value("job")) {
    const auto job = parse_job_id(*text);
    if (!job) {
      return fail(job.error());
    }
    filter.job = *job;
  }
  return filter;
}

// Suspends a watcher until something is worth looking at. All of it is on the connection's strand.
struct Bell {
  explicit Bell(Executor executor) : timer(std::move(executor)) {}
  void ring() {
    rung = true;
    timer.cancel();
  }

  Timer timer;
  bool rung = false;
  bool over = false;  // the client is gone, or the server stops
};

// True: rung; false: the heartbeat is due.
Task<bool> wait_for(Call call, std::shared_ptr<Bell> bell, std::uint64_t cursor) {
  EventRing* const events = &call->events;
  const Executor executor = call.exchange->executor();
  const std::uint64_t waiter =
      events->wait(cursor, [bell, executor] { asio::post(executor, [bell] { bell->ring(); }); });
  if (!bell->rung) {
    bell->timer.expires_after(call->event_heartbeat);
    co_await bell->timer.async_wait(kAwaitTuple);
  }
  events->cancel_wait(waiter);
  co_return std::exchange(bell->rung, false);
}

std::string gap(std::string_view missed) {
  return fmt::format("event: gap\ndata: {{\"missed\":{}}}\n\n", missed);
}

std::string text_of(const EventRing& events, const EventRing::Batch& batch, const Filter& filter) {
  std::string text = batch.missed > 0 ? gap(fmt::to_string(batch.missed)) : std::string();
  for (const EventRing::Event& event : batch.events) {
    if (filter.wants(event.what)) {
      fmt::format_to(std::back_inserter(text), "id: {}\nevent: {}\ndata: {}\n\n",
                     events.id_of(event.number), event_type(event.what), event_json(event));
    }
  }
  return text;
}

Task<void> stream(Call call, Filter filter, std::shared_ptr<Bell> bell) {
  EventRing& events = call->events;
  std::string text = "retry: 1000\n\n";
  std::uint64_t cursor = events.newest();
  if (const std::string_view last = call.request().header("Last-Event-ID"); !last.empty()) {
    const auto resumed = events.resume(last);
    cursor = resumed.value_or(events.oldest());
    text += resumed ? "" : gap("null");
  }
  while (co_await call.exchange->write(std::exchange(text, {})) && !bell->over) {
    const EventRing::Batch batch = events.read(cursor, kEventsPerWrite);
    text = text_of(events, batch, filter);
    if (batch.events.empty() && !co_await wait_for(call, bell, cursor)) {
      text = ": still here\n\n";
    }
  }
}

}  // namespace

Task<Response> watch_events(Call call) {
  auto filter = filter_of(call.request());
  if (!filter) {
    co_return problem(filter.error());
  }
  filter->within = within(call, auth::Permission::kReadJobs);
  Response head{.status = 200, .content_type = "text/event-stream", .streamed = true};
  head.headers.emplace_back("Cache-Control", "no-cache");
  head.headers.emplace_back("X-Accel-Buffering", "no");  // nginx passes events on at once
  if (call.request().verb == Verb::head) {
    head.streamed = false;
    co_return head;
  }
  const EventRing::Seat seat(call->events);
  if (call->events.watchers() > kMostWatchers) {
    co_return problem(Error{ErrorCode::kOverloaded,
                            fmt::format("{} clients watch events already", kMostWatchers)});
  }
  if (co_await call.exchange->begin(head, std::nullopt)) {
    const auto bell = std::make_shared<Bell>(call.exchange->executor());
    const auto leave = [bell] {
      bell->over = true;
      bell->ring();
    };
    call.exchange->watch(leave);
    call.exchange->on_stop(leave);
    if (call.exchange->stopping()) {
      leave();
    }
    co_await stream(call, std::move(*filter), bell);
    co_await call.exchange->unwatch();
  }
  co_return head;
}

}  // namespace skerry::api
