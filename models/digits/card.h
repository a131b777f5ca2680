// card.h: the manifest of the digits model (model.yaml), with figures that are measured through the
// runner itself.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/error.h"
#include "common/manifest.h"
#include "models/digits/sheet.h"

namespace skerry::digits {

// What goes in and comes out; without variants.
ModelManifest manifest_without_variants();

// What a runner made of the held-out images.
struct Measured {
  VariantSpec variant;       // complete
  std::string device;        // where it ran: "cpu", "cuda:0"
  std::vector<int> answers;  // per image, the best label
};

// Loads folder/NAME.pt into a runner of its own, on a device as the runner calls them, and sends it
// every held-out image, as the PNG that a client would send.
Result<Measured> measure(const std::string& runner, const std::string& folder,
                         const std::string& name, const std::vector<Digit>& held_out,
                         const std::string& device = "cpu");

std::string to_yaml(const ModelManifest& manifest);

}  // namespace skerry::digits
