#include "pki_forge.h"

#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include <utility>

#include "common/check.h"
#include "common/pki/openssl.h"

namespace skerry::pki {
namespace {

void add(X509& certificate, X509V3_CTX& context, int kind, const std::string& value) {
  if (!value.empty()) {
    X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str());
    check(extension != nullptr && X509_add_ext(&certificate, extension, -1) == 1, value);
    X509_EXTENSION_free(extension);
  }
}

std::shared_ptr<EVP_PKEY> owned(EVP_PKEY* key) {
  check(key != nullptr, "a key can be made");
  return {key, EVP_PKEY_free};
}

}  // namespace

std::string Forged::der() const {
  unsigned char* bytes = nullptr;
  const int size = i2d_X509(native.get(), &bytes);
  std::string der(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
  OPENSSL_free(bytes);
  return der;
}

std::shared_ptr<EVP_PKEY> p256_key() { return owned(EVP_EC_gen("P-256")); }
std::shared_ptr<EVP_PKEY> p384_key() { return owned(EVP_EC_gen("P-384")); }
std::shared_ptr<EVP_PKEY> rsa_key() { return owned(EVP_RSA_gen(2048)); }

std::string key_pem(EVP_PKEY& key) {
  const BioPtr out(BIO_new(BIO_s_mem()));
  PEM_write_bio_PKCS8PrivateKey(out.get(), &key, nullptr, nullptr, 0, nullptr, nullptr);
  return written(*out);
}

Forged forge(const Forgery& plan, const std::shared_ptr<EVP_PKEY>& key, const Forged* issuer,
             const EVP_MD* digest) {
  static long serial = 1000;
  std::shared_ptr<X509> native(X509_new(), X509_free);
  X509* const one = native.get();
  X509_set_version(one, X509_VERSION_3);
  X509_set_pubkey(one, key.get());
  ASN1_INTEGER_set(X509_get_serialNumber(one), ++serial);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(one), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(plan.subject.c_str()), -1, -1,
                             0);
  ASN1_TIME_set(X509_getm_notBefore(one), unix_seconds(plan.not_before));
  ASN1_TIME_set(X509_getm_notAfter(one), unix_seconds(plan.not_after));
  X509* const signer = issuer == nullptr ? one : issuer->native.get();
  X509_set_issuer_name(one, X509_get_subject_name(signer));
  X509V3_CTX context;
  X509V3_set_ctx(&context, signer, one, nullptr, nullptr, 0);
  add(*one, context, NID_basic_constraints, plan.basic);
  add(*one, context, NID_key_usage, plan.usage);
  add(*one, context, NID_ext_key_usage, plan.extended_usage);
  add(*one, context, NID_subject_alt_name, plan.names);
  add(*one, context, NID_subject_key_identifier, "hash");
  if (issuer != nullptr) {
    add(*one, context, NID_authority_key_identifier, "keyid:always");
  }
  check(X509_sign(one, issuer == nullptr ? key.get() : issuer->key.get(), digest) > 0,
        "a forgery is signed");
  return {.key = key, .native = std::move(native)};
}

Forgery authority_plan(std::string basic) {
  return {.subject = "some authority " + std::to_string(std::hash<std::string>()(basic)),
          .names = {},
          .basic = std::move(basic),
          .usage = "critical,keyCertSign,cRLSign",
          .extended_usage = {},
          .not_after = kNow + hours(24 * 365)};
}

Forged as_issuer(const Certificate& certificate, const PrivateKey& key) {
  X509_up_ref(certificate.native());
  EVP_PKEY_up_ref(key.native());
  return {.key = owned(key.native()), .native = {certificate.native(), X509_free}};
}

std::string forge_csr(EVP_PKEY& key, EVP_PKEY& signer, const std::string& common_name,
                      const std::string& names, const EVP_MD* digest) {
  const RequestPtr request(X509_REQ_new());
  X509_REQ_set_pubkey(request.get(), &key);
  X509_NAME_add_entry_by_txt(X509_REQ_get_subject_name(request.get()), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(common_name.data()),
                             static_cast<int>(common_name.size()), -1, 0);
  if (!names.empty()) {
    STACK_OF(X509_EXTENSION)* const extensions = sk_X509_EXTENSION_new_null();
    for (const auto& [kind, value] :
         {std::pair(NID_subject_alt_name, names),
          std::pair(NID_basic_constraints, std::string("CA:TRUE")),
          std::pair(NID_ext_key_usage, std::string("serverAuth,clientAuth"))}) {
      sk_X509_EXTENSION_push(extensions,
                             X509V3_EXT_conf_nid(nullptr, nullptr, kind, value.c_str()));
    }
    X509_REQ_add_extensions(request.get(), extensions);
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
  }
  check(X509_REQ_sign(request.get(), &signer, digest) > 0, "a request is signed");
  const BioPtr out(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509_REQ(out.get(), request.get());
  return written(*out);
}

}  // namespace skerry::pki
