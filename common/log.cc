#include "common/log.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <spdlog/formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <unistd.h>

#include <chrono>

namespace skerry {
namespace {

// Fields ride behind the message, each opened by a character that no log line holds otherwise.
constexpr char kFieldMark = '\x1f';
constexpr char kValueMark = '\x1e';

void append(spdlog::memory_buf_t& out, std::string_view text) {
  out.append(text.data(), text.data() + text.size());
}

void append_json_text(spdlog::memory_buf_t& out, std::string_view text) {
  out.push_back('"');
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else if (static_cast<unsigned char>(c) < 0x20) {
      append(out, fmt::format("\\u{:04x}", static_cast<int>(c)));
    } else {
      out.push_back(c);
    }
  }
  out.push_back('"');
}

std::string time_text(spdlog::log_clock::time_point time) {
  const auto since = time.time_since_epoch();
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(since).count() % 1000;
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(spdlog::log_clock::to_time_t(time)),
                     ms);
}

std::string_view view(spdlog::string_view_t text) { return {text.data(), text.size()}; }

template <typename Visit>
void each_field(std::string_view marked, Visit visit) {
  while (!marked.empty()) {
    marked.remove_prefix(1);
    const std::size_t end = std::min(marked.find(kFieldMark), marked.size());
    const std::string_view member = marked.substr(0, end);
    const std::size_t split = std::min(member.find(kValueMark), member.size());
    visit(member.substr(0, split), member.substr(std::min(split + 1, member.size())));
    marked.remove_prefix(end);
  }
}

class LineFormatter final : public spdlog::formatter {
 public:
  explicit LineFormatter(bool json) : json_(json) {}

  void format(const spdlog::details::log_msg& line, spdlog::memory_buf_t& out) override {
    const std::string_view payload = view(line.payload);
    const std::size_t split = std::min(payload.find(kFieldMark), payload.size());
    const std::string_view level = view(spdlog::level::to_string_view(line.level));
    if (json_) {
      json(line, level, payload.substr(0, split), payload.substr(split), out);
    } else {
      text(line, level, payload.substr(0, split), payload.substr(split), out);
    }
    out.push_back('\n');
  }
  std::unique_ptr<spdlog::formatter> clone() const override {
    return std::make_unique<LineFormatter>(json_);
  }

 private:
  static void json(const spdlog::details::log_msg& line, std::string_view level,
                   std::string_view message, std::string_view marked, spdlog::memory_buf_t& out) {
    append(out, fmt::format(R"({{"time":"{}","level":"{}","part":)", time_text(line.time), level));
    append_json_text(out, view(line.logger_name));
    append(out, R"(,"message":)");
    append_json_text(out, message);
    each_field(marked, [&](std::string_view key, std::string_view value) {
      out.push_back(',');
      append_json_text(out, key);
      out.push_back(':');
      append_json_text(out, value);
    });
    out.push_back('}');
  }

  // Control characters of the message (a model's error may hold any) must not reach a terminal.
  static void text(const spdlog::details::log_msg& line, std::string_view level,
                   std::string_view message, std::string_view marked, spdlog::memory_buf_t& out) {
    append(out, fmt::format("{} {:<7} {}  ", time_text(line.time), level, view(line.logger_name)));
    append_printable(out, message);
    each_field(marked, [&](std::string_view key, std::string_view value) {
      append(out, fmt::format(" {}=", key));
      append_printable(out, value);
    });
  }
  static void append_printable(spdlog::memory_buf_t& out, std::string_view text) {
    for (const char c : text) {
      out.push_back(static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c);
    }
  }

  bool json_;
};

}  // namespace

std::shared_ptr<Log> make_log(const LogOptions& options, spdlog::sink_ptr sink, bool json) {
  auto log = std::make_shared<Log>(options.part, std::move(sink));
  log->set_formatter(std::make_unique<LineFormatter>(json));
  log->set_level(spdlog::level::from_str(options.level));
  log->flush_on(spdlog::level::trace);
  return log;
}

Result<std::shared_ptr<Log>> make_log(const LogOptions& options) {
  const bool known =
      options.level == "off" || spdlog::level::from_str(options.level) != spdlog::level::off;
  if (!known) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("log level '{}' is not one of trace, debug, info, warn, error, off",
                            options.level));
  }
  if (options.format != "auto" && options.format != "text" && options.format != "json") {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("log format '{}' is not one of auto, text, json", options.format));
  }
  const bool json =
      options.format == "json" || (options.format == "auto" && isatty(STDERR_FILENO) == 0);
  return make_log(options, std::make_shared<spdlog::sinks::stderr_sink_mt>(), json);
}

std::string fields(std::initializer_list<std::pair<std::string_view, std::string_view>> members) {
  std::string marked;
  for (const auto& [key, value] : members) {
    marked += kFieldMark;
    marked += key;
    marked += kValueMark;
    for (const char c : value) {
      marked += c == kFieldMark || c == kValueMark ? ' ' : c;
    }
  }
  return marked;
}

}  // namespace skerry
