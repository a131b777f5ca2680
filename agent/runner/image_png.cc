#include <fmt/format.h>

#include "agent/runner/media.h"

#if SKERRY_WITH_PNG
#include <png.h>
#endif

namespace skerry::runner {

#if SKERRY_WITH_PNG

namespace {

// libpng's simplified interface: it owns its state through the control structure, which must be
// freed on every path.
struct Reader {
  Reader() { image.version = PNG_IMAGE_VERSION; }
  ~Reader() { png_image_free(&image); }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  png_image image{};
};

std::unexpected<Error> refused(const Reader& reader) {
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("is no PNG that can be read: {}", reader.image.message));
}

}  // namespace

Result<Picture> decode_png(std::string_view bytes, int channels) {
  Reader reader;
  if (png_image_begin_read_from_memory(&reader.image, bytes.data(), bytes.size()) == 0) {
    return refused(reader);
  }
  const auto pixels = std::int64_t{reader.image.width} * reader.image.height;
  if (pixels > kMaxPicturePixels) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("has {} x {} pixels; {} in all are allowed", reader.image.width,
                            reader.image.height, kMaxPicturePixels));
  }
  reader.image.format = channels == 1 ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB;
  Picture picture{.width = static_cast<int>(reader.image.width),
                  .height = static_cast<int>(reader.image.height),
                  .channels = channels,
                  .pixels = std::vector<std::uint8_t>(PNG_IMAGE_SIZE(reader.image))};
  const png_color black{};
  if (png_image_finish_read(&reader.image, &black, picture.pixels.data(), 0, nullptr) == 0) {
    return refused(reader);
  }
  return picture;
}

#else

Result<Picture> decode_png(std::string_view, int) {
  return fail(ErrorCode::kUnsupported, "is a PNG, which this runner was built without");
}

#endif

}  // namespace skerry::runner
