// answer.h: what a job's outputs say, for people.
//
// Plain: a model with one output of labels answers with its best label and nothing else ("7"); a
// number stands for itself; a short tensor is its elements, a long one its beginning. Several
// outputs are lines of "name: value".

#pragma once

#include <boost/json/value.hpp>
#include <string>

namespace skerry::cli {

// outputs: the member `outputs` of a result. Ends with a line feed.
std::string plain_answer(const boost::json::value& outputs);
// Every label with its score, where it ran, and predicted against actual objectives. job: as GET
// /jobs/{id} answers.
std::string wide_answer(const boost::json::value& job, bool colour);
// "SUCCEEDED on edge-1 (small) in 2.9 ms", "FAILED: the model raised ..."
std::string outcome_sentence(const boost::json::value& job);

bool has_ended(const boost::json::value& job);
bool has_succeeded(const boost::json::value& job);

}  // namespace skerry::cli
