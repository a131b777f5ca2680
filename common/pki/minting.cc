#include "common/pki/minting.h"

#include <openssl/x509v3.h>

#include <utility>

#include "common/check.h"
#include "common/digest.h"
#include "common/pki/openssl.h"

namespace skerry::pki {
namespace {

// Only memory that ran out, or a bug here, makes OpenSSL fail on values that were checked before.
void must(bool done) { check(done, "a certificate can be made of checked values"); }

const unsigned char* octets(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
int size_of(std::string_view text) { return static_cast<int>(text.size()); }

void set_serial(X509& certificate) {
  const std::string random = random_bytes(16);
  const std::unique_ptr<BIGNUM, Freeing<BN_free>> number(
      BN_bin2bn(octets(random), size_of(random), nullptr));
  must(number != nullptr &&
       BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(&certificate)) != nullptr);
}

void set_subject(X509& certificate, const std::string& name) {
  X509_NAME* const subject = X509_get_subject_name(&certificate);
  must(X509_NAME_add_entry_by_txt(subject, "O", MBSTRING_ASC, octets("skerry"), -1, -1, 0) == 1 &&
       X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, octets(name), size_of(name), -1,
                                  0) == 1);
}

void set_times(X509& certificate, Instant not_before, Instant not_after) {
  must(ASN1_TIME_set(X509_getm_notBefore(&certificate), unix_seconds(not_before)) != nullptr &&
       ASN1_TIME_set(X509_getm_notAfter(&certificate), unix_seconds(not_after)) != nullptr);
}

// `value` in OpenSSL's own notation: constants of this file only, since that notation could be broken out
// of.
void add_extension(X509& certificate, X509V3_CTX& context, int kind, const char* value) {
  const std::unique_ptr<X509_EXTENSION, Freeing<X509_EXTENSION_free>> extension(
      X509V3_EXT_conf_nid(nullptr, &context, kind, value));
  must(extension != nullptr && X509_add_ext(&certificate, extension.get(), -1) == 1);
}

void add_name(GENERAL_NAMES& names, int kind, std::string_view value) {
  GENERAL_NAME* const name = GENERAL_NAME_new();
  ASN1_STRING* const text =
      kind == GEN_IPADD ? ASN1_OCTET_STRING_new() : static_cast<ASN1_STRING*>(ASN1_IA5STRING_new());
  must(name != nullptr && text != nullptr &&
       ASN1_STRING_set(text, value.data(), size_of(value)) == 1);
  GENERAL_NAME_set0_value(name, kind, text);
  must(sk_GENERAL_NAME_push(&names, name) > 0);
}

void add_names(X509& certificate, const CertificatePlan& plan) {
  const GeneralNamesPtr names(sk_GENERAL_NAME_new_null());
  must(names != nullptr);
  add_name(*names, GEN_URI, plan.id);
  for (const std::string& name : plan.dns_names) {
    add_name(*names, GEN_DNS, name);
  }
  for (const std::string& address : plan.addresses) {
    add_name(*names, GEN_IPADD, address);
  }
  must(X509_add1_ext_i2d(&certificate, NID_subject_alt_name, names.get(), 0, X509V3_ADD_DEFAULT) ==
       1);
}

void add_usages(X509& certificate, X509V3_CTX& context, Role role) {
  if (role == Role::kAuthority) {
    add_extension(certificate, context, NID_basic_constraints, "critical,CA:TRUE,pathlen:0");
    add_extension(certificate, context, NID_key_usage, "critical,keyCertSign,cRLSign");
    return;
  }
  add_extension(certificate, context, NID_basic_constraints, "critical,CA:FALSE");
  add_extension(certificate, context, NID_key_usage, "critical,digitalSignature");
  add_extension(certificate, context, NID_ext_key_usage,
                role == Role::kController ? "serverAuth" : "clientAuth");
}

}  // namespace

Certificate mint(const CertificatePlan& plan, EVP_PKEY* key, const Certificate* issuer,
                 EVP_PKEY* issuer_key) {
  const X509Ptr certificate(X509_new());
  must(certificate != nullptr && X509_set_version(certificate.get(), X509_VERSION_3) == 1 &&
       X509_set_pubkey(certificate.get(), key) == 1);
  set_serial(*certificate);
  set_subject(*certificate, plan.subject);
  set_times(*certificate, plan.not_before, plan.not_after);
  X509* const signer = issuer == nullptr ? certificate.get() : issuer->native();
  must(X509_set_issuer_name(certificate.get(), X509_get_subject_name(signer)) == 1);

  X509V3_CTX context;
  X509V3_set_ctx(&context, signer, certificate.get(), nullptr, nullptr, 0);
  add_usages(*certificate, context, plan.role);
  add_extension(*certificate, context, NID_subject_key_identifier, "hash");
  if (issuer != nullptr) {
    add_extension(*certificate, context, NID_authority_key_identifier, "keyid:always");
  }
  if (!plan.id.empty()) {
    add_names(*certificate, plan);
  }
  must(X509_sign(certificate.get(), issuer_key, EVP_sha256()) > 0);
  auto made = Certificate::from_native(certificate.get());
  check(made.has_value(), "a certificate that was made can be read");
  return *std::move(made);
}

}  // namespace skerry::pki
