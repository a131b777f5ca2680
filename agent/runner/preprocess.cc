#include "agent/runner/preprocess.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "agent/runner/media.h"

namespace skerry::runner {

namespace {

constexpr std::int64_t kMaxSyntheticBytes = std::int64_t{1} << 30;

// An error of one input: what is wrong follows its name.
std::unexpected<Error> refused(const InputSpec& input, std::string_view what,
                               ErrorCode code = ErrorCode::kInvalidArgument) {
  return fail(code, fmt::format("input '{}' {}", input.name, what));
}

std::string shape_text(const std::vector<std::int64_t>& shape) {
  std::string text = "[";
  for (const std::int64_t dimension : shape) {
    text += fmt::format("{}{}", text.size() > 1 ? ", " : "", dimension);
  }
  return text + "]";
}

Tensor float_tensor(std::vector<std::int64_t> shape, const std::vector<float>& floats) {
  std::string data(floats.size() * sizeof(float), '\0');
  std::memcpy(data.data(), floats.data(), data.size());
  return {.dtype = DType::kF32, .shape = std::move(shape), .data = std::move(data)};
}

// From pixels row by row to planes, channel by channel: (pixel / 255 - mean) / std.
Tensor image_tensor(const ImageSpec& spec, const Picture& picture) {
  const auto pixels = resize_by_area(picture, spec.width, spec.height);
  const auto channels = static_cast<std::size_t>(spec.channels);
  const std::size_t plane = pixels.size() / channels;
  std::vector<float> planes(pixels.size());
  for (std::size_t c = 0; c < channels; ++c) {
    const float mean = spec.mean.empty() ? 0.0f : spec.mean[c];
    const float deviation = spec.std.empty() ? 1.0f : spec.std[c];
    for (std::size_t i = 0; i < plane; ++i) {
      const float pixel = pixels[i * channels + c] / 255.0f;
      planes[c * plane + i] = ((spec.invert ? 1.0f - pixel : pixel) - mean) / deviation;
    }
  }
  return float_tensor({1, spec.channels, spec.height, spec.width}, planes);
}

Result<Picture> raw_picture(const InputSpec& input, const Tensor& tensor) {
  const auto& shape = tensor.shape;
  const std::int64_t channels = shape.size() == 3 ? shape[2] : 1;
  if (tensor.dtype != DType::kU8 || shape.size() < 2 || shape.size() > 3 ||
      channels != input.image.channels || shape[0] < 1 || shape[1] < 1 ||
      static_cast<std::int64_t>(tensor.data.size()) > kMaxPicturePixels) {
    return refused(
        input,
        fmt::format(
            "is an image: it takes a PNG, a JPEG or pixels as u8 [height, width, {}], not {} {}",
            input.image.channels, to_string(tensor.dtype), shape_text(shape)));
  }
  return Picture{.width = static_cast<int>(shape[1]),
                 .height = static_cast<int>(shape[0]),
                 .channels = static_cast<int>(channels),
                 .pixels = std::vector<std::uint8_t>(tensor.data.begin(), tensor.data.end())};
}

Result<Tensor> prepare_image(const InputSpec& input, const NamedValue& value) {
  Result<Picture> picture =
      refused(input, "is an image: it takes a PNG, a JPEG or pixels as a u8 tensor");
  if (const auto* media = std::get_if<Media>(&value.value)) {
    picture = decode_picture(media->data, input.image.channels);
    if (!picture) {
      return refused(input, picture.error().message, picture.error().code);
    }
  } else if (const auto* tensor = std::get_if<Tensor>(&value.value)) {
    picture = raw_picture(input, *tensor);
  }
  if (!picture) {
    return fail(std::move(picture).error());
  }
  return image_tensor(input.image, *picture);
}

Tensor audio_tensor(const AudioSpec& spec, std::vector<float> samples) {
  const auto count = static_cast<std::int64_t>(samples.size());
  if (spec.window_samples == 0) {
    return float_tensor({1, count}, samples);
  }
  const std::int64_t windows = (count + spec.window_samples - 1) / spec.window_samples;
  samples.resize(static_cast<std::size_t>(windows * spec.window_samples), 0.0f);
  return float_tensor({windows, spec.window_samples}, samples);
}

Result<Sound> raw_sound(const InputSpec& input, const Tensor& tensor) {
  if (tensor.dtype != DType::kF32 || tensor.shape.size() != 1) {
    return refused(input,
                   fmt::format("is a sound: it takes a WAV or samples as f32 [samples], not {} {}",
                               to_string(tensor.dtype), shape_text(tensor.shape)));
  }
  std::vector<float> samples(tensor.data.size() / sizeof(float));
  std::memcpy(samples.data(), tensor.data.data(), tensor.data.size());
  return Sound{.sample_rate_hz = input.audio.sample_rate_hz, .samples = std::move(samples)};
}

Result<Tensor> prepare_audio(const InputSpec& input, const NamedValue& value) {
  Result<Sound> sound = refused(input, "is a sound: it takes a WAV or samples as an f32 tensor");
  if (const auto* media = std::get_if<Media>(&value.value)) {
    sound = decode_wav(media->data);
    if (!sound) {
      return refused(input, sound.error().message, sound.error().code);
    }
  } else if (const auto* tensor = std::get_if<Tensor>(&value.value)) {
    sound = raw_sound(input, *tensor);
  }
  if (!sound) {
    return fail(std::move(sound).error());
  }
  if (sound->samples.empty()) {
    return refused(input, "holds no samples");
  }
  const double growth = static_cast<double>(input.audio.sample_rate_hz) / sound->sample_rate_hz;
  if (growth * static_cast<double>(sound->samples.size()) > static_cast<double>(kMaxSoundSamples)) {
    return refused(input, fmt::format("has more than {} samples at {} Hz", kMaxSoundSamples,
                                      input.audio.sample_rate_hz));
  }
  return audio_tensor(input.audio, resample_linearly(sound->samples, sound->sample_rate_hz,
                                                     input.audio.sample_rate_hz));
}

bool fits(const std::vector<std::int64_t>& shape, const std::vector<std::int64_t>& pattern) {
  return std::ranges::equal(shape, pattern, [](std::int64_t given, std::int64_t wanted) {
    return wanted == -1 || given == wanted;
  });
}

Result<Tensor> prepare_tensor(const InputSpec& input, const NamedValue& value) {
  const auto* tensor = std::get_if<Tensor>(&value.value);
  if (tensor == nullptr) {
    return refused(input, fmt::format("takes a tensor, {} {}", to_string(input.dtype),
                                      shape_text(input.shape)));
  }
  if (tensor->dtype != input.dtype || !fits(tensor->shape, input.shape)) {
    return refused(input, fmt::format("is {} {}; the model takes {} {}", to_string(tensor->dtype),
                                      shape_text(tensor->shape), to_string(input.dtype),
                                      shape_text(input.shape)));
  }
  Tensor sound = *tensor;
  if (sound.dtype == DType::kBool) {  // other bytes than 0 and 1 are undefined in what reads them
    std::ranges::transform(sound.data, sound.data.begin(),
                           [](char byte) { return static_cast<char>(byte != 0); });
  }
  return sound;
}

Result<Tensor> prepare_one(const InputSpec& input, const NamedValue& value) {
  switch (input.kind) {
    case InputKind::kImage:
      return prepare_image(input, value);
    case InputKind::kAudio:
      return prepare_audio(input, value);
    case InputKind::kTensor:
      return prepare_tensor(input, value);
    case InputKind::kConstant:
      break;
  }
  return refused(input, "is the model's own: the manifest fixes it and no client sends it");
}

std::string expected_names(const ModelManifest& manifest) {
  std::string names;
  for (const InputSpec& input : manifest.inputs) {
    if (input.kind != InputKind::kConstant) {
      names += fmt::format("{}'{}'", names.empty() ? "" : ", ", input.name);
    }
  }
  return names.empty() ? "none" : names;
}

// Every value has an input of its own; that every input has a value is seen when it is looked up.
Status check_names(const ModelManifest& manifest, const Values& values) {
  for (auto value = values.begin(); value != values.end(); ++value) {
    const auto input = std::ranges::find(manifest.inputs, value->name, &InputSpec::name);
    if (input == manifest.inputs.end() || input->kind == InputKind::kConstant) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("model {} has no input '{}'; its inputs: {}", manifest.name,
                              value->name.substr(0, 64), expected_names(manifest)));
    }
    if (std::find_if(values.begin(), value,
                     [&](const auto& other) { return other.name == value->name; }) != value) {
      return refused(*input, "is given twice");
    }
  }
  return {};
}

void add(Prepared& prepared, const InputSpec& input, Tensor tensor) {
  if (input.kind == InputKind::kAudio && input.audio.window_samples > 0) {
    prepared.windowed = prepared.arguments.size();
  }
  prepared.arguments.push_back(std::move(tensor));
}

Result<Tensor> synthetic(const InputSpec& input) {
  if (input.kind == InputKind::kImage) {
    return image_tensor(
        input.image,
        {.width = 1,
         .height = 1,
         .channels = input.image.channels,
         .pixels = std::vector<std::uint8_t>(static_cast<std::size_t>(input.image.channels))});
  }
  if (input.kind == InputKind::kAudio) {
    return audio_tensor(input.audio,
                        std::vector<float>(static_cast<std::size_t>(input.audio.sample_rate_hz)));
  }
  Tensor zeros{.dtype = input.dtype, .shape = input.shape, .data = {}};
  std::ranges::replace(zeros.shape, -1, 1);
  const auto elements = element_count(zeros.shape);
  const auto element_bytes = static_cast<std::int64_t>(size_bytes(zeros.dtype));
  if (!elements || *elements > kMaxSyntheticBytes / element_bytes) {
    return refused(
        input, fmt::format("of shape {} is too large to be tried out", shape_text(input.shape)));
  }
  zeros.data.assign(static_cast<std::size_t>(*elements * element_bytes), '\0');
  return zeros;
}

}  // namespace

Result<Prepared> prepare(const ModelManifest& manifest, const Values& values) {
  if (auto named = check_names(manifest, values); !named) {
    return fail(std::move(named).error());
  }
  Prepared prepared;
  for (const InputSpec& input : manifest.inputs) {
    if (input.kind == InputKind::kConstant) {
      continue;
    }
    const auto value = std::ranges::find(values, input.name, &NamedValue::name);
    if (value == values.end()) {
      return refused(input, "is missing");
    }
    auto tensor = prepare_one(input, *value);
    if (!tensor) {
      return fail(std::move(tensor).error());
    }
    add(prepared, input, std::move(*tensor));
  }
  return prepared;
}

Result<Prepared> synthetic_inputs(const ModelManifest& manifest) {
  Prepared prepared;
  for (const InputSpec& input : manifest.inputs) {
    if (input.kind == InputKind::kConstant) {
      continue;
    }
    auto tensor = synthetic(input);
    if (!tensor) {
      return fail(std::move(tensor).error());
    }
    add(prepared, input, std::move(*tensor));
  }
  return prepared;
}

}  // namespace skerry::runner
