// event_json.h: happenings as watchers get them: a type to filter by, and a JSON object.

#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/ids.h"
#include "controller/api/event_ring.h"

namespace skerry::api {

std::string_view event_type(const core::Happening& happening);  // "job", "node", "model", "policy"
std::optional<JobId> event_job(const core::Happening& happening);
std::string event_json(const EventRing::Event& event);

}  // namespace skerry::api
