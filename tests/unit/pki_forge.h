// pki_forge.h: certificates that no authority of ours would sign, for the tests of who must be refused.
//
// Made with OpenSSL directly, so that what is tested is not what tests.

#pragma once

#include <openssl/x509.h>

#include <string>
#include <vector>

#include "common/pki/certificate.h"
#include "common/pki/key.h"
#include "common/time.h"

namespace skerry::pki {

// 2026-01-01T00:00:00Z
constexpr Instant kNow = instant_from_us(1'767'225'600'000'000);

struct Forgery {
  std::string subject = "somebody";
  std::string names = "URI:spiffe://test.skerry/node/edge-1";  // in OpenSSL's notation; empty: none
  std::string basic = "critical,CA:FALSE";
  std::string usage = "critical,digitalSignature";
  std::string extended_usage = "clientAuth";  // empty: no such extension
  Instant not_before = kNow - hours(1);
  Instant not_after = kNow + hours(24);
};

struct Forged {
  std::shared_ptr<EVP_PKEY> key;
  std::shared_ptr<X509> native;

  Certificate certificate() const { return *Certificate::from_native(native.get()); }
  std::string der() const;
};

std::shared_ptr<EVP_PKEY> p256_key();
std::shared_ptr<EVP_PKEY> p384_key();
std::shared_ptr<EVP_PKEY> rsa_key();  // 2048 bits
std::string key_pem(EVP_PKEY& key);

// Signed by itself without an issuer; by the issuer's key under its name otherwise.
Forged forge(const Forgery& plan, const std::shared_ptr<EVP_PKEY>& key,
             const Forged* issuer = nullptr, const EVP_MD* digest = EVP_sha256());

// A forgery that is an authority.
Forgery authority_plan(std::string basic = "critical,CA:TRUE");

// An authority of Authority's as the issuer of forgeries.
Forged as_issuer(const Certificate& certificate, const PrivateKey& key);

// A signing request with the names given, in OpenSSL's notation, signed by `signer`.
std::string forge_csr(EVP_PKEY& key, EVP_PKEY& signer, const std::string& common_name,
                      const std::string& names, const EVP_MD* digest = EVP_sha256());

}  // namespace skerry::pki
