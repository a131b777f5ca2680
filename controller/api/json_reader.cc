#include "controller/api/json_reader.h"

#include <algorithm>
#include <boost/json/stream_parser.hpp>
#include <new>

namespace skerry::api {

namespace json = boost::json;

namespace {

constexpr std::size_t kLabelNameBytes = 63;
constexpr std::size_t kLabelTextBytes = 253;
constexpr std::size_t kToldIssues = 20;  // more of the same would not help

std::string position(std::string_view text, std::size_t offset) {
  const std::string_view before = text.substr(0, offset);
  const auto line_start = before.rfind('\n');
  const std::size_t column = before.size() - (line_start == before.npos ? 0 : line_start + 1) + 1;
  return fmt::format("line {}, column {}", std::ranges::count(before, '\n') + 1, column);
}

}  // namespace

void* LimitedMemory::do_allocate(std::size_t bytes, std::size_t alignment) {
  if (bytes > left_bytes_) {
    throw std::bad_alloc();
  }
  if (!share_.grow(bytes)) {
    others_have_it_ = true;
    throw std::bad_alloc();
  }
  left_bytes_ -= bytes;
  return ::operator new(bytes, std::align_val_t(alignment));
}

void LimitedMemory::do_deallocate(void* memory, std::size_t bytes, std::size_t alignment) {
  left_bytes_ += bytes;
  share_.shrink(bytes);
  ::operator delete(memory, std::align_val_t(alignment));
}

Result<JsonDocument> JsonDocument::parse(std::string_view text, BodyBudget& all,
                                         std::size_t memory_bytes) {
  JsonDocument document(memory_bytes, all);
  std::array<unsigned char, 4096> first;
  json::parse_options options;
  options.max_depth = kJsonDepth;
  try {
    json::stream_parser parser(&document.memory_->limited, options, first.data(), first.size());
    parser.reset(&document.memory_->pool);
    boost::system::error_code error;
    std::size_t used = parser.write_some(text.data(), text.size(), error);
    if (!error && used < text.size()) {
      error = json::make_error_code(json::error::extra_data);
    }
    if (!error) {
      parser.finish(error);
    }
    if (error) {
      return fail(ErrorCode::kInvalidArgument,
                  text.empty() ? "the body is empty; a JSON object is expected"
                               : fmt::format("the body is not valid JSON at {}: {}",
                                             position(text, used), error.message()));
    }
    document.root_.emplace(parser.release());
  } catch (const std::bad_alloc&) {
    if (document.memory_->limited.others_have_it()) {
      return fail(ErrorCode::kOverloaded,
                  "the documents of other requests use up the memory for "
                  "them; try again, and send long tensors as b64");
    }
    return fail(ErrorCode::kTooLarge,
                fmt::format("the body needs more than {} MiB when parsed; send long tensors as b64",
                            memory_bytes / 1024 / 1024));
  }
  return document;
}

std::vector<std::string> read_texts(JsonFields& fields, std::string_view key, std::size_t most,
                                    std::size_t longest, std::vector<FieldIssue>& issues) {
  std::vector<std::string> texts;
  for (const json::value* element : fields.elements(key, most)) {
    const auto* text = element->if_string();
    if (text == nullptr || text->empty() || text->size() > longest) {
      issues.push_back({.field = fmt::format("{}/{}", fields.pointer_to(key), texts.size()),
                        .message = fmt::format("must be a text of 1 to {} bytes", longest)});
    }
    texts.emplace_back(text == nullptr ? std::string_view() : std::string_view(*text));
  }
  return texts;
}

std::map<std::string, std::string> read_text_map(JsonFields& fields, std::string_view key,
                                                 std::size_t most) {
  std::map<std::string, std::string> texts;
  const json::value* value = fields.member(key);
  if (value == nullptr) {
    return texts;
  }
  const auto* object = value->if_object();
  if (object == nullptr || object->size() > most) {
    fields.issue(key, fmt::format("must be an object of at most {} texts", most));
    return texts;
  }
  for (const auto& [name, text] : *object) {
    const auto* string = text.if_string();
    if (string == nullptr || string->size() > kLabelTextBytes || name.empty() ||
        name.size() > kLabelNameBytes) {
      fields.issue(key, fmt::format("'{}': names have 1 to {} bytes, and texts at most {}",
                                    std::string_view(name).substr(0, kLabelNameBytes),
                                    kLabelNameBytes, kLabelTextBytes));
      continue;
    }
    texts.emplace(std::string_view(name), std::string_view(*string));
  }
  return texts;
}

std::optional<double> read_optional_number(JsonFields& fields, std::string_view key, double lowest,
                                           double highest) {
  if (!fields.has(key)) {
    fields.member(key);
    return std::nullopt;
  }
  return fields.number(key, lowest, lowest, highest);
}

Status to_status(std::vector<FieldIssue> issues) {
  if (issues.empty()) {
    return {};
  }
  const std::size_t count = issues.size();
  issues.resize(std::min(count, kToldIssues));
  std::string message =
      count == 1 ? "a field is wrong: " : fmt::format("{} fields are wrong: ", count);
  for (std::size_t i = 0; i < std::min<std::size_t>(issues.size(), 3); ++i) {
    message +=
        fmt::format("{}{} {}", i == 0 ? "" : "; ",
                    issues[i].field.empty() ? "the body" : issues[i].field, issues[i].message);
  }
  return fail(ErrorCode::kInvalidArgument, std::move(message), std::move(issues));
}

}  // namespace skerry::api
