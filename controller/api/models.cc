// models.cc: models are listed, applied and deleted.

#include <fmt/format.h>

#include "controller/api/fleet_json.h"
#include "controller/api/handler_parts.h"
#include "controller/api/handlers.h"
#include "controller/api/json_reader.h"
#include "controller/api/problem.h"
#include "controller/core/unknown.h"

namespace skerry::api {

namespace {

// A manifest ready to be applied. Its artifacts stay pinned until the core knows of them.
struct PreparedModel {
  ModelManifest manifest;
  std::vector<blobs::BlobPin> pins;
};

// Every variant's artifact must have been uploaded; fills in its size.
Result<PreparedModel> pin_artifacts(blobs::BlobDir& blobs, ModelManifest manifest) {
  std::vector<FieldIssue> issues;
  std::vector<blobs::BlobPin> pins;
  for (std::size_t i = 0; i < manifest.variants.size(); ++i) {
    VariantSpec& variant = manifest.variants[i];
    variant.file.clear();  // the client's path means nothing here
    const std::string field = fmt::format("/spec/variants/{}/digest", i);
    if (variant.digest.empty() && manifest.engine == "torch") {
      issues.push_back(
          {.field = field, .message = "is missing; skerryctl model apply computes it"});
    }
    if (variant.digest.empty()) {
      continue;
    }
    auto pin = blobs.pin(variant.digest);
    if (!pin && pin.error().code != ErrorCode::kNotFound) {
      return fail(std::move(pin).error());
    }
    if (!pin) {
      issues.push_back(
          {.field = field,
           .message = fmt::format("is not here yet: PUT /api/v1/blobs/{} first", variant.digest)});
    } else {
      variant.artifact_bytes = pin->size_bytes();
      pins.push_back(std::move(*pin));
    }
  }
  if (const Status valid = to_status(std::move(issues)); !valid) {
    return fail(valid.error());
  }
  return PreparedModel{.manifest = std::move(manifest), .pins = std::move(pins)};
}

// Those of other namespaces are not there for the caller; everybody's are.
bool may_see(const core::Within& within, std::string_view model) {
  return namespace_of_model(model).empty() || within.holds(namespace_of_model(model));
}

// ?namespace=NS and the path's name.
std::string name_of(const Request& request) {
  return whole_model_name(request.query_value("namespace").value_or(std::string_view()),
                          request.param("name"));
}

// Everybody's models are changed by who may change those of all namespaces.
std::optional<Response> refused(const Call& call, std::string_view action,
                                const std::string& model) {
  const std::string_view ns = namespace_of_model(model);
  if (may(call, auth::Permission::kManageModels, ns)) {
    return std::nullopt;
  }
  return deny(call, action, model, ns,
              ns.empty() ? fmt::format("{} may not change models of all namespaces; give it one "
                                       "with metadata.namespace",
                                       call.request().caller.id)
                         : fmt::format("{} may not change models of namespace '{}'",
                                       call.request().caller.id, ns));
}

}  // namespace

Task<Response> list_models(Call call) {
  const auto models =
      co_await inspect(call, [](const core::Core& core, Instant) { return core.models(); });
  if (!models) {
    co_return problem(models.error());
  }
  JsonWriter json;
  json.object().key("items").array();
  const core::Within seen = in_sight(call);
  for (const core::ModelView& model : *models) {
    if (may_see(seen, model.manifest.name)) {
      write_model(json, model);
    }
  }
  json.end().end();
  co_return json_response(200, json.take());
}

Task<Response> get_model(Call call) {
  const std::string name = name_of(call.request());
  const auto model =
      co_await inspect(call, [name](const core::Core& core, Instant) { return core.model(name); });
  if (!model) {
    co_return problem(model.error());
  }
  if (!*model || !may_see(in_sight(call), name)) {
    co_return problem(core::unknown_model(name));
  }
  JsonWriter json;
  write_model(json, **model);
  co_return json_response(200, json.take());
}

Task<Response> put_model(Call call) {
  const auto document = co_await parse_body(call);
  if (!document) {
    co_return problem(document.error());
  }
  auto manifest = manifest_from_json(document->root());
  if (!manifest) {
    co_return problem(manifest.error());
  }
  const std::string& name = call.request().param("name");
  if (bare_model_name(manifest->name) != name) {
    co_return problem(Error{ErrorCode::kInvalidArgument,
                            fmt::format("the manifest is of '{}', but the path says '{}'",
                                        bare_model_name(manifest->name), name.substr(0, 80)),
                            {{"/metadata/name", "must be the name in the path"}}});
  }
  if (auto refusal = refused(call, "model.apply", manifest->name)) {
    co_return *std::move(refusal);
  }
  if (const Status signatures = to_status(check_signatures(*manifest, call->model_trust));
      !signatures) {
    co_return problem(signatures.error());
  }
  auto prepared = co_await off_strand(call, [call, manifest = std::move(*manifest)] {
    return pin_artifacts(call->blobs, manifest);
  });
  if (!prepared) {
    co_return problem(prepared.error());
  }
  const auto reply = co_await ask(
      call, core::PutModel{.ticket = core::kNoTicket, .manifest = std::move(prepared->manifest)});
  co_await settle_blobs(call, std::move(prepared->pins));
  call->manifests.drop();
  co_return changed_response(reply);
}

Task<Response> delete_model(Call call) {
  const std::string name = name_of(call.request());
  if (!may_see(in_sight(call), name)) {
    co_return problem(core::unknown_model(name));
  }
  if (auto refusal = refused(call, "model.delete", name)) {
    co_return *std::move(refusal);
  }
  const auto reply = co_await ask(call, core::DeleteModel{.ticket = core::kNoTicket, .name = name});
  call->manifests.drop();
  co_return changed_response(reply);
}

}  // namespace skerry::api
