// sse.h: takes a stream of server-sent events apart
// (https://html.spec.whatwg.org/multipage/server-sent-events.html).
//
// Feed it bytes as they arrive, cut anywhere; it calls back for each whole event. The last event's
// id outlives the connection: a client that reconnects sends it as Last-Event-ID, and calls reset()
// so that half an event of the old connection is forgotten.

#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "common/error.h"
#include "common/time.h"

namespace skerry::cli {

struct ServerEvent {
  std::string id;
  std::string type = "message";
  std::string data;
};

class SseParser {
 public:
  using OnEvent = std::function<void(const ServerEvent&)>;
  explicit SseParser(OnEvent on_event) : on_event_(std::move(on_event)) {}

  // kTooLarge for a line or event over 1 MiB; then no more may be fed before reset().
  Status feed(std::string_view bytes);
  void reset();

  // To be sent as Last-Event-ID before anything was heard.
  void resume_after(const std::string& id) { last_id_ = id_ = id; }
  const std::string& last_id() const { return last_id_; }
  std::optional<Duration> retry() const { return retry_; }  // as the server last asked for

 private:
  void take_line(std::string_view line);
  void take_field(std::string_view name, std::string_view value);

  OnEvent on_event_;
  std::string line_;
  bool after_cr_ = false;
  std::string type_;
  std::string data_;
  bool has_data_ = false;
  std::string id_;       // of the event that is arriving
  std::string last_id_;  // of the last one that arrived whole
  std::optional<Duration> retry_;
};

}  // namespace skerry::cli
