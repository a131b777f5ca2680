#include "agent/runner/inspect/operators.h"

#include <fmt/format.h>

#include <sstream>

#include "agent/runner/inspect/zip.h"

namespace skerry::inspect {

namespace {

// The name itself, or all of its namespace.
bool names(const std::unordered_set<std::string>& set, std::string_view name) {
  if (set.contains(std::string(name))) {
    return true;
  }
  const std::size_t colons = name.find("::");
  return colons != std::string_view::npos &&
         set.contains(std::string(name.substr(0, colons)) + "::*");
}

}  // namespace

OperatorList::OperatorList(const Policy& policy)
    : allowed_(policy.allow.begin(), policy.allow.end()),
      denied_(policy.deny.begin(), policy.deny.end()) {
  std::istringstream text(kShippedOperators);
  std::string front;
  for (std::string line; std::getline(text, line);) {
    if (line.empty() || line.front() == '#') {
      continue;
    }
    if (line.front() != ' ') {
      front = line;
      continue;
    }
    std::istringstream words(line);
    for (std::string name; words >> name;) {
      allowed_.insert(front + name);
    }
  }
}

bool OperatorList::allows(std::string_view name) const {
  return names(allowed_, name) && !names(denied_, name);
}

Status OperatorList::check(std::string_view name, std::string_view where) const {
  if (allows(name)) {
    return {};
  }
  if (names(denied_, name)) {
    return fail(ErrorCode::kModelFailed,
                fmt::format("{} uses {}, which this node denies (models.deny_operators)", where,
                            printable(name)));
  }
  return fail(ErrorCode::kModelFailed,
              fmt::format("{} uses {}, which models may not use on this node; it can be allowed by "
                          "models.allow_operators: ['{}'] in the agent's configuration",
                          where, printable(name), printable(name)));
}

}  // namespace skerry::inspect
