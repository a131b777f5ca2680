// openapi.h: the OpenAPI 3.1 document, generated from the table of routes and the schemas.

#pragma once

#include <span>
#include <string>
#include <string_view>

#include "controller/api/router.h"

namespace skerry::api {

std::string openapi_document(std::span<const Route> routes);
// components/schemas: one JSON object by name.
std::string_view openapi_schemas();

}  // namespace skerry::api
