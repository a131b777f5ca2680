#include "controller/api/manifest_cache.h"

namespace skerry::api {

ManifestCache::Entry ManifestCache::find(std::string_view model) const {
  const std::scoped_lock lock(mutex_);
  const auto found = entries_.find(model);
  return found == entries_.end() ? nullptr : found->second;
}

std::uint64_t ManifestCache::generation() const {
  const std::scoped_lock lock(mutex_);
  return generation_;
}

void ManifestCache::put(Entry manifest, std::uint64_t generation) {
  const std::scoped_lock lock(mutex_);
  if (generation == generation_) {
    std::string name = manifest->name;
    entries_.insert_or_assign(std::move(name), std::move(manifest));
  }
}

void ManifestCache::drop(std::string_view model) {
  const std::scoped_lock lock(mutex_);
  ++generation_;
  if (const auto found = entries_.find(model); found != entries_.end()) {
    entries_.erase(found);
  }
}

}  // namespace skerry::api
