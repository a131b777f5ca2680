// unknown.h: what is said, by the core and by whoever asks it, of names that it does not know.

#pragma once

#include <fmt/format.h>

#include <string_view>

#include "common/error.h"
#include "common/ids.h"

namespace skerry::core {

inline Error unknown_model(std::string_view name) {
  constexpr std::size_t kShown = 80;
  return {ErrorCode::kNotFound,
          fmt::format("there is no model named '{}'", name.substr(0, kShown)),
          {}};
}
// The same with the field that named it.
inline Error unknown_model(std::string_view name, std::string field) {
  Error error = unknown_model(name);
  error.fields.push_back({std::move(field), "GET /api/v1/models lists the models"});
  return error;
}

inline Error unknown_job(JobId id) {
  return {
      ErrorCode::kNotFound,
      fmt::format("there is no job '{}', or it ended too long ago to be remembered", to_string(id)),
      {}};
}

}  // namespace skerry::core
