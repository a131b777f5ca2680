#include "agent/site/site_blobs.h"

#include <boost/asio/post.hpp>

namespace skerry::agent {

void SiteBlobs::fetch(BlobTicket ticket, const std::string& digest, bool want_bytes) {
  // Artifacts are wanted as files of the controller's cache, inputs as bytes.
  Result<blobs::BlobPin> pin =
      want_bytes ? here_.pin(digest) : Result<blobs::BlobPin>(fail(ErrorCode::kNotFound, ""));
  if (!pin) {
    return controller_.fetch(ticket, digest, want_bytes);
  }
  held_.emplace(digest, *std::move(pin));
  Fetched fetched{.ticket = ticket};
  if (Result<std::string> bytes = here_.read_all(digest)) {
    fetched.bytes = std::make_shared<const std::string>(*std::move(bytes));
  } else {
    fetched.status = fail(std::move(bytes).error());
  }
  boost::asio::post(strand_, [this, fetched = std::move(fetched)]() mutable {
    events_.blob_fetched(std::move(fetched));
  });
}

void SiteBlobs::release(const std::string& digest) {
  if (const auto held = held_.find(digest); held != held_.end()) {
    held_.erase(held);
  } else {
    controller_.release(digest);
  }
}

void SiteBlobs::store(BlobTicket ticket, std::shared_ptr<const std::string> bytes, Master to) {
  if (to == Master::kController) {
    return controller_.store(ticket, std::move(bytes), to);
  }
  // Let go of at once, it stays: the site's core is about to name it.
  Result<blobs::BlobPin> pin = here_.put(*bytes);
  Stored stored{.ticket = ticket,
                .digest = pin ? Result<std::string>(pin->digest()) : fail(pin.error())};
  boost::asio::post(strand_, [this, stored = std::move(stored)]() mutable {
    events_.blob_stored(std::move(stored));
  });
}

}  // namespace skerry::agent
