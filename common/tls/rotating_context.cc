#include "common/tls/rotating_context.h"

#include <fmt/format.h>

#include <utility>

namespace skerry::tls {
namespace {

constexpr Duration kLookEvery = seconds(1);

}  // namespace

RotatingContext::RotatingContext(ServerFiles files, Clock& clock, Say say, Context context,
                                 Stamps stamps)
    : files_(std::move(files)),
      clock_(clock),
      say_(std::move(say)),
      context_(std::move(context)),
      stamps_(stamps),
      looked_at_(clock.now()) {}

Result<std::unique_ptr<RotatingContext>> RotatingContext::open(ServerFiles files, Clock& clock,
                                                               Say say) {
  const Stamps stamps = stamps_of(files);  // before they are read: what changes meanwhile is seen
  auto context = server_context(files);
  if (!context) {
    return fail(std::move(context).error());
  }
  return std::unique_ptr<RotatingContext>(
      new RotatingContext(std::move(files), clock, std::move(say), *std::move(context), stamps));
}

RotatingContext::Stamps RotatingContext::stamps_of(const ServerFiles& files) {
  return {secrets::stamp_of(files.certificate_file), secrets::stamp_of(files.key_file),
          secrets::stamp_of(files.client_ca_file)};
}

Context RotatingContext::current() {
  const std::scoped_lock lock(mutex_);
  look();
  return context_;
}

Instant RotatingContext::not_after() {
  const std::scoped_lock lock(mutex_);
  look();
  return tls::not_after(context_);
}

void RotatingContext::look() {
  const Instant now = clock_.now();
  if (since(looked_at_, now) < kLookEvery) {
    return;
  }
  looked_at_ = now;
  const Stamps stamps = stamps_of(files_);
  if (stamps == stamps_) {
    return;
  }
  stamps_ = stamps;
  auto fresh = server_context(files_);
  if (fresh) {
    context_ = *std::move(fresh);
    say_(true,
         fmt::format("the certificate in '{}' is in use from now on", files_.certificate_file));
  } else {
    say_(false,
         fmt::format("the certificate before is still in use, since the new one is not to be "
                     "had: {}",
                     fresh.error().message));
  }
}

}  // namespace skerry::tls
