// transfer.h: one HTTP exchange over libcurl, with a target and addresses that have been checked.
//
// Lives on its caller's stack for one run. libcurl calls back on the same thread; a callback that refuses something
// notes why, and that is what run() tells instead of libcurl's own code.

#pragma once

#include <curl/curl.h>

#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "controller/outbound/fetcher.h"
#include "controller/outbound/policy.h"

namespace skerry::outbound {

class Transfer {
 public:
  // `policy` and `target` outlive it; `addresses` are all that may be connected to.
  Transfer(const Policy& policy, const Target& target, std::vector<IpAddress> addresses,
           std::stop_token stop);
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  // Once. Errors: client.h.
  Result<Response> run(const Request& request, Duration timeout);

 private:
  struct Free {
    void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
    void operator()(curl_slist* list) const { curl_slist_free_all(list); }
  };

  static std::size_t on_header(char* bytes, std::size_t size, std::size_t count, void* self);
  static std::size_t on_body(char* bytes, std::size_t size, std::size_t count, void* self);
  static curl_socket_t on_socket(void* self, curlsocktype purpose, curl_sockaddr* address);
  static int on_progress(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t);

  template <typename Value>
  void set(CURLoption option, Value value);
  void set_limits(Duration timeout);
  void set_destination();
  void set_trust();
  void set_request(const Request& request);
  void refuse(ErrorCode code, std::string message);
  Error error_of(CURLcode code) const;
  Result<Response> answer();

  const Policy& policy_;
  const Target& target_;
  std::vector<IpAddress> addresses_;
  std::stop_token stop_;
  std::unique_ptr<CURL, Free> curl_;
  std::unique_ptr<curl_slist, Free> pinned_;
  std::unique_ptr<curl_slist, Free> headers_;
  std::uint64_t header_bytes_ = 0;
  Response response_;
  std::optional<Error> refusal_;
  char curl_says_[CURL_ERROR_SIZE] = "";
};

}  // namespace skerry::outbound
