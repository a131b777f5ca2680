// policies.cc: placement policies are listed, applied, promoted, tried in the shadow, rolled back.

#include <fmt/format.h>

#include <algorithm>

#include "controller/api/handler_parts.h"
#include "controller/api/handlers.h"
#include "controller/api/json_reader.h"
#include "controller/api/policy_json.h"
#include "controller/api/problem.h"

namespace skerry::api {

namespace {

Task<Response> change_policy(Call call, core::PolicyAction action) {
  core::ChangePolicy event{
      .ticket = core::kNoTicket, .name = call.request().param("name"), .action = action};
  co_return changed_response(co_await ask(call, std::move(event)));
}

// The version that was asked for, else the newest of the name.
const core::PolicyView* find_policy(const core::PoliciesView& policies, std::string_view name,
                                    std::optional<std::string_view> version) {
  const auto found = std::ranges::find_if(policies.items, [&](const core::PolicyView& policy) {
    return policy.ref.name == name && (version ? policy.ref.version == *version : policy.newest);
  });
  return found == policies.items.end() ? nullptr : &*found;
}

Result<bool> queried_flag(const Request& request, std::string_view name) {
  const auto text = request.query_value(name);
  if (!text || *text == "false") {
    return false;
  }
  if (*text == "true") {
    return true;
  }
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("{}={}: must be true or false", name, text->substr(0, 40)));
}

}  // namespace

Task<Response> get_policies(Call call) {
  const auto policies =
      co_await inspect(call, [](const core::Core& core, Instant) { return core.policies(); });
  if (!policies) {
    co_return problem(policies.error());
  }
  JsonWriter json;
  write_policies(json, *policies);
  co_return json_response(200, json.take());
}

Task<Response> get_policy(Call call) {
  const Request& request = call.request();
  const std::string& name = request.param("name");
  const auto whole = queried_flag(request, "weights");
  if (!whole) {
    co_return problem(whole.error());
  }
  const auto policies =
      co_await inspect(call, [](const core::Core& core, Instant) { return core.policies(); });
  if (!policies) {
    co_return problem(policies.error());
  }
  const core::PolicyView* policy = find_policy(*policies, name, request.query_value("version"));
  if (policy == nullptr) {
    co_return problem(Error{
        ErrorCode::kNotFound,
        fmt::format("there is no policy named '{}', or not in that version; GET /api/v1/policies "
                    "lists them",
                    name.substr(0, 80))});
  }
  auto body = co_await off_strand(call, [policy, with = *whole]() -> Result<std::string> {
    JsonWriter json;
    json.object();
    write_policy_members(json, *policy);
    if (policy->bundle != nullptr) {
      write_bundle_members(json, *policy->bundle, with);
    }
    json.end();
    return json.take();
  });
  co_return body ? json_response(200, std::move(*body)) : problem(body.error());
}

Task<Response> put_policy(Call call) {
  core::ApplyPolicy event{
      .ticket = core::kNoTicket,
      .name = call.request().param("name"),
      .bundle = std::make_shared<const std::string>(std::move(call.request().body))};
  co_return changed_response(co_await ask(call, std::move(event)));
}

Task<Response> delete_policy(Call call) { return change_policy(call, core::PolicyAction::kDelete); }
Task<Response> promote_policy(Call call) {
  return change_policy(call, core::PolicyAction::kPromote);
}
Task<Response> shadow_policy(Call call) { return change_policy(call, core::PolicyAction::kShadow); }
Task<Response> unshadow_policy(Call call) {
  return change_policy(call, core::PolicyAction::kUnshadow);
}

Task<Response> roll_back_policy(Call call) {
  co_return changed_response(co_await ask(call, core::RollBackPolicy{}));
}

Task<Response> choose_policy(Call call) {
  const auto document = co_await parse_body(call);
  if (!document) {
    co_return problem(document.error());
  }
  std::vector<FieldIssue> issues;
  JsonFields fields(&document->root(), "", issues);
  core::ChangePolicy event{.ticket = core::kNoTicket,
                           .name = fields.required_text("name"),
                           .action = core::PolicyAction::kPromote};
  fields.finish();
  if (const Status valid = to_status(std::move(issues)); !valid) {
    co_return problem(valid.error());
  }
  co_return changed_response(co_await ask(call, std::move(event)));
}

}  // namespace skerry::api
