#include "cli/audit_chain.h"

#include <fmt/format.h>

#include <boost/json/parse.hpp>
#include <boost/system/error_code.hpp>

#include "cli/json_read.h"
#include "common/digest.h"

namespace skerry::cli {

namespace {

auto broken(std::uint64_t line, std::string_view why) {
  return fail(ErrorCode::kCorrupt, fmt::format("line {}: {}", line, why));
}

Result<boost::json::value> parse(std::string_view text) {
  boost::system::error_code error;
  auto json = boost::json::parse(text, error);
  if (error || !json.is_object()) {
    return fail(ErrorCode::kCorrupt, "is no JSON object");
  }
  return json;
}

}  // namespace

Status AuditChain::add_entry(std::string_view text, std::string_view hash) {
  if (to_hex(sha256(text)) != hash) {
    return broken(read_, "does not have the hash that stands beside it: it was edited");
  }
  const auto entry = parse(text);
  if (!entry) {
    return broken(read_, entry.error().message);
  }
  const auto seq = number_at(*entry, "seq");
  const std::string previous = text_at(*entry, "prev");
  if (!seq) {
    return broken(read_, "has no number");
  }
  const auto number = static_cast<std::uint64_t>(*seq);
  if (so_far_.count > 0 && (number != so_far_.last + 1 || previous != so_far_.hash)) {
    return broken(read_, fmt::format("entry {} does not follow entry {}: something between was "
                                     "removed, added or moved",
                                     number, so_far_.last));
  }
  if (so_far_.count == 0) {
    so_far_.first = number;
    so_far_.previous = previous;
  }
  so_far_.last = number;
  so_far_.hash = hash;
  ++so_far_.count;
  return {};
}

Status AuditChain::add(std::string_view line) {
  ++read_;
  if (ended_) {
    return broken(read_, "stands behind the end");
  }
  const auto json = parse(line);
  if (!json) {
    return broken(read_, json.error().message);
  }
  if (find(*json, "line") != nullptr) {
    return add_entry(text_at(*json, "line"), text_at(*json, "hash"));
  }
  ended_ = true;
  if (text_at(*json, "seals") != "intact") {
    return broken(read_, fmt::format("the controller says that entry {} was changed in its store",
                                     text_at(*json, "broken")));
  }
  if (number_at(*json, "count") != static_cast<double>(so_far_.count) ||
      (so_far_.count > 0 && (text_at(*json, "hash") != so_far_.hash ||
                             number_at(*json, "last") != static_cast<double>(so_far_.last)))) {
    return broken(read_, fmt::format("ends with {} entries, but {} are here",
                                     text_at(*json, "count"), so_far_.count));
  }
  return {};
}

Result<AuditSummary> AuditChain::finish() const {
  if (!ended_) {
    return fail(ErrorCode::kCorrupt, "the end is missing: the file was cut");
  }
  return so_far_;
}

}  // namespace skerry::cli
