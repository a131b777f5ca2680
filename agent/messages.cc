#include "agent/messages.h"

namespace skerry::agent {

std::string_view to_string(Outcome outcome) {
  switch (outcome) {
    case Outcome::kSucceeded:
      return "succeeded";
    case Outcome::kModelFailed:
      return "model_failed";
    case Outcome::kCrashed:
      return "crashed";
    case Outcome::kInfrastructure:
      return "infrastructure";
    case Outcome::kCancelled:
      return "cancelled";
    case Outcome::kExpired:
      return "expired";
    case Outcome::kSequenceLost:
      return "sequence_lost";
  }
  return "unknown";
}

}  // namespace skerry::agent
