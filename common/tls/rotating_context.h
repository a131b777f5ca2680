// rotating_context.h: a server's TLS context, read again whenever its files change.
//
// Certificates are renewed by programs that replace files; nobody should have to restart us for it. The
// files are looked at when a connection asks for the context, once a second at most. What cannot be read
// or does not fit together (the certificate is replaced a moment before its key) leaves the old context
// in use, and is said once; the next change is tried again.
//
// Thread-safe. Owned by whoever runs the server, and outlives it.

#pragma once

#include <array>
#include <functional>
#include <memory>
#include <mutex>
#include <string_view>

#include "common/error.h"
#include "common/secrets/file_stamp.h"
#include "common/time.h"
#include "common/tls/context.h"

namespace skerry::tls {

class RotatingContext {
 public:
  // What happened to the files, as a sentence; `good`: a new context is in use.
  using Say = std::function<void(bool good, std::string_view sentence)>;

  // Errors as server_context(). The clock outlives it.
  static Result<std::unique_ptr<RotatingContext>> open(ServerFiles files, Clock& clock, Say say);

  Context current();
  Instant not_after();  // when the certificate in use ends

 private:
  using Stamps = std::array<secrets::FileStamp, 3>;

  RotatingContext(ServerFiles files, Clock& clock, Say say, Context context, Stamps stamps);
  static Stamps stamps_of(const ServerFiles& files);
  void look();

  const ServerFiles files_;
  Clock& clock_;
  const Say say_;
  std::mutex mutex_;
  Context context_;
  Stamps stamps_;
  Instant looked_at_;
};

}  // namespace skerry::tls
