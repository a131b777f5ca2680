// certificates.h: an authority and certificates for tests, made when they are needed: good ones, and bad
// ones of each kind. Nothing here is fit for anything but tests.

#pragma once

#include <openssl/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace skerry::tests {

struct Issued {
  std::string certificate_pem;
  std::string key_pem;
};

// What a certificate says.
struct Wish {
  std::string name = "skerry test";
  std::vector<std::string> hosts = {"localhost", "127.0.0.1", "::1"};  // names and addresses
  std::int64_t begins_s = -3600;                                       // from now
  std::int64_t ends_s = 24 * 3600;
  bool for_client = false;
  int rsa_bits = 0;  // 0: ECDSA on P-256
};

class Authority {
 public:
  explicit Authority(const std::string& name = "skerry test authority");

  std::string pem() const;
  Issued issue(const Wish& wish = {});
  // One that signs in turn; its chain leads here.
  Authority intermediate(const std::string& name);

 private:
  Authority(std::shared_ptr<EVP_PKEY> key, std::shared_ptr<X509> certificate)
      : key_(std::move(key)), certificate_(std::move(certificate)) {}

  std::shared_ptr<EVP_PKEY> key_;
  std::shared_ptr<X509> certificate_;
};

}  // namespace skerry::tests
