// model_path.h: where the API has a model: everybody's, or a namespace's own.
//
// A model is named "digits", "model/digits", or with its namespace "shop/digits", "model/shop/digits".

#pragma once

#include <boost/json/value.hpp>
#include <string>

#include "cli/context.h"
#include "common/error.h"

namespace skerry::cli {

// "/models/digits?namespace=shop". The namespace of the name wins over `ns`; with neither it is everybody's.
std::string model_path(const std::string& name, const std::string& ns);

// The model that a job of the settings' namespace would run: its own, or else everybody's. kNotFound.
Result<boost::json::value> fetch_model(Context& context, const std::string& name);

}  // namespace skerry::cli
