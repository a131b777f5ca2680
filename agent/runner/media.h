// media.h: decodes images and sounds in memory, with well-kept libraries, into plain arrays.
//
// Everything here takes bytes from outside: whatever they are, the answer is a value or an error
// that says what is wrong with them (kInvalidArgument), in a sentence that begins with a verb and
// follows the name of an input ("is no PNG"). A build without one of the libraries answers
// kUnsupported for its kind. Pure functions, no shared state.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.h"

namespace skerry::runner {

struct Picture {
  int width = 0;
  int height = 0;
  int channels = 0;                  // 1 (grey) or 3 (red, green, blue)
  std::vector<std::uint8_t> pixels;  // row by row, channels interleaved
};

struct Sound {
  int sample_rate_hz = 0;
  std::vector<float> samples;  // mono, in [-1, 1]; several channels are averaged
};

constexpr std::int64_t kMaxPicturePixels = 64 * 1024 * 1024;
constexpr std::int64_t kMaxSoundSamples = 64 * 1024 * 1024;

// channels: what to decode to, 1 or 3. Transparent parts of a PNG lie on black.
Result<Picture> decode_png(std::string_view bytes, int channels);
Result<Picture> decode_jpeg(std::string_view bytes, int channels);
// A PNG or a JPEG, told by its first bytes.
Result<Picture> decode_picture(std::string_view bytes, int channels);

Result<Sound> decode_wav(std::string_view bytes);

// Scales by area: every new pixel is the mean of what it covers, with parts of pixels weighted by
// their share. Exact if the size stays; when enlarging, pixels grow into blocks with blended
// borders. Values stay on the scale 0 to 255.
std::vector<float> resize_by_area(const Picture& picture, int width, int height);

// Linear interpolation between neighbouring samples. Frequencies above half the new rate fold back,
// which speech models tolerate; who needs better converts before sending.
std::vector<float> resample_linearly(const std::vector<float>& samples, int from_hz, int to_hz);

// "png jpeg wav": what this build decodes; for --version.
std::string media_built_in();

}  // namespace skerry::runner
