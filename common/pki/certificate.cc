#include "common/pki/certificate.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include <optional>
#include <utility>

#include "common/check.h"
#include "common/digest.h"
#include "common/pki/key.h"
#include "common/pki/openssl.h"

namespace skerry::pki {
namespace {

std::string name_text(const X509_NAME* name) {
  const BioPtr out(BIO_new(BIO_s_mem()));
  check(out != nullptr, "there is memory for a BIO");
  X509_NAME_print_ex(out.get(), name, 0, XN_FLAG_RFC2253);  // escapes control characters
  openssl_reason();
  return written(*out).substr(0, 256);
}

std::string serial_text(const ASN1_INTEGER* serial) { return to_hex(text_of(serial)); }

std::string der_of(X509* certificate) {
  unsigned char* der = nullptr;
  const int size = i2d_X509(certificate, &der);
  check(size > 0, "a certificate that was read has an encoding");
  std::string bytes(reinterpret_cast<const char*>(der), static_cast<std::size_t>(size));
  OPENSSL_free(der);
  return bytes;
}

// The one URI of its subject alternative names.
Result<PeerId> id_of(const X509* certificate) {
  const GeneralNamesPtr names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  openssl_reason();
  std::optional<std::string_view> uri;
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type == GEN_URI) {
      if (uri) {
        return fail(ErrorCode::kInvalidArgument, "the certificate has more than one id");
      }
      uri = text_of(name->d.uniformResourceIdentifier);
    }
  }
  if (!uri) {
    return fail(ErrorCode::kInvalidArgument,
                "the certificate has no id (a URI spiffe://DOMAIN/...): it was not made here");
  }
  return parse_peer_id(*uri);
}

}  // namespace

Result<Certificate> Certificate::from_native(X509* certificate) {
  X509_up_ref(certificate);
  Facts facts{.native = {certificate, X509_free}};
  // Also reads every extension, once and for all threads.
  const bool is_authority = X509_check_ca(certificate) == 1;
  openssl_reason();
  if ((X509_get_extension_flags(certificate) & EXFLAG_INVALID) != 0) {
    return fail(ErrorCode::kInvalidArgument, "the certificate has an extension that is malformed");
  }
  const EVP_PKEY* key = X509_get0_pubkey(certificate);
  if (key == nullptr) {
    return fail(ErrorCode::kInvalidArgument,
                "the public key of the certificate cannot be read: " + openssl_reason());
  }
  if (!is_authority) {
    auto id = id_of(certificate);
    if (!id) {
      return fail(std::move(id).error());
    }
    facts.role = id->role;
    facts.id = *std::move(id);
  }
  facts.subject = name_text(X509_get_subject_name(certificate));
  facts.issuer = name_text(X509_get_issuer_name(certificate));
  facts.serial = serial_text(X509_get0_serialNumber(certificate));
  facts.not_before = instant_of(X509_get0_notBefore(certificate));
  facts.not_after = instant_of(X509_get0_notAfter(certificate));
  facts.fingerprint = sha256_digest(der_of(certificate));
  facts.key_digest = pki::key_digest(key);
  return Certificate(std::make_shared<const Facts>(std::move(facts)));
}

Result<Certificate> Certificate::from_pem(std::string_view pem) {
  auto chain = parse_chain(pem);
  return chain ? Result<Certificate>(std::move(chain->front())) : fail(std::move(chain).error());
}

Result<Certificate> Certificate::from_der(std::string_view der) {
  const auto* at = reinterpret_cast<const unsigned char*>(der.data());
  const unsigned char* const end = at + der.size();
  const X509Ptr certificate(der.size() > kMaxChainBytes
                                ? nullptr
                                : d2i_X509(nullptr, &at, static_cast<long>(der.size())));
  if (!certificate || at != end) {
    return fail(ErrorCode::kInvalidArgument, "the certificate cannot be read: " + openssl_reason());
  }
  return from_native(certificate.get());
}

std::string Certificate::to_pem() const {
  const BioPtr out(BIO_new(BIO_s_mem()));
  check(out != nullptr && PEM_write_bio_X509(out.get(), native()) == 1, "a certificate has a PEM");
  return written(*out);
}

Result<Chain> parse_chain(std::string_view pem) {
  if (pem.size() > kMaxChainBytes) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("the certificates have {} bytes, and at most {} are read", pem.size(),
                            kMaxChainBytes));
  }
  const BioPtr in = reading(pem);
  Chain chain;
  while (const X509Ptr one{PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr)}) {
    if (chain.size() == kMaxChain) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("there are more than {} certificates in one chain", kMaxChain));
    }
    auto certificate = Certificate::from_native(one.get());
    if (!certificate) {
      return fail(std::move(certificate).error());
    }
    chain.push_back(*std::move(certificate));
  }
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  const std::string reason = openssl_reason();
  if (chain.empty() || !at_end) {
    return fail(ErrorCode::kInvalidArgument,
                "the certificate cannot be read as PEM of X.509: " +
                    (at_end ? "it has no 'BEGIN CERTIFICATE'" : reason));
  }
  return chain;
}

std::string to_pem(std::span<const Certificate> chain) {
  std::string pem;
  for (const Certificate& certificate : chain) {
    pem += certificate.to_pem();
  }
  return pem;
}

}  // namespace skerry::pki
