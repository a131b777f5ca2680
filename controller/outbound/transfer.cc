#include "controller/outbound/transfer.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/socket.h>

#include <algorithm>
#include <mutex>

#include "common/check.h"

namespace skerry::outbound {

namespace {

// libcurl's own start-up, which must not happen twice at once.
void start_curl() {
  static std::once_flag once;
  std::call_once(
      once, [] { check(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK, "libcurl starts"); });
}

// While it lives, a server that hangs up while this thread writes to it does not end the process: OpenSSL writes
// without MSG_NOSIGNAL, and libcurl would change the whole process' handling of the signal.
class NoSigpipe {
 public:
  NoSigpipe() {
    sigemptyset(&sigpipe_);
    sigaddset(&sigpipe_, SIGPIPE);
    sigset_t pending;
    sigpending(&pending);
    was_pending_ = sigismember(&pending, SIGPIPE) == 1;
    pthread_sigmask(SIG_BLOCK, &sigpipe_, &before_);
  }
  ~NoSigpipe() {
    if (!was_pending_) {
      const timespec at_once{};
      sigtimedwait(&sigpipe_, nullptr, &at_once);  // ours, if one came
    }
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  NoSigpipe(const NoSigpipe&) = delete;
  NoSigpipe& operator=(const NoSigpipe&) = delete;

 private:
  sigset_t sigpipe_{};
  sigset_t before_{};
  bool was_pending_ = false;
};

// Texts of the other side's, for messages.
std::string printable(std::string text) {
  std::ranges::replace_if(text, [](char c) { return c < ' ' || c > '~'; }, '?');
  return text;
}

}  // namespace

Transfer::Transfer(const Policy& policy, const Target& target, std::vector<IpAddress> addresses,
                   std::stop_token stop)
    : policy_(policy), target_(target), addresses_(std::move(addresses)), stop_(std::move(stop)) {
  start_curl();
  curl_.reset(curl_easy_init());
  check(curl_ != nullptr, "libcurl has memory for a transfer");
}

// An option that libcurl does not take would be a guard that is missing.
template <typename Value>
void Transfer::set(CURLoption option, Value value) {
  check(curl_easy_setopt(curl_.get(), option, value) == CURLE_OK,
        "libcurl knows the options we set");
}

void Transfer::set_limits(Duration timeout) {
  const auto ms = static_cast<long>(std::max<std::int64_t>(timeout.count() / 1000, 1));
  set(CURLOPT_TIMEOUT_MS, ms);
  set(CURLOPT_CONNECTTIMEOUT_MS, ms);
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_MAXFILESIZE_LARGE, static_cast<curl_off_t>(policy_.most_body_bytes));
  set(CURLOPT_WRITEFUNCTION, &Transfer::on_body);
  set(CURLOPT_WRITEDATA, static_cast<void*>(this));
  set(CURLOPT_HEADERFUNCTION, &Transfer::on_header);
  set(CURLOPT_HEADERDATA, static_cast<void*>(this));
  set(CURLOPT_NOPROGRESS, 0L);
  set(CURLOPT_XFERINFOFUNCTION, &Transfer::on_progress);
  set(CURLOPT_XFERINFODATA, static_cast<void*>(this));
  set(CURLOPT_ERRORBUFFER, static_cast<char*>(curl_says_));
}

void Transfer::set_destination() {
  set(CURLOPT_URL, target_.url().c_str());
  set(CURLOPT_PATH_AS_IS, 1L);
  set(CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
  set(CURLOPT_PROTOCOLS_STR, target_.scheme.c_str());
  set(CURLOPT_FOLLOWLOCATION, 0L);
  set(CURLOPT_PROXY, "");  // not empty by default: then variables such as https_proxy count
  set(CURLOPT_NOPROXY, "*");
  set(CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
  set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  if (!target_.address) {
    std::string pin = fmt::format("{}:{}:", target_.host, target_.port);
    for (const IpAddress& address : addresses_) {
      pin += address.is_v4() ? address.text() + "," : "[" + address.text() + "],";
    }
    pin.pop_back();
    pinned_.reset(curl_slist_append(nullptr, pin.c_str()));
    set(CURLOPT_RESOLVE, pinned_.get());
  }
  set(CURLOPT_OPENSOCKETFUNCTION, &Transfer::on_socket);
  set(CURLOPT_OPENSOCKETDATA, static_cast<void*>(this));
}

void Transfer::set_trust() {
  set(CURLOPT_SSL_VERIFYPEER, 1L);
  set(CURLOPT_SSL_VERIFYHOST, 2L);
  set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  if (!policy_.ca_file.empty()) {
    set(CURLOPT_CAINFO, policy_.ca_file.c_str());
    set(CURLOPT_CAPATH, static_cast<const char*>(nullptr));
  }
}

void Transfer::set_request(const Request& request) {
  headers_.reset(
      curl_slist_append(nullptr, "Expect:"));  // or libcurl waits for a 100 before long bodies
  if (!request.post_body.empty()) {
    const std::string type = fmt::format("Content-Type: {}", printable(request.content_type));
    check(curl_slist_append(headers_.get(), type.c_str()) != nullptr,
          "libcurl has memory for a header");
    set(CURLOPT_POST, 1L);
    set(CURLOPT_POSTFIELDS, request.post_body.data());
    set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.post_body.size()));
  }
  set(CURLOPT_HTTPHEADER, headers_.get());
  set(CURLOPT_USERAGENT, "skerry");
}

Result<Response> Transfer::run(const Request& request, Duration timeout) {
  set_limits(timeout);
  set_destination();
  set_trust();
  set_request(request);
  const NoSigpipe no_sigpipe;
  const CURLcode code = curl_easy_perform(curl_.get());
  if (refusal_) {
    return fail(*std::move(refusal_));
  }
  if (code != CURLE_OK) {
    return fail(error_of(code));
  }
  return answer();
}

Result<Response> Transfer::answer() {
  long status = 0;
  const char* type = nullptr;
  curl_easy_getinfo(curl_.get(), CURLINFO_RESPONSE_CODE, &status);
  curl_easy_getinfo(curl_.get(), CURLINFO_CONTENT_TYPE, &type);
  if (status < 200 || (status >= 300 && status < 400)) {
    return fail(
        ErrorCode::kPermissionDenied,
        fmt::format(
            "{} answers {}: refused by the rule 'redirects', none is followed; use the URL that "
            "it leads to",
            target_.origin(), status));
  }
  response_.status = static_cast<int>(status);
  response_.content_type = type == nullptr ? "" : type;
  return std::move(response_);
}

Error Transfer::error_of(CURLcode code) const {
  const std::string says = printable(curl_says_[0] == '\0' ? curl_easy_strerror(code) : curl_says_);
  const std::string origin = target_.origin();
  switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
      return {ErrorCode::kDeadlineExceeded,
              fmt::format("{}: cut off by the rule 'time', {} s in all", origin,
                          to_seconds(policy_.timeout))};
    case CURLE_FILESIZE_EXCEEDED:
      return {ErrorCode::kTooLarge,
              fmt::format("{}: refused by the rule 'size': the answer has more than {} bytes",
                          origin, policy_.most_body_bytes)};
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
      return {ErrorCode::kUnavailable,
              fmt::format("{}: refused by the rule 'tls': {}; trusted are {}", origin, says,
                          policy_.ca_file.empty() ? "the system's authorities" : policy_.ca_file)};
    default:
      return {ErrorCode::kUnavailable, fmt::format("{}: {}", origin, says)};
  }
}

void Transfer::refuse(ErrorCode code, std::string message) {
  if (!refusal_) {
    refusal_ = Error{code, std::move(message)};
  }
}

std::size_t Transfer::on_header(char* /*bytes*/, std::size_t size, std::size_t count, void* self) {
  auto& transfer = *static_cast<Transfer*>(self);
  transfer.header_bytes_ += size * count;
  if (transfer.header_bytes_ > transfer.policy_.most_header_bytes) {
    transfer.refuse(
        ErrorCode::kTooLarge,
        fmt::format("{}: refused by the rule 'headers': the answer has more than {} bytes of them",
                    transfer.target_.origin(), transfer.policy_.most_header_bytes));
    return 0;
  }
  return size * count;
}

std::size_t Transfer::on_body(char* bytes, std::size_t size, std::size_t count, void* self) {
  auto& transfer = *static_cast<Transfer*>(self);
  if (transfer.response_.body.size() + size * count > transfer.policy_.most_body_bytes) {
    transfer.refuse(ErrorCode::kTooLarge,
                    fmt::format("{}: refused by the rule 'size': the answer has more than {} bytes",
                                transfer.target_.origin(), transfer.policy_.most_body_bytes));
    return 0;
  }
  transfer.response_.body.append(bytes, size * count);
  return size * count;
}

curl_socket_t Transfer::on_socket(void* self, curlsocktype /*purpose*/, curl_sockaddr* address) {
  auto& transfer = *static_cast<Transfer*>(self);
  const auto wanted = IpAddress::from(address->addr);
  if (!wanted || std::ranges::find(transfer.addresses_, *wanted) == transfer.addresses_.end()) {
    transfer.refuse(ErrorCode::kPermissionDenied,
                    fmt::format("{}: refused by the rule 'networks': {} was not checked",
                                transfer.target_.origin(),
                                wanted ? wanted->text() : "an address that is not IP"));
    return CURL_SOCKET_BAD;
  }
  return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

int Transfer::on_progress(void* self, curl_off_t /*down_all*/, curl_off_t /*down*/,
                          curl_off_t /*up_all*/, curl_off_t /*up*/) {
  auto& transfer = *static_cast<Transfer*>(self);
  if (transfer.stop_.stop_requested()) {
    transfer.refuse(ErrorCode::kCancelled,
                    fmt::format("{}: the fetch was stopped", transfer.target_.origin()));
    return 1;
  }
  return 0;
}

}  // namespace skerry::outbound
