#include "common/secrets/given_secrets.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "common/digest.h"
#include "common/secrets/given_file.h"

namespace skerry::secrets {
namespace {

constexpr Duration kLookEvery = seconds(1);
constexpr std::size_t kShortest = 32;
constexpr std::size_t kLongest = 256;

bool is_visible(char c) { return c > ' ' && c <= '~'; }

}  // namespace

Result<std::string> read_given_secret(const std::string& path) {
  auto text = read_given_file(path);
  if (!text) {
    return text;
  }
  const std::size_t end = text->find_last_not_of(" \t\r\n");
  text->resize(end == std::string::npos ? 0 : end + 1);
  if (text->size() < kShortest || text->size() > kLongest ||
      !std::ranges::all_of(*text, is_visible)) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("'{}' must hold one line of {} to {} visible characters: openssl rand "
                            "-hex 32 makes one",
                            path, kShortest, kLongest));
  }
  return text;
}

GivenSecrets::GivenSecrets(std::vector<File> files, Clock& clock, Say say)
    : clock_(clock), say_(std::move(say)), files_(std::move(files)), looked_at_(clock.now()) {}

// The stamp comes first: what changes while it is read is seen the next time.
Status GivenSecrets::read(File& file) {
  file.stamp = stamp_of(file.path);
  file.hash.clear();
  const auto secret = read_given_secret(file.path);
  if (!secret) {
    return fail(secret.error());
  }
  file.hash = sha256(*secret);
  return {};
}

Result<std::unique_ptr<GivenSecrets>> GivenSecrets::open(std::vector<std::string> paths,
                                                         Clock& clock, Say say) {
  std::vector<File> files;
  for (std::string& path : paths) {
    File file{.path = std::move(path)};
    if (Status usable = read(file); !usable) {
      return fail(std::move(usable).error());
    }
    const auto same = std::ranges::find(files, file.hash, &File::hash);
    if (same != files.end()) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("'{}' and '{}' hold the same secret", same->path, file.path));
    }
    files.push_back(std::move(file));
  }
  return std::unique_ptr<GivenSecrets>(new GivenSecrets(std::move(files), clock, std::move(say)));
}

std::optional<std::size_t> GivenSecrets::find(std::string_view shown) {
  const std::string hash = sha256(shown);
  const std::scoped_lock lock(mutex_);
  look();
  std::optional<std::size_t> found;
  for (std::size_t i = 0; i < files_.size(); ++i) {
    if (same_secret(files_[i].hash, hash)) {
      found = i;
    }
  }
  return found;
}

void GivenSecrets::look() {
  const Instant now = clock_.now();
  if (since(looked_at_, now) < kLookEvery) {
    return;
  }
  looked_at_ = now;
  for (File& file : files_) {
    if (stamp_of(file.path) == file.stamp) {
      continue;
    }
    Status usable = read(file);
    const auto same = std::ranges::find_if(
        files_, [&](const File& other) { return &other != &file && other.hash == file.hash; });
    if (usable && same != files_.end()) {
      file.hash.clear();  // whose would it be?
      usable = fail(ErrorCode::kInvalidArgument,
                    fmt::format("'{}' and '{}' hold the same secret", same->path, file.path));
    }
    say_(usable.has_value(),
         usable
             ? fmt::format("the secret in '{}' counts from now on", file.path)
             : fmt::format("a secret that was given counts no more: {}", usable.error().message));
  }
}

}  // namespace skerry::secrets
