#include <fmt/format.h>

#include "agent/runner/media.h"

#if SKERRY_WITH_JPEG
#include <csetjmp>
#include <cstdio>
// jpeglib.h needs size_t and FILE declared before it.
#include <jpeglib.h>
#endif

namespace skerry::runner {

#if SKERRY_WITH_JPEG

namespace {

// libjpeg reports an error by calling error_exit, which must not return: it jumps back to
// read_pixels. Everything that needs a destructor lives outside the function that is jumped out of.
struct Decoder {
  Decoder() {
    info.err = jpeg_std_error(&errors);
    errors.error_exit = [](j_common_ptr any) {
      auto* self = static_cast<Decoder*>(any->client_data);
      any->err->format_message(any, self->message);
      std::longjmp(self->on_error, 1);
    };
    errors.output_message = [](j_common_ptr) {
    };  // warnings: a slightly damaged photo still decodes
    info.client_data = this;
    jpeg_create_decompress(&info);
  }
  ~Decoder() { jpeg_destroy_decompress(&info); }
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;

  jpeg_decompress_struct info{};
  jpeg_error_mgr errors{};
  std::jmp_buf on_error;
  char message[JMSG_LENGTH_MAX] = {};
};

// Fills decoder.info with the sizes; false on an error, told by decoder.message.
bool read_header(Decoder& decoder, std::string_view bytes, int channels) {
  if (setjmp(decoder.on_error) != 0) {
    return false;
  }
  jpeg_mem_src(&decoder.info, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
  jpeg_read_header(&decoder.info, TRUE);
  decoder.info.out_color_space = channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
  return true;
}

bool read_pixels(Decoder& decoder, Picture& picture) {
  if (setjmp(decoder.on_error) != 0) {
    return false;
  }
  jpeg_start_decompress(&decoder.info);
  const std::size_t row_bytes =
      static_cast<std::size_t>(picture.width) * static_cast<std::size_t>(picture.channels);
  while (decoder.info.output_scanline < decoder.info.output_height) {
    JSAMPROW row = picture.pixels.data() + row_bytes * decoder.info.output_scanline;
    jpeg_read_scanlines(&decoder.info, &row, 1);
  }
  jpeg_finish_decompress(&decoder.info);
  return true;
}

std::unexpected<Error> refused(const Decoder& decoder) {
  return fail(ErrorCode::kInvalidArgument, fmt::format("is no JPEG that can be read: {}",
                                                       static_cast<const char*>(decoder.message)));
}

}  // namespace

Result<Picture> decode_jpeg(std::string_view bytes, int channels) {
  Decoder decoder;
  if (!read_header(decoder, bytes, channels)) {
    return refused(decoder);
  }
  Picture picture{.width = static_cast<int>(decoder.info.image_width),
                  .height = static_cast<int>(decoder.info.image_height),
                  .channels = channels,
                  .pixels = {}};
  const auto pixels = std::int64_t{picture.width} * picture.height;
  if (pixels > kMaxPicturePixels) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("has {} x {} pixels; {} in all are allowed", picture.width,
                            picture.height, kMaxPicturePixels));
  }
  picture.pixels.resize(static_cast<std::size_t>(pixels) * static_cast<std::size_t>(channels));
  if (!read_pixels(decoder, picture)) {
    return refused(decoder);
  }
  return picture;
}

#else

Result<Picture> decode_jpeg(std::string_view, int) {
  return fail(ErrorCode::kUnsupported, "is a JPEG, which this runner was built without");
}

#endif

}  // namespace skerry::runner
