#include "controller/api/json_writer.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "common/check.h"
#include "common/utf8.h"

namespace skerry::api {

namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

bool is_plain(char c) {
  return static_cast<unsigned char>(c) >= 0x20 && static_cast<unsigned char>(c) < 0x80 &&
         c != '"' && c != '\\';
}

void append_escaped(std::string& out, char c) {
  switch (c) {
    case '"':
      out += "\\\"";
      break;
    case '\\':
      out += "\\\\";
      break;
    case '\n':
      out += "\\n";
      break;
    case '\r':
      out += "\\r";
      break;
    case '\t':
      out += "\\t";
      break;
    default:
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned>(c));
  }
}

}  // namespace

void JsonWriter::separate() {
  if (!first_) {
    out_.push_back(',');
  }
  first_ = false;
}

JsonWriter& JsonWriter::open(char bracket) {
  separate();
  out_.push_back(bracket);
  closers_.push_back(bracket == '{' ? '}' : ']');
  first_ = true;
  return *this;
}

JsonWriter& JsonWriter::end() {
  check(!closers_.empty(), "as many ends as objects and arrays");
  out_.push_back(closers_.back());
  closers_.pop_back();
  first_ = false;
  return *this;
}

JsonWriter& JsonWriter::key(std::string_view name) {
  value(name);
  out_.push_back(':');
  first_ = true;
  return *this;
}

JsonWriter& JsonWriter::raw(std::string_view json) {
  separate();
  out_ += json;
  return *this;
}

JsonWriter& JsonWriter::value(std::string_view text) {
  separate();
  out_.push_back('"');
  while (!text.empty()) {
    std::size_t plain = 0;
    while (plain < text.size() && is_plain(text[plain])) {
      ++plain;
    }
    out_ += text.substr(0, plain);
    text.remove_prefix(plain);
    if (text.empty()) {
      break;
    }
    std::size_t used = 1;
    if (static_cast<unsigned char>(text[0]) < 0x80) {
      append_escaped(out_, text[0]);
    } else if (const std::size_t length = utf8_length(text); length > 0) {
      out_ += text.substr(0, length);
      used = length;
    } else {
      out_ += kReplacement;
    }
    text.remove_prefix(used);
  }
  out_.push_back('"');
  return *this;
}

JsonWriter& JsonWriter::value(Instant time) { return value(std::string_view(rfc3339(time))); }

JsonWriter& JsonWriter::value(const std::map<std::string, std::string>& texts) {
  object();
  for (const auto& [name, text] : texts) {
    member(name, text);
  }
  return end();
}

}  // namespace skerry::api
