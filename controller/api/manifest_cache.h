// manifest_cache.h: the manifests of models as handlers need them to read inputs, so that a
// submission does not visit the core's strand twice.
//
// An entry is dropped when its model changes: drop() is called for every ModelChanged before the
// change's answer leaves. A look-up that was under way meanwhile does not put the older manifest
// back. Thread-safe.

#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "common/manifest.h"

namespace skerry::api {

class ManifestCache {
 public:
  using Entry = std::shared_ptr<const ModelManifest>;

  Entry find(std::string_view model) const;  // nullptr: not here
  // To be asked for before the core is, and given back with what it said.
  std::uint64_t generation() const;
  void put(Entry manifest, std::uint64_t generation);
  void drop(std::string_view model);

 private:
  mutable std::mutex mutex_;
  std::uint64_t generation_ = 0;  // counts drops
  std::map<std::string, Entry, std::less<>> entries_;
};

}  // namespace skerry::api
