// export_command.h: `skerry-rl export`: makes a policy bundle of a training folder's checkpoint, or
// gives a bundle its card.

#pragma once

#include <string>

#include "common/error.h"

namespace skerry::rl {

struct ExportArguments {
  std::string run;     // a training folder; or
  std::string bundle;  // a bundle that is there already
  std::string card;    // a JSON object, e.g. what evaluate printed; empty: the card stays as it is
  std::string name;    // another name for the bundle; empty: as it is
  std::string out = "policy.json";
};

Status export_command(const ExportArguments& arguments);

}  // namespace skerry::rl
