// model_files.h: from a model.yaml to what the controller wants: a manifest whose variants name
// artifacts by digest.
//
// A variant's `file` is looked up relative to the YAML that names it. Reads files; changes nothing.

#pragma once

#include <boost/json/value.hpp>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.h"
#include "common/manifest.h"

namespace skerry::cli {

struct Artifact {
  std::string path;
  std::string digest;
  std::uint64_t size_bytes = 0;
};

struct PreparedModel {
  ModelManifest manifest;           // digests and sizes filled in, files left out
  std::vector<Artifact> artifacts;  // each digest once, in order
};

// The models of a YAML or JSON file ("-": standard input, relative to the current folder).
// kInvalidArgument names what is wrong with a manifest, with another kind, or with a file that has
// another digest than the manifest says; kIo for a file that cannot be read.
Result<std::vector<PreparedModel>> prepare_models(const std::string& path);

// The digest and size of a file, read in pieces; kIo.
Result<Artifact> digest_of_file(const std::string& path);

}  // namespace skerry::cli
