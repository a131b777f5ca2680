// json_read.h: looks things up in the controller's answers, leniently.
//
// A client must get along with a controller that is newer or older than itself, so a member that is
// missing or of another type reads as nothing, and unknown members are left alone. Paths are JSON
// pointers without the leading slash: "power/idle_w".

#pragma once

#include <boost/json/value.hpp>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace skerry::cli {

// nullptr if there is no such member.
const boost::json::value* find(const boost::json::value& json, std::string_view path);
// Of a text; numbers and booleans read as they are written; empty if missing.
std::string text_at(const boost::json::value& json, std::string_view path);
std::optional<double> number_at(const boost::json::value& json, std::string_view path);
bool true_at(const boost::json::value& json, std::string_view path);
// The elements of an array; an empty one if it is missing.
const boost::json::array& items_at(const boost::json::value& json, std::string_view path);
// The members of an object; an empty one if it is missing.
const boost::json::object& members_at(const boost::json::value& json, std::string_view path);
// A model's manifest: the member `manifest` of an answer, or the document itself.
const boost::json::value& manifest_of(const boost::json::value& model);
// A list of texts, or an object of texts as "k=v", joined with ",".
std::string joined_at(const boost::json::value& json, std::string_view path);

}  // namespace skerry::cli
