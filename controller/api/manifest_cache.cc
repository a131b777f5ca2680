#include "controller/api/manifest_cache.h"

namespace skerry::api {

namespace {

constexpr std::size_t kMostEntries = 10'000;  // names that are not a model's own are entries, too

}  // namespace

ManifestCache::Entry ManifestCache::find(const std::string& ns, const std::string& model) const {
  const std::scoped_lock lock(mutex_);
  const auto found = entries_.find({ns, model});
  return found == entries_.end() ? nullptr : found->second;
}

std::uint64_t ManifestCache::generation() const {
  const std::scoped_lock lock(mutex_);
  return generation_;
}

void ManifestCache::put(const std::string& ns, const std::string& model, Entry manifest,
                        std::uint64_t generation) {
  const std::scoped_lock lock(mutex_);
  if (generation == generation_ && entries_.size() < kMostEntries) {
    entries_.insert_or_assign({ns, model}, std::move(manifest));
  }
}

void ManifestCache::drop() {
  const std::scoped_lock lock(mutex_);
  ++generation_;
  entries_.clear();
}

}  // namespace skerry::api
