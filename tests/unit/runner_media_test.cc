// Tests of what precedes a forward: pictures and sounds become tensors as the manifest says. The
// pixels and samples are worked out by hand.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <png.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
// jpeglib.h needs size_t and FILE declared before it.
#include <jpeglib.h>

#include "agent/runner/media.h"
#include "agent/runner/preprocess.h"

namespace skerry::runner {
namespace {

using testing::ElementsAre;
using testing::FloatEq;
using testing::FloatNear;
using testing::HasSubstr;

std::vector<float> floats_of(const Tensor& tensor) {
  std::vector<float> floats(tensor.data.size() / sizeof(float));
  std::memcpy(floats.data(), tensor.data.data(), tensor.data.size());
  return floats;
}

Tensor tensor_of(DType dtype, std::vector<std::int64_t> shape, std::string data) {
  return {.dtype = dtype, .shape = std::move(shape), .data = std::move(data)};
}

Tensor float_tensor(std::vector<std::int64_t> shape, const std::vector<float>& floats) {
  std::string data(floats.size() * sizeof(float), '\0');
  std::memcpy(data.data(), floats.data(), data.size());
  return tensor_of(DType::kF32, std::move(shape), std::move(data));
}

std::string encode_png(png_uint_32 width, png_uint_32 height, png_uint_32 format,
                       std::string_view pixels) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = width;
  image.height = height;
  image.format = format;
  png_alloc_size_t size = 0;
  png_image_write_to_memory(&image, nullptr, &size, 0, pixels.data(), 0, nullptr);
  std::string file(size, '\0');
  png_image_write_to_memory(&image, file.data(), &size, 0, pixels.data(), 0, nullptr);
  file.resize(size);
  return file;
}

// size x size of one colour, at quality 100.
std::string encode_jpeg(JDIMENSION size, JSAMPLE red, JSAMPLE green, JSAMPLE blue) {
  jpeg_compress_struct info{};
  jpeg_error_mgr errors{};
  info.err = jpeg_std_error(&errors);
  jpeg_create_compress(&info);
  unsigned char* bytes = nullptr;
  unsigned long length = 0;
  jpeg_mem_dest(&info, &bytes, &length);
  info.image_width = info.image_height = size;
  info.input_components = 3;
  info.in_color_space = JCS_RGB;
  jpeg_set_defaults(&info);
  jpeg_set_quality(&info, 100, TRUE);
  jpeg_start_compress(&info, TRUE);
  std::vector<JSAMPLE> row;
  for (JDIMENSION i = 0; i < size; ++i) {
    row.insert(row.end(), {red, green, blue});
  }
  while (info.next_scanline < info.image_height) {
    JSAMPROW pixels = row.data();
    jpeg_write_scanlines(&info, &pixels, 1);
  }
  jpeg_finish_compress(&info);
  std::string file(reinterpret_cast<char*>(bytes), length);
  jpeg_destroy_compress(&info);
  std::free(bytes);
  return file;
}

const std::string kGreyPng =
    encode_png(2, 2, PNG_FORMAT_GRAY, std::string_view("\x00\x55\xaa\xff", 4));
// Red, then a half transparent green.
const std::string kColourPng =
    encode_png(2, 1, PNG_FORMAT_RGBA, std::string_view("\xff\0\0\xff\0\xff\0\x80", 8));
const std::string kJpeg = encode_jpeg(8, 200, 40, 90);

TEST(Pictures, AGreyPngDecodesToItsPixels) {
  const auto picture = decode_picture(kGreyPng, 1);
  ASSERT_TRUE(picture) << picture.error().message;
  EXPECT_EQ(picture->width, 2);
  EXPECT_THAT(picture->pixels, ElementsAre(0, 85, 170, 255));
  EXPECT_THAT(decode_picture(kGreyPng, 3)->pixels,
              ElementsAre(0, 0, 0, 85, 85, 85, 170, 170, 170, 255, 255, 255));
}

TEST(Pictures, TransparentPartsLieOnBlack) {
  const auto picture = decode_picture(kColourPng, 3);
  ASSERT_TRUE(picture) << picture.error().message;
  ASSERT_EQ(picture->pixels.size(), 6u);
  EXPECT_THAT(std::vector<int>(picture->pixels.begin(), picture->pixels.begin() + 3),
              ElementsAre(255, 0, 0));
  EXPECT_EQ(picture->pixels[3], 0);
  EXPECT_GT(picture->pixels[4], 0);
  EXPECT_LT(picture->pixels[4], 255);
}

TEST(Pictures, AJpegDecodesToItsColourAndItsBrightness) {
  const auto colour = decode_picture(kJpeg, 3);
  ASSERT_TRUE(colour) << colour.error().message;
  EXPECT_NEAR(colour->pixels[0], 200, 3);
  EXPECT_NEAR(colour->pixels[1], 40, 3);
  EXPECT_NEAR(colour->pixels[2], 90, 3);
  EXPECT_NEAR(decode_picture(kJpeg, 1)->pixels[0], 0.299 * 200 + 0.587 * 40 + 0.114 * 90, 3);
}

TEST(Pictures, EveryTruncationIsRefusedOrDecodedWithoutHarm) {
  for (const std::string& file : {kGreyPng, kColourPng, kJpeg}) {
    for (std::size_t length = 0; length < file.size(); ++length) {
      const auto picture = decode_picture(file.substr(0, length), 3);
      if (!picture) {
        EXPECT_EQ(picture.error().code, ErrorCode::kInvalidArgument);
        EXPECT_FALSE(picture.error().message.empty());
      }
    }
    EXPECT_FALSE(decode_picture(file.substr(0, file.size() / 4), 3));
  }
  EXPECT_EQ(decode_picture("", 1).error().message, "is empty");
  EXPECT_EQ(decode_picture("GIF89a", 1).error().message, "is neither a PNG nor a JPEG");
}

TEST(ResizeByArea, KeepsPixelsWhenTheSizeStays) {
  const Picture picture{.width = 3, .height = 1, .channels = 1, .pixels = {0, 100, 255}};
  EXPECT_THAT(resize_by_area(picture, 3, 1), ElementsAre(0, 100, 255));
}

TEST(ResizeByArea, AveragesWhatANewPixelCovers) {
  const Picture halved{
      .width = 4, .height = 2, .channels = 1, .pixels = {0, 40, 100, 200, 20, 60, 100, 0}};
  EXPECT_THAT(resize_by_area(halved, 2, 1), ElementsAre(30, 100));
  const Picture thirds{.width = 3, .height = 1, .channels = 1, .pixels = {30, 60, 90}};
  // Each of two covers 1.5 old pixels: (30 + 60 / 2) / 1.5 and (60 / 2 + 90) / 1.5.
  EXPECT_THAT(resize_by_area(thirds, 2, 1), ElementsAre(FloatNear(40, 1e-3), FloatNear(80, 1e-3)));
}

TEST(ResizeByArea, GrowsPixelsIntoBlocksWithBlendedBorders) {
  const Picture picture{.width = 2, .height = 1, .channels = 1, .pixels = {0, 90}};
  EXPECT_THAT(resize_by_area(picture, 4, 2), ElementsAre(0, 0, 90, 90, 0, 0, 90, 90));
  EXPECT_THAT(resize_by_area(picture, 3, 1), ElementsAre(0, FloatNear(45, 1e-3), 90));
}

TEST(ResizeByArea, KeepsChannelsApartAndTheMeanAtAnySize) {
  Picture picture{.width = 7, .height = 5, .channels = 3, .pixels = {}};
  for (int i = 0; i < 35; ++i) {
    picture.pixels.insert(picture.pixels.end(), {static_cast<std::uint8_t>(i * 7), 10, 250});
  }
  for (const auto& [width, height] : {std::pair{1, 1}, {3, 2}, {7, 5}, {20, 31}, {6, 5}}) {
    const auto scaled = resize_by_area(picture, width, height);
    ASSERT_EQ(scaled.size(), static_cast<std::size_t>(width * height * 3));
    double mean = 0;
    for (std::size_t i = 0; i < scaled.size(); i += 3) {
      mean += scaled[i] / (width * height);
      EXPECT_NEAR(scaled[i + 1], 10, 1e-3);
      EXPECT_NEAR(scaled[i + 2], 250, 1e-2);
    }
    EXPECT_NEAR(mean, 7 * 17, 0.01);
  }
}

ModelManifest image_model() {
  ModelManifest manifest;
  manifest.name = "eye";
  manifest.inputs = {{.name = "image",
                      .kind = InputKind::kImage,
                      .image = {.width = 2, .height = 2, .channels = 1}}};
  return manifest;
}

TEST(Prepare, AnImageBecomesNormalisedPlanes) {
  ModelManifest manifest = image_model();
  manifest.inputs[0].image.mean = {0.5f};
  manifest.inputs[0].image.std = {0.5f};
  auto prepared = prepare(manifest, {{"image", Media{.type = {}, .data = kGreyPng}}});
  ASSERT_TRUE(prepared) << prepared.error().message;
  EXPECT_THAT(prepared->arguments[0].shape, ElementsAre(1, 1, 2, 2));
  EXPECT_THAT(
      floats_of(prepared->arguments[0]),
      ElementsAre(FloatEq(-1), FloatNear(-1.0f / 3, 1e-6), FloatNear(1.0f / 3, 1e-6), FloatEq(1)));
  manifest.inputs[0].image.invert = true;
  prepared = prepare(manifest, {{"image", Media{.type = {}, .data = kGreyPng}}});
  EXPECT_THAT(
      floats_of(prepared->arguments[0]),
      ElementsAre(FloatEq(1), FloatNear(1.0f / 3, 1e-6), FloatNear(-1.0f / 3, 1e-6), FloatEq(-1)));
}

TEST(Prepare, RawPixelsTakeTheSamePathAsAFile) {
  ModelManifest manifest = image_model();
  const Values raw = {{"image", tensor_of(DType::kU8, {2, 2}, std::string("\x00\x55\xaa\xff", 4))}};
  EXPECT_EQ(prepare(manifest, raw)->arguments[0],
            prepare(manifest, {{"image", Media{.type = {}, .data = kGreyPng}}})->arguments[0]);
  manifest.inputs[0].image.channels = 3;
  const Values planes = {
      {"image", tensor_of(DType::kU8, {1, 1, 3}, std::string("\xff\x00\x33", 3))}};
  const auto prepared = prepare(manifest, planes);
  ASSERT_TRUE(prepared) << prepared.error().message;
  EXPECT_THAT(floats_of(prepared->arguments[0]),
              ElementsAre(1, 1, 1, 1, 0, 0, 0, 0, FloatEq(0.2f), FloatEq(0.2f), FloatEq(0.2f),
                          FloatEq(0.2f)));
}

TEST(Prepare, RefusalsNameTheInput) {
  ModelManifest manifest = image_model();
  manifest.inputs.push_back({.name = "x", .dtype = DType::kF32, .shape = {-1, 2}});
  manifest.inputs.push_back({.name = "rate", .kind = InputKind::kConstant, .constant = 3});
  const NamedValue image{"image", Media{.type = {}, .data = kGreyPng}};
  const NamedValue x{"x", float_tensor({1, 2}, {1, 2})};
  ASSERT_TRUE(prepare(manifest, {image, x}));
  const struct {
    Values values;
    const char* message;
  } cases[] = {
      {{image}, "input 'x' is missing"},
      {{image, x, x}, "input 'x' is given twice"},
      {{image, x, {"y", Media{}}}, "has no input 'y'; its inputs: 'image', 'x'"},
      {{image, x, {"rate", x.value}}, "has no input 'rate'"},
      {{{"image", Media{}}, x}, "input 'image' is empty"},
      {{{"image", Media{.type = {}, .data = "hello"}}, x},
       "input 'image' is neither a PNG nor a JPEG"},
      {{{"image", x.value}, x},
       "input 'image' is an image: it takes a PNG, a JPEG or pixels as u8 [height, width, 1], not "
       "f32 [1, 2]"},
      {{{"image", tensor_of(DType::kU8, {0, 2}, "")}, x}, "not u8 [0, 2]"},
      {{{"image", Labels{}}, x}, "input 'image' is an image"},
      {{image, {"x", float_tensor({2}, {1, 2})}},
       "input 'x' is f32 [2]; the model takes f32 [-1, 2]"},
      {{image, {"x", float_tensor({2, 1}, {1, 2})}}, "input 'x' is f32 [2, 1]"},
      {{image, {"x", tensor_of(DType::kI64, {1, 2}, std::string(16, '\0'))}},
       "input 'x' is i64 [1, 2]"},
      {{image, {"x", Media{}}}, "input 'x' takes a tensor, f32 [-1, 2]"},
  };
  for (const auto& one : cases) {
    const auto prepared = prepare(manifest, one.values);
    ASSERT_FALSE(prepared) << one.message;
    EXPECT_EQ(prepared.error().code, ErrorCode::kInvalidArgument);
    EXPECT_THAT(prepared.error().message, HasSubstr(one.message));
  }
}

TEST(Prepare, BooleansAreZeroOrOne) {
  ModelManifest manifest;
  manifest.inputs = {{.name = "b", .dtype = DType::kBool, .shape = {3}}};
  const auto prepared =
      prepare(manifest, {{"b", tensor_of(DType::kBool, {3}, std::string("\0\2\xff", 3))}});
  EXPECT_EQ(prepared->arguments[0].data, std::string("\0\1\1", 3));
}

// A WAV of 16-bit samples.
std::string wav(int rate_hz, int channels, const std::vector<std::int16_t>& samples) {
  std::string out = "RIFF";
  const auto put = [&out](std::uint32_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) {
      out.push_back(static_cast<char>(value >> (8 * i)));
    }
  };
  const auto data_bytes = static_cast<std::uint32_t>(samples.size() * 2);
  const auto frame_bytes = static_cast<std::uint32_t>(channels * 2);
  put(36 + data_bytes, 4);
  out += "WAVEfmt ";
  put(16, 4);
  put(1, 2);
  put(static_cast<std::uint32_t>(channels), 2);
  put(static_cast<std::uint32_t>(rate_hz), 4);
  put(static_cast<std::uint32_t>(rate_hz) * frame_bytes, 4);
  put(frame_bytes, 2);
  put(16, 2);
  out += "data";
  put(data_bytes, 4);
  for (const std::int16_t sample : samples) {
    put(static_cast<std::uint16_t>(sample), 2);
  }
  return out;
}

ModelManifest audio_model(int rate_hz, int window_samples) {
  ModelManifest manifest;
  manifest.name = "ear";
  manifest.inputs = {{.name = "sound",
                      .kind = InputKind::kAudio,
                      .audio = {.sample_rate_hz = rate_hz, .window_samples = window_samples}}};
  return manifest;
}

TEST(Prepare, AWavBecomesMonoSamplesBetweenMinusOneAndOne) {
  const std::string stereo = wav(8000, 2, {-32768, 0, 16384, 16384, 0, 8192});
  const auto prepared =
      prepare(audio_model(8000, 0), {{"sound", Media{.type = {}, .data = stereo}}});
  ASSERT_TRUE(prepared) << prepared.error().message;
  EXPECT_FALSE(prepared->windowed);
  EXPECT_THAT(prepared->arguments[0].shape, ElementsAre(1, 3));
  EXPECT_THAT(floats_of(prepared->arguments[0]), ElementsAre(-0.5f, 0.5f, 0.125f));
}

TEST(Prepare, AShortLastWindowIsPaddedWithZeros) {
  const std::string mono = wav(8000, 1, {16384, 8192, -16384});
  const auto prepared = prepare(audio_model(8000, 2), {{"sound", Media{.type = {}, .data = mono}}});
  ASSERT_TRUE(prepared) << prepared.error().message;
  EXPECT_EQ(prepared->windowed, 0u);
  EXPECT_THAT(prepared->arguments[0].shape, ElementsAre(2, 2));
  EXPECT_THAT(floats_of(prepared->arguments[0]), ElementsAre(0.5f, 0.25f, -0.5f, 0.0f));
}

TEST(Prepare, AnotherSampleRateIsInterpolated) {
  const std::string mono = wav(8000, 1, {0, 16384, 0, -16384});
  const auto doubled = prepare(audio_model(16000, 0), {{"sound", Media{.type = {}, .data = mono}}});
  ASSERT_TRUE(doubled) << doubled.error().message;
  EXPECT_THAT(floats_of(doubled->arguments[0]),
              ElementsAre(0, 0.25f, 0.5f, 0.25f, 0, -0.25f, -0.5f, -0.5f));
  EXPECT_THAT(resample_linearly({1, 2, 3, 4}, 16000, 8000), ElementsAre(1, 3));
  EXPECT_THAT(resample_linearly({5}, 100, 300), ElementsAre(5, 5, 5));
}

TEST(Prepare, WhatIsNoSoundIsRefused) {
  const ModelManifest manifest = audio_model(8000, 0);
  const auto message = [&](std::string bytes) {
    const auto prepared =
        prepare(manifest, {{"sound", Media{.type = {}, .data = std::move(bytes)}}});
    return prepared ? std::string() : prepared.error().message;
  };
  EXPECT_EQ(message(""), "input 'sound' is empty");
  EXPECT_EQ(message(wav(8000, 1, {})), "input 'sound' holds no samples");
  EXPECT_THAT(message("RIFF"), HasSubstr("input 'sound' is no WAV"));
  EXPECT_THAT(message(kGreyPng), HasSubstr("input 'sound' is no WAV"));
  const std::string whole = wav(8000, 1, {1, 2, 3, 4});
  for (std::size_t length = 0; length < 36; ++length) {
    EXPECT_THAT(message(whole.substr(0, length)), HasSubstr("input 'sound'")) << length;
  }
}

TEST(SyntheticInputs, AreZerosOfTheManifestsShapes) {
  ModelManifest manifest = audio_model(1000, 300);
  manifest.inputs.push_back(image_model().inputs[0]);
  manifest.inputs.push_back({.name = "x", .dtype = DType::kI32, .shape = {-1, 3}});
  manifest.inputs.push_back({.name = "rate", .kind = InputKind::kConstant, .constant = 3});
  const auto inputs = synthetic_inputs(manifest);
  ASSERT_TRUE(inputs);
  ASSERT_EQ(inputs->arguments.size(), 3u);
  EXPECT_EQ(inputs->windowed, 0u);
  EXPECT_THAT(inputs->arguments[0].shape, ElementsAre(4, 300));
  EXPECT_THAT(inputs->arguments[1].shape, ElementsAre(1, 1, 2, 2));
  EXPECT_EQ(inputs->arguments[2], tensor_of(DType::kI32, {1, 3}, std::string(12, '\0')));
  manifest.inputs[2].shape = {1 << 20, 1 << 20};
  EXPECT_EQ(synthetic_inputs(manifest).error().code, ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace skerry::runner
