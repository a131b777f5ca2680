#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "agent/runner/media.h"
#include "common/check.h"

#if SKERRY_WITH_SNDFILE
#include <sndfile.h>

#include <cstring>
#include <memory>
#endif

namespace skerry::runner {

#if SKERRY_WITH_SNDFILE

namespace {

// A file in memory for libsndfile, which asks for its bytes through these functions.
struct MemoryFile {
  std::string_view bytes;
  sf_count_t at = 0;
};

sf_count_t file_length(void* user) {
  return static_cast<sf_count_t>(static_cast<MemoryFile*>(user)->bytes.size());
}

sf_count_t file_seek(sf_count_t offset, int whence, void* user) {
  auto* file = static_cast<MemoryFile*>(user);
  const sf_count_t base =
      whence == SEEK_CUR ? file->at : (whence == SEEK_END ? file_length(user) : 0);
  file->at = std::clamp<sf_count_t>(base + offset, 0, file_length(user));
  return file->at;
}

sf_count_t file_read(void* to, sf_count_t count, void* user) {
  auto* file = static_cast<MemoryFile*>(user);
  const sf_count_t taken = std::clamp<sf_count_t>(count, 0, file_length(user) - file->at);
  std::memcpy(to, file->bytes.data() + file->at, static_cast<std::size_t>(taken));
  file->at += taken;
  return taken;
}

sf_count_t file_write(const void*, sf_count_t, void*) { return 0; }
sf_count_t file_tell(void* user) { return static_cast<MemoryFile*>(user)->at; }

bool is_wav(int format) {
  const int container = format & SF_FORMAT_TYPEMASK;
  return container == SF_FORMAT_WAV || container == SF_FORMAT_WAVEX || container == SF_FORMAT_RF64;
}

}  // namespace

Result<Sound> decode_wav(std::string_view bytes) {
  SF_VIRTUAL_IO io{file_length, file_seek, file_read, file_write, file_tell};
  MemoryFile memory{.bytes = bytes};
  SF_INFO info{};
  const std::unique_ptr<SNDFILE, int (*)(SNDFILE*)> file(
      sf_open_virtual(&io, SFM_READ, &info, &memory), sf_close);
  if (file == nullptr || !is_wav(info.format)) {
    return fail(ErrorCode::kInvalidArgument,
                bytes.empty() ? "is empty"
                              : fmt::format("is no WAV that can be read: {}",
                                            file == nullptr ? sf_strerror(nullptr)
                                                            : "it is another kind of sound"));
  }
  // The header's frame count is a claim; no more is allocated than arrives.
  if (info.channels < 1 || info.samplerate < 1) {
    return fail(ErrorCode::kInvalidArgument, "is a WAV without channels or sample rate");
  }
  constexpr sf_count_t kFramesAtOnce = 4096;
  const auto channels = static_cast<std::size_t>(info.channels);
  std::vector<float> frames(static_cast<std::size_t>(kFramesAtOnce) * channels);
  Sound sound{.sample_rate_hz = info.samplerate, .samples = {}};
  for (;;) {
    const sf_count_t got = sf_readf_float(file.get(), frames.data(), kFramesAtOnce);
    if (got <= 0) {
      return sound;
    }
    if (static_cast<std::int64_t>(sound.samples.size()) + got > kMaxSoundSamples) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("has more than {} samples", kMaxSoundSamples));
    }
    for (std::size_t frame = 0; frame < static_cast<std::size_t>(got); ++frame) {
      float sum = 0;
      for (std::size_t c = 0; c < channels; ++c) {
        sum += frames[frame * channels + c];
      }
      sound.samples.push_back(sum / static_cast<float>(channels));
    }
  }
}

#else

Result<Sound> decode_wav(std::string_view) {
  return fail(ErrorCode::kUnsupported, "is a sound, which this runner was built without");
}

#endif

std::vector<float> resample_linearly(const std::vector<float>& samples, int from_hz, int to_hz) {
  check(from_hz > 0 && to_hz > 0, "sample rates are positive");
  if (from_hz == to_hz || samples.empty()) {
    return samples;
  }
  const auto count = static_cast<std::size_t>(
      std::max(1.0, std::round(static_cast<double>(samples.size()) * to_hz / from_hz)));
  std::vector<float> resampled(count);
  for (std::size_t i = 0; i < count; ++i) {
    const double at = static_cast<double>(i) * from_hz / to_hz;
    const std::size_t left = std::min(static_cast<std::size_t>(at), samples.size() - 1);
    const std::size_t right = std::min(left + 1, samples.size() - 1);
    const auto share = static_cast<float>(at - static_cast<double>(left));
    resampled[i] =
        left == right ? samples[left] : samples[left] * (1 - share) + samples[right] * share;
  }
  return resampled;
}

}  // namespace skerry::runner
