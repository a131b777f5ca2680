// attempts.h: what a model that got hold of its process might try, one attempt a name: the hostile half of tests/sandbox.
//
// Each tries in earnest and tells what came of it: "SUCCEEDED: ..." if it got what it wanted, "denied: ..." with the reason
// otherwise. Whoever asks looks for the effects as well and does not take the attempt's word for it. Some end the process,
// some never return. Only for a process that is meant to be contained: without a sandbox they do harm.

#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace skerry::hostile {

using Arguments = std::vector<std::string>;
using Attempt = std::function<std::string(const Arguments&)>;
using Attempts = std::map<std::string, Attempt, std::less<>>;

// By subject, each in a file of its own.
void add_file_attempts(Attempts& attempts);
void add_network_attempts(Attempts& attempts);
void add_process_attempts(Attempts& attempts);
void add_kernel_attempts(Attempts& attempts);
void add_memory_attempts(Attempts& attempts);
void add_endings(Attempts& attempts);  // crashes, loops

std::string succeeded(std::string_view what);
std::string denied(std::string_view what);  // with errno's text
// Of a call that returns less than 0 if it fails.
std::string outcome(long returned, std::string_view what);
// Of several ways to the same end: SUCCEEDED if one did.
std::string any_of(const std::vector<std::string>& outcomes);

}  // namespace skerry::hostile
