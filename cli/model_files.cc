#include "cli/model_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/object.hpp>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "cli/inputs.h"
#include "cli/json_read.h"
#include "cli/yaml_json.h"
#include "common/digest.h"

namespace skerry::cli {

namespace {

namespace json = boost::json;

Status resolve_artifact(VariantSpec& variant, const std::filesystem::path& folder,
                        std::vector<Artifact>& artifacts) {
  if (variant.file.empty()) {
    return {};
  }
  auto artifact = digest_of_file((folder / variant.file).string());
  if (!artifact) {
    return fail(std::move(artifact).error());
  }
  if (!variant.digest.empty() && variant.digest != artifact->digest) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("variant '{}': '{}' has the digest {}, not {} as the manifest says",
                            variant.name, artifact->path, artifact->digest, variant.digest));
  }
  variant.digest = artifact->digest;
  variant.artifact_bytes = artifact->size_bytes;
  variant.file.clear();
  if (std::ranges::find(artifacts, artifact->digest, &Artifact::digest) == artifacts.end()) {
    artifacts.push_back(std::move(*artifact));
  }
  return {};
}

Result<PreparedModel> prepare(const json::value& document, const std::string& origin) {
  const std::string kind = text_at(document, "kind");
  if (kind != "Model") {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{}: kind '{}' cannot be applied; only Model can", origin, kind));
  }
  auto manifest = manifest_from_json(document);
  if (!manifest) {
    Error error = std::move(manifest).error();
    error.message = fmt::format("{}: {}", origin, error.message);
    return fail(std::move(error));
  }
  PreparedModel model{.manifest = std::move(*manifest)};
  const std::filesystem::path folder =
      origin == "-" ? std::filesystem::path() : std::filesystem::path(origin).parent_path();
  for (VariantSpec& variant : model.manifest.variants) {
    if (const Status resolved = resolve_artifact(variant, folder, model.artifacts); !resolved) {
      return fail(resolved.error());
    }
  }
  return model;
}

}  // namespace

Result<Artifact> digest_of_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return fail(ErrorCode::kIo, fmt::format("cannot open '{}': {}", path, std::strerror(errno)));
  }
  Artifact artifact{.path = path};
  Sha256 hash;
  std::string piece(1 << 20, '\0');
  while (file) {
    file.read(piece.data(), static_cast<std::streamsize>(piece.size()));
    const auto count = static_cast<std::size_t>(file.gcount());
    hash.update(std::string_view(piece).substr(0, count));
    artifact.size_bytes += count;
  }
  if (file.bad() || !file.eof()) {
    return fail(ErrorCode::kIo, fmt::format("cannot read '{}'", path));
  }
  artifact.digest = hash.finish();
  return artifact;
}

Result<std::vector<PreparedModel>> prepare_models(const std::string& path) {
  const auto text = read_file(path);
  if (!text) {
    return fail(text.error());
  }
  const auto documents = json_from_yaml(*text, path == "-" ? "standard input" : path);
  if (!documents) {
    return fail(documents.error());
  }
  if (documents->empty()) {
    return fail(ErrorCode::kInvalidArgument, fmt::format("'{}' holds no document", path));
  }
  std::vector<PreparedModel> models;
  for (const auto& document : *documents) {
    auto model = prepare(document, path);
    if (!model) {
      return fail(std::move(model).error());
    }
    models.push_back(std::move(*model));
  }
  return models;
}

}  // namespace skerry::cli
