// candidates.h: the candidates of a decision or a dry run as table rows.
//
// Pure.

#pragma once

#include <boost/json/value.hpp>
#include <cstdint>

#include "cli/table.h"

namespace skerry::cli {

enum class CandidateNotes : std::uint8_t {
  kLeftOut,  // of a decision: beside the policy's score, the weighted sum of the predictions
  kShown,    // a last column says "best trade-off", "dominated", or why one is excluded
};

Table candidate_table(CandidateNotes notes);

// In the order given; the decision's `choice` ({"node", "variant"}) is marked with *.
void add_candidates(Table& table, const boost::json::array& candidates,
                    const boost::json::value& decision);
// As above with notes, in an order for people: the choice, then what is not dominated, dominated,
// excluded.
void add_planned(Table& table, const boost::json::array& candidates,
                 const boost::json::value& plan);

}  // namespace skerry::cli
