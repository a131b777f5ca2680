// inputs.h: turns what was typed for a model's inputs into the `inputs` of a job.
//
//   --input name=VALUE    a number or a (nested) array in JSON; the model's manifest gives the
//   element type, and the shape
//                         where the array is flat
//   --input name=@FILE    an image or sound as it is; .json: as VALUE, or a whole tensor object;
//   else raw elements
//   --input @FILE         the same, for a model with one input
//   --image, --audio FILE for the model's only input of that kind
//
// Errors: kInvalidArgument names the input; kIo, the file. Reads files, nothing else.

#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <string>
#include <vector>

#include "common/error.h"

namespace skerry::cli {

struct InputFlags {
  std::vector<std::string> inputs;
  std::string image;
  std::string audio;

  bool empty() const { return inputs.empty() && image.empty() && audio.empty(); }
};

// model: as GET /models/{name} answers, or its manifest.
Result<boost::json::object> read_inputs(const InputFlags& flags, const boost::json::value& model);

// The bytes of a file, or of standard input for "-"; kIo.
Result<std::string> read_file(const std::string& path);

}  // namespace skerry::cli
