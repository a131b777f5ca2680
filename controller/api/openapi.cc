#include "controller/api/openapi.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "common/version.h"
#include "controller/api/handler_parts.h"
#include "controller/api/handlers.h"
#include "controller/api/json_writer.h"

namespace skerry::api {

namespace {

void write_schema_reference(JsonWriter& json, std::string_view schema) {
  json.key("schema").object().member("$ref", fmt::format("#/components/schemas/{}", schema)).end();
}

void write_parameter(JsonWriter& json, std::string_view name, std::string_view in, bool required) {
  json.object().member("name", name).member("in", in).member("required", required);
  json.key("schema").object().member("type", "string").end().end();
}

void write_parameters(JsonWriter& json, const Route& route) {
  json.key("parameters").array();
  std::string_view rest = route.pattern;
  for (auto open = rest.find('{'); open != rest.npos; open = rest.find('{')) {
    rest.remove_prefix(open + 1);
    write_parameter(json, rest.substr(0, rest.find('}')), "path", true);
  }
  for (const std::string_view name : route.query) {
    write_parameter(json, name, "query", false);
  }
  for (const std::string_view name : route.request_headers) {
    write_parameter(json, name, "header", false);
  }
  json.end();
}

void write_body(JsonWriter& json, const Route& route) {
  if (route.body == BodyKind::kNone) {
    return;
  }
  json.key("requestBody").object().member("required", true).key("content").object();
  if (route.body == BodyKind::kJson) {
    json.key("application/json").object();
    write_schema_reference(json, route.body_schema);
    json.end();
  } else {
    json.key("application/octet-stream").object().end();
  }
  json.end().end();
}

void write_answers(JsonWriter& json, const Route& route) {
  json.key("responses").object();
  for (const Answer& answer : route.answers) {
    json.key(fmt::to_string(answer.status))
        .object()
        .member("description", reason_phrase(answer.status));
    if (answer.status != 304) {
      json.key("content").object().key(route.produces).object();
      if (!answer.schema.empty()) {
        write_schema_reference(json, answer.schema);
      }
      json.end().end();
    }
    json.end();
  }
  json.key("default").object().member("description", "a problem").key("content").object();
  json.key("application/problem+json").object();
  write_schema_reference(json, "Problem");
  json.end().end().end().end();
}

void write_operation(JsonWriter& json, const Route& route) {
  std::string verb(to_string(route.verb));
  std::ranges::transform(verb, verb.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  json.key(verb)
      .object()
      .member("operationId", route.operation)
      .member("summary", route.summary)
      .member("x-permission", to_string(route.permission));
  write_parameters(json, route);
  write_body(json, route);
  write_answers(json, route);
  json.end();
}

}  // namespace

std::string openapi_document(std::span<const Route> routes) {
  std::map<std::string_view, std::vector<const Route*>> paths;
  for (const Route& route : routes) {
    paths[route.pattern].push_back(&route);
  }
  JsonWriter json;
  json.object().member("openapi", "3.1.0").key("info").object();
  json.member("title", "Skerry").member("version", kVersion).end();
  json.key("paths").object();
  for (const auto& [pattern, operations] : paths) {
    json.key(pattern).object();
    for (const Route* route : operations) {
      write_operation(json, *route);
    }
    json.end();
  }
  json.end().key("components").object().key("schemas").raw(openapi_schemas()).end().end();
  return json.take();
}

Task<Response> get_openapi(Call call) { co_return json_response(200, call->openapi); }

}  // namespace skerry::api
