// json_mutator.h: changes a JSON document as a document: values, members and elements instead of bytes.

#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "common/random.h"

namespace skerry::fuzz {

// One to three changes; `words` are what keys and texts may become. nullopt, so that bytes are changed:
// now and then, and where the text is no JSON.
std::optional<std::string> mutate_json(std::string_view text, Random& random,
                                       std::span<const std::string_view> words);

}  // namespace skerry::fuzz
