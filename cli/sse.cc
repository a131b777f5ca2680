#include "cli/sse.h"

#include <charconv>

namespace skerry::cli {

namespace {

constexpr std::size_t kMaxEventBytes = 1 << 20;

}  // namespace

void SseParser::reset() {
  id_ = last_id_;
  line_.clear();
  after_cr_ = false;
  type_.clear();
  data_.clear();
  has_data_ = false;
}

Status SseParser::feed(std::string_view bytes) {
  for (const char c : bytes) {
    const bool second_of_crlf = c == '\n' && after_cr_;
    after_cr_ = c == '\r';
    if (second_of_crlf) {
      continue;
    }
    if (c == '\n' || c == '\r') {
      take_line(line_);
      line_.clear();
    } else {
      line_.push_back(c);
    }
    if (line_.size() + data_.size() > kMaxEventBytes) {
      return fail(ErrorCode::kTooLarge, "the controller sent an event of more than 1 MiB");
    }
  }
  return {};
}

void SseParser::take_line(std::string_view line) {
  if (!line.empty()) {
    const std::size_t colon = line.find(':');
    std::string_view value =
        colon == std::string_view::npos ? std::string_view() : line.substr(colon + 1);
    if (value.starts_with(' ')) {
      value.remove_prefix(1);
    }
    take_field(line.substr(0, colon), value);
    return;
  }
  last_id_ = id_;
  if (has_data_) {
    on_event_({.id = last_id_, .type = type_.empty() ? "message" : type_, .data = data_});
  }
  type_.clear();
  data_.clear();
  has_data_ = false;
}

void SseParser::take_field(std::string_view name, std::string_view value) {
  if (name == "event") {
    type_ = value;
  } else if (name == "data") {
    data_ += has_data_ ? "\n" : "";
    data_ += value;
    has_data_ = true;
  } else if (name == "id") {
    id_ = value;
  } else if (name == "retry") {
    std::int64_t ms = 0;
    const auto [end, wrong] = std::from_chars(value.data(), value.data() + value.size(), ms);
    if (wrong == std::errc() && end == value.data() + value.size() && ms >= 0) {
      retry_ = milliseconds(ms);
    }
  }
}

}  // namespace skerry::cli
