// events [-w]: what happens in the cluster, as it happens.
#include <fmt/format.h>

#include <algorithm>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <chrono>
#include <thread>

#include "cli/commands.h"
#include "cli/json_read.h"
#include "cli/json_text.h"
#include "cli/listings.h"
#include "cli/units.h"
#include "cli/url.h"

namespace skerry::cli {

namespace {

namespace json = boost::json;

struct EventFlags {
  bool watch = false;
  std::vector<std::string> types;
  std::string job;
  std::string after;
  std::int64_t count = 0;
};

// The members that say what happened, beside those that a line shows anyway.
std::string details(const json::value& data, const std::string& type) {
  std::string text;
  for (const auto& member : members_at(data, "")) {
    const std::string_view key = member.key();
    if (key == "at" || key == "type" || key == type || member.value().is_structured()) {
      continue;
    }
    const std::string value = text_at(member.value(), "");
    if (!value.empty()) {
      text += fmt::format("{}{}={}", text.empty() ? "" : " ", key, value);
    }
  }
  return text;
}

std::string line_of(const ServerEvent& event, const json::value& data) {
  std::string line = fmt::format("{:<27}  {:<6}  {:<14}  {}", text_at(data, "at"), event.type,
                                 text_at(data, event.type), details(data, event.type));
  line.erase(line.find_last_not_of(' ') + 1);
  return line + '\n';
}

json::value data_of(const ServerEvent& event) {
  json::error_code wrong;
  json::value data = json::parse(event.data, wrong);
  return wrong ? json::value(event.data) : data;
}

void show_event(const Settings& settings, const ServerEvent& event, const json::value& data) {
  if (settings.format == Format::kName) {
    print(fmt::format("{}/{}\n", event.type, text_at(data, event.type)));
  } else if (settings.for_people()) {
    print(line_of(event, data));
  } else {
    // One object a line, so that a pipe can take them one by one; YAML would have to be cut into
    // documents.
    print(compact_json(json::object{{"id", event.id}, {"event", event.type}, {"data", data}}) +
          "\n");
  }
  std::fflush(stdout);
}

class Watcher {
 public:
  Watcher(Context& context, const EventFlags& flags)
      : context_(context),
        flags_(flags),
        started_(context.clock.now()),
        parser_([this](const ServerEvent& event) { on_event(event); }) {}

  // Until enough was seen, the stream fell silent (without --watch), or the controller refuses.
  Result<ExitCode> run() {
    constexpr Duration kSilence = minutes(1);
    constexpr Duration kShortSilence = milliseconds(500);
    if (!flags_.after.empty() || !flags_.watch) {
      parser_.resume_after(flags_.after.empty() ? "0" : flags_.after);
    }
    while (true) {
      const Status watched =
          context_.api.watch(path(), parser_, flags_.watch ? kSilence : kShortSilence, [this] {
            connected_ = true;
            return wants_more();
          });
      if (watched) {
        return ExitCode::kOk;
      }
      const ErrorCode code = watched.error().code;
      if (code == ErrorCode::kDeadlineExceeded && !flags_.watch && connected_) {
        return ExitCode::kOk;
      }
      const bool lost = code == ErrorCode::kUnavailable || code == ErrorCode::kDeadlineExceeded;
      if (!lost || !flags_.watch || !connected_) {
        return fail(watched.error());
      }
      pause(watched.error());
    }
  }

 private:
  std::string path() const {
    std::string types;
    for (const std::string& type : flags_.types) {
      types += (types.empty() ? "" : ",") + type;
    }
    return "/events" + query({{"types", types}, {"job", bare_name(flags_.job)}});
  }

  bool wants_more() const { return !caught_up_ && (flags_.count == 0 || seen_ < flags_.count); }

  void on_event(const ServerEvent& event) {
    failures_ = 0;
    if (event.type == "gap") {
      // Asking for all that is remembered always begins with one.
      if (flags_.watch || !flags_.after.empty()) {
        note("some events were missed here");
      }
      return;
    }
    const json::value data = data_of(event);
    const auto at = parse_time(text_at(data, "at"));
    caught_up_ = !flags_.watch && at && *at > started_;
    if (wants_more()) {
      ++seen_;
      show_event(context_.settings, event, data);
    }
  }

  // As long as the controller asked for, else longer with each try.
  void pause(const Error& error) {
    constexpr Duration kFirst = milliseconds(200);
    constexpr Duration kLongest = seconds(5);
    if (failures_ == 0 && error.code == ErrorCode::kUnavailable) {
      note("the connection is gone; trying again, and going on where it broke");
    }
    const Duration grown = kFirst * (1LL << std::min(failures_, 5));
    std::this_thread::sleep_for(parser_.retry().value_or(std::min(grown, kLongest)));
    ++failures_;
  }

  Context& context_;
  const EventFlags& flags_;
  Instant started_;
  SseParser parser_;
  bool connected_ = false;  // once; before that a controller out of reach is an error
  bool caught_up_ = false;  // without --watch: what follows happened after the command began
  std::int64_t seen_ = 0;
  int failures_ = 0;
};

}  // namespace

void add_events(Command root) {
  auto flags = std::make_shared<EventFlags>();
  Command command = root.sub("events", "What happened lately; with -w, what happens from now on");
  command.example(
      "  skerryctl events -w --types job,node\n"
      "  skerryctl events -w --types job -o json | jq .data.state\n");
  command.add({.names = "-w,--watch", .help = "go on until Ctrl-C, over lost connections"},
              flags->watch);
  command.add(
      {.names = "--types", .help = "only these: job, node, model, policy", .value = "TYPE,..."},
      flags->types);
  command.add(
      {.names = "--job", .help = "only about this job", .value = "ID", .values = Values::kJobs},
      flags->job);
  command.add(
      {.names = "--after", .help = "only what came after the event with this id", .value = "ID"},
      flags->after);
  command.add({.names = "--count", .help = "stop after so many", .value = "N"}, flags->count);
  command.on_run([flags](Context& context) { return Watcher(context, *flags).run(); });
}

}  // namespace skerry::cli
