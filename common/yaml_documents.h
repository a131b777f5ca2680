// yaml_documents.h: the documents of a YAML text, without the trap in the library's way to load all of them.
//
// yaml-cpp 0.7 takes what follows a document in the middle of a line, such as the rest of "{}, a",
// for another document, and never gets past it: YAML::LoadAll then gathers empty documents until memory
// runs out. Here that is an error like any other.

#pragma once

#include <yaml-cpp/yaml.h>

#include <string>
#include <vector>

namespace skerry {

// Throws what YAML::LoadAll throws.
std::vector<YAML::Node> load_yaml_documents(const std::string& text);

}  // namespace skerry
