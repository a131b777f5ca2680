// policy_listing.h: policies as table rows and sheets for people.
//
// Pure but for `now`, from which ages count.

#pragma once

#include <boost/json/value.hpp>
#include <string>

#include "cli/table.h"
#include "common/time.h"

namespace skerry::cli {

// policies: as GET /policies answers; an older controller lists names only.
Table policy_table(const boost::json::value& policies, Instant now);
// Why greedy decides in place of the active policy; empty if it does not.
std::string breaker_sentence(const boost::json::value& policies);
// One policy, as GET /policies/{name} answers.
Sheet policy_sheet(const boost::json::value& policy, Instant now);

}  // namespace skerry::cli
