// augment.h: the same digit as another hand might have put it: turned, sheared, scaled and moved a
// little.

#pragma once

#include "common/random.h"
#include "models/digits/sheet.h"

namespace skerry::digits {

// Writes kPixels floats from 0 to 1 to `to`. Draws a random affine map about the centre and samples
// with bilinear interpolation; outside of the cell is black.
void augment(const Digit& digit, Random& random, float* to);

// The digit itself, as floats from 0 to 1.
void plain(const Digit& digit, float* to);

}  // namespace skerry::digits
