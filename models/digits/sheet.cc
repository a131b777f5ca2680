#include "models/digits/sheet.h"

#include <fmt/format.h>
#include <png.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "common/check.h"

namespace skerry::digits {

namespace {

constexpr int kColumns = 100;
constexpr int kRows = 50;
constexpr int kRowsPerClass = kRows / kClasses;

void shuffle(std::vector<Digit>& digits, Random& random) {
  for (std::size_t i = digits.size(); i > 1; --i) {
    std::swap(digits[i - 1], digits[random.below(i)]);
  }
}

Digit cut(const std::vector<std::uint8_t>& sheet, int row, int column) {
  Digit digit{.pixels = {}, .label = row / kRowsPerClass};
  for (int y = 0; y < kSide; ++y) {
    const auto from = sheet.begin() + (row * kSide + y) * kColumns * kSide + column * kSide;
    std::copy_n(from, kSide, digit.pixels.begin() + y * kSide);
  }
  return digit;
}

}  // namespace

Result<std::vector<Digit>> read_sheet(const std::string& path) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  if (png_image_begin_read_from_file(&image, path.c_str()) == 0) {
    return fail(ErrorCode::kIo, fmt::format("cannot read {}: {}", path, image.message));
  }
  image.format = PNG_FORMAT_GRAY;
  std::vector<std::uint8_t> sheet(PNG_IMAGE_SIZE(image));
  const bool sized = image.width == kColumns * kSide && image.height == kRows * kSide;
  if (!sized || png_image_finish_read(&image, nullptr, sheet.data(), 0, nullptr) == 0) {
    png_image_free(&image);
    return fail(ErrorCode::kCorrupt,
                fmt::format("{} is not the sheet of 100 x 50 digits of opencv-doc", path));
  }
  std::vector<Digit> digits;
  for (int row = 0; row < kRows; ++row) {
    for (int column = 0; column < kColumns; ++column) {
      digits.push_back(cut(sheet, row, column));
    }
  }
  return digits;
}

Split split(const std::vector<Digit>& digits) {
  Random random = Random(kSeed).fork("split");
  Split result;
  for (int label = 0; label < kClasses; ++label) {
    std::vector<Digit> of_class;
    std::ranges::copy_if(digits, std::back_inserter(of_class),
                         [&](const Digit& d) { return d.label == label; });
    shuffle(of_class, random);
    const auto border = of_class.begin() + kHeldOutPerClass;
    result.held_out.insert(result.held_out.end(), of_class.begin(), border);
    result.training.insert(result.training.end(), border, of_class.end());
  }
  shuffle(result.held_out, random);
  shuffle(result.training, random);
  return result;
}

std::string encode_png(const Digit& digit) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = image.height = kSide;
  image.format = PNG_FORMAT_GRAY;
  std::string bytes(PNG_IMAGE_PNG_SIZE_MAX(image), '\0');
  png_alloc_size_t size = bytes.size();
  const int encoded =
      png_image_write_to_memory(&image, bytes.data(), &size, 0, digit.pixels.data(), 0, nullptr);
  check(encoded != 0, "a digit fits the largest size of its PNG");
  bytes.resize(size);
  return bytes;
}

Status write_file(const std::string& path, const std::string& bytes) {
  std::ofstream file(path, std::ios::binary);
  if (!file.write(bytes.data(), static_cast<std::streamsize>(bytes.size())).flush()) {
    return fail(ErrorCode::kIo, fmt::format("cannot write {}", path));
  }
  return {};
}

Status export_held_out(const std::string& folder, const std::vector<Digit>& held_out) {
  std::error_code failed;
  std::filesystem::create_directories(folder, failed);
  std::string labels = "file,label\n";
  for (std::size_t i = 0; i < held_out.size(); ++i) {
    const std::string name = fmt::format("{:04}.png", i);
    if (auto written = write_file(fmt::format("{}/{}", folder, name), encode_png(held_out[i]));
        !written) {
      return written;
    }
    labels += fmt::format("{},{}\n", name, held_out[i].label);
  }
  return write_file(folder + "/labels.csv", labels);
}

}  // namespace skerry::digits
