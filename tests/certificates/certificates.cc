#include "tests/certificates/certificates.h"

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include <array>
#include <utility>

#include "common/check.h"

namespace skerry::tests {
namespace {

using Key = std::shared_ptr<EVP_PKEY>;
using Certificate = std::shared_ptr<X509>;
using Bio = std::unique_ptr<BIO, decltype(&BIO_free)>;

Key make_key(int rsa_bits) {
  EVP_PKEY* const key =
      rsa_bits > 0 ? EVP_RSA_gen(static_cast<unsigned>(rsa_bits)) : EVP_EC_gen("P-256");
  check(key != nullptr, "a key is made");
  return {key, EVP_PKEY_free};
}

std::string text_of(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<std::size_t>(size)};
}

std::string pem_of(const Certificate& certificate) {
  const Bio bio(BIO_new(BIO_s_mem()), BIO_free);
  check(PEM_write_bio_X509(bio.get(), certificate.get()) == 1, "a certificate is written");
  return text_of(bio.get());
}

std::string pem_of(const Key& key) {
  const Bio bio(BIO_new(BIO_s_mem()), BIO_free);
  check(PEM_write_bio_PKCS8PrivateKey(bio.get(), key.get(), nullptr, nullptr, 0, nullptr,
                                      nullptr) == 1,
        "a key is written");
  return text_of(bio.get());
}

Certificate blank(const Wish& wish, const Key& key) {
  Certificate certificate(X509_new(), X509_free);
  X509* const raw = certificate.get();
  X509_set_version(raw, X509_VERSION_3);
  std::array<unsigned char, 15> serial{};
  RAND_bytes(serial.data(), serial.size());
  BIGNUM* const number = BN_bin2bn(serial.data(), serial.size(), nullptr);
  BN_to_ASN1_INTEGER(number, X509_get_serialNumber(raw));
  BN_free(number);
  X509_gmtime_adj(X509_getm_notBefore(raw), wish.begins_s);
  X509_gmtime_adj(X509_getm_notAfter(raw), wish.ends_s);
  X509_set_pubkey(raw, key.get());
  X509_NAME_add_entry_by_txt(X509_get_subject_name(raw), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(wish.name.c_str()), -1, -1, 0);
  return certificate;
}

void extend(X509* certificate, X509* issuer, int what, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, &context, what, value.c_str());
  check(extension != nullptr, "an extension is made");
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

std::string alternative_names(const std::vector<std::string>& hosts) {
  std::string names;
  for (const std::string& host : hosts) {
    std::array<unsigned char, sizeof(in6_addr)> address{};
    const bool is_address = ::inet_pton(AF_INET, host.c_str(), address.data()) == 1 ||
                            ::inet_pton(AF_INET6, host.c_str(), address.data()) == 1;
    names += (names.empty() ? "" : ",") + std::string(is_address ? "IP:" : "DNS:") + host;
  }
  return names;
}

Certificate make_authority(const std::string& name, const Key& key, X509* issuer,
                           EVP_PKEY* signer) {
  Certificate certificate = blank({.name = name, .ends_s = 48 * 3600}, key);
  X509* const raw = certificate.get();
  X509* const above = issuer != nullptr ? issuer : raw;
  X509_set_issuer_name(raw, X509_get_subject_name(above));
  extend(raw, above, NID_basic_constraints, "critical,CA:TRUE");
  extend(raw, above, NID_key_usage, "critical,keyCertSign,cRLSign");
  extend(raw, above, NID_subject_key_identifier, "hash");
  check(X509_sign(raw, signer, EVP_sha256()) > 0, "an authority is signed");
  return certificate;
}

}  // namespace

Authority::Authority(const std::string& name)
    : key_(make_key(0)), certificate_(make_authority(name, key_, nullptr, key_.get())) {}

Authority Authority::intermediate(const std::string& name) {
  const Key key = make_key(0);
  return {key, make_authority(name, key, certificate_.get(), key_.get())};
}

std::string Authority::pem() const { return pem_of(certificate_); }

Issued Authority::issue(const Wish& wish) {
  const Key key = make_key(wish.rsa_bits);
  const Certificate certificate = blank(wish, key);
  X509* const raw = certificate.get();
  X509_set_issuer_name(raw, X509_get_subject_name(certificate_.get()));
  extend(raw, certificate_.get(), NID_basic_constraints, "critical,CA:FALSE");
  extend(raw, certificate_.get(), NID_ext_key_usage, wish.for_client ? "clientAuth" : "serverAuth");
  extend(raw, certificate_.get(), NID_authority_key_identifier, "keyid");
  if (!wish.hosts.empty()) {
    extend(raw, certificate_.get(), NID_subject_alt_name, alternative_names(wish.hosts));
  }
  check(X509_sign(raw, key_.get(), EVP_sha256()) > 0, "a certificate is signed");
  return {.certificate_pem = pem_of(certificate), .key_pem = pem_of(key)};
}

}  // namespace skerry::tests
