#include <algorithm>

#include "agent/runner/media.h"
#include "common/check.h"

namespace skerry::runner {

namespace {

// What one new pixel covers along one axis: old pixels from first on, each with its share; the
// shares sum to 1.
struct Cover {
  int first = 0;
  std::vector<float> shares;
};

std::vector<Cover> covers(int from, int to) {
  std::vector<Cover> all(static_cast<std::size_t>(to));
  const double step = static_cast<double>(from) / to;
  for (int i = 0; i < to; ++i) {
    const double begin = i * step;
    const double end = std::min<double>(from, (i + 1) * step);
    auto& cover = all[static_cast<std::size_t>(i)];
    cover.first = std::min(static_cast<int>(begin), from - 1);
    for (int old = cover.first; old < from && (old < end || cover.shares.empty()); ++old) {
      const double part = std::min<double>(old + 1, end) - std::max<double>(old, begin);
      cover.shares.push_back(static_cast<float>(part / step));
    }
  }
  return all;
}

}  // namespace

Result<Picture> decode_picture(std::string_view bytes, int channels) {
  if (bytes.starts_with("\x89PNG")) {
    return decode_png(bytes, channels);
  }
  if (bytes.starts_with("\xff\xd8")) {
    return decode_jpeg(bytes, channels);
  }
  return fail(ErrorCode::kInvalidArgument,
              bytes.empty() ? "is empty" : "is neither a PNG nor a JPEG");
}

std::vector<float> resize_by_area(const Picture& picture, int width, int height) {
  check(picture.width > 0 && picture.height > 0 && width > 0 && height > 0,
        "pictures have an area");
  const auto channels = static_cast<std::size_t>(picture.channels);
  const auto old_row = static_cast<std::size_t>(picture.width) * channels;
  const auto new_row = static_cast<std::size_t>(width) * channels;
  const auto across = covers(picture.width, width);
  const auto down = covers(picture.height, height);
  std::vector<float> scaled(new_row * static_cast<std::size_t>(height), 0.0f);
  std::vector<float> narrowed(new_row);  // one old row at its new width
  // Both covers ascend, so each old row is narrowed once and added to the one or more new rows that
  // it reaches.
  std::size_t first_row = 0;
  for (int y = 0; y < picture.height; ++y) {
    const std::uint8_t* pixels = picture.pixels.data() + old_row * static_cast<std::size_t>(y);
    for (std::size_t x = 0; x < across.size(); ++x) {
      for (std::size_t c = 0; c < channels; ++c) {
        float sum = 0;
        for (std::size_t i = 0; i < across[x].shares.size(); ++i) {
          sum += across[x].shares[i] *
                 pixels[(static_cast<std::size_t>(across[x].first) + i) * channels + c];
        }
        narrowed[x * channels + c] = sum;
      }
    }
    const auto ends_before = [&](const Cover& cover) {
      return cover.first + static_cast<int>(cover.shares.size()) <= y;
    };
    while (first_row < down.size() && ends_before(down[first_row])) {
      ++first_row;
    }
    for (std::size_t row = first_row; row < down.size() && down[row].first <= y; ++row) {
      const float share = down[row].shares[static_cast<std::size_t>(y - down[row].first)];
      for (std::size_t i = 0; i < new_row; ++i) {
        scaled[row * new_row + i] += share * narrowed[i];
      }
    }
  }
  return scaled;
}

std::string media_built_in() {
  std::string list;
#if SKERRY_WITH_PNG
  list += " png";
#endif
#if SKERRY_WITH_JPEG
  list += " jpeg";
#endif
#if SKERRY_WITH_SNDFILE
  list += " wav";
#endif
  return list.empty() ? "none" : list.substr(1);
}

}  // namespace skerry::runner
