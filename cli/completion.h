// completion.h: what a shell calls while somebody types.
//
// The shells' scripts (skerryctl completion bash|zsh|fish) hold no list of commands: they call
// `skerryctl __complete WORD...` with what is typed so far, and get one proposal a line,
// "word<TAB>help". The words come from the command tree, names of nodes, jobs, models and policies
// from the controller (which has a second to answer). A line ":files" asks the shell to complete
// file names itself. Never fails: what cannot be known is not proposed.

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/command.h"

namespace skerry::cli {

constexpr std::string_view kCompleteCommand = "__complete";

// words: those after __complete; the last is the one under the cursor. Returns the exit code.
int complete_line(const CommandTree& tree, const std::vector<std::string>& words);

}  // namespace skerry::cli
