// nodes.cc: what operators see of nodes and do to them.

#include <fmt/format.h>

#include "controller/api/fleet_json.h"
#include "controller/api/handler_parts.h"
#include "controller/api/handlers.h"
#include "controller/api/problem.h"

namespace skerry::api {

namespace {

Task<Response> change_node(Call call, core::NodeAction action) {
  core::ChangeNode event{
      .ticket = core::kNoTicket, .name = call.request().param("name"), .action = action};
  co_return changed_response(co_await ask(call, std::move(event)));
}

}  // namespace

Task<Response> list_nodes(Call call) {
  const auto nodes =
      co_await inspect(call, [](const core::Core& core, Instant) { return core.nodes(); });
  if (!nodes) {
    co_return problem(nodes.error());
  }
  JsonWriter json;
  json.object().key("items").array();
  for (const core::NodeView& node : *nodes) {
    write_node(json, node);
  }
  json.end().end();
  co_return json_response(200, json.take());
}

Task<Response> get_node(Call call) {
  const std::string& name = call.request().param("name");
  const auto node =
      co_await inspect(call, [name](const core::Core& core, Instant) { return core.node(name); });
  if (!node) {
    co_return problem(node.error());
  }
  if (!*node) {
    co_return problem(Error{ErrorCode::kNotFound,
                            fmt::format("there is no node named '{}'", name.substr(0, 80))});
  }
  JsonWriter json;
  write_node(json, **node);
  co_return json_response(200, json.take());
}

Task<Response> cordon_node(Call call) { return change_node(call, core::NodeAction::kCordon); }
Task<Response> uncordon_node(Call call) { return change_node(call, core::NodeAction::kUncordon); }
Task<Response> drain_node(Call call) { return change_node(call, core::NodeAction::kDrain); }
Task<Response> delete_node(Call call) { return change_node(call, core::NodeAction::kRemove); }

}  // namespace skerry::api
