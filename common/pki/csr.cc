#include "common/pki/csr.h"

#include <fmt/format.h>
#include <openssl/pem.h>

#include "common/check.h"
#include "common/pki/openssl.h"

namespace skerry::pki {

std::string make_csr(const PrivateKey& key) {
  const RequestPtr request(X509_REQ_new());
  const BioPtr out(BIO_new(BIO_s_mem()));
  check(request != nullptr && out != nullptr &&
            X509_REQ_set_version(request.get(), X509_REQ_VERSION_1) == 1 &&
            X509_REQ_set_pubkey(request.get(), key.native()) == 1 &&
            X509_REQ_sign(request.get(), key.native(), EVP_sha256()) > 0 &&
            PEM_write_bio_X509_REQ(out.get(), request.get()) == 1,
        "a signing request can be made");
  return written(*out);
}

Result<PublicKey> read_csr(std::string_view pem) {
  if (pem.size() > kMaxCsrBytes) {
    return fail(ErrorCode::kTooLarge,
                fmt::format("the signing request has {} bytes, and at most {} are read", pem.size(),
                            kMaxCsrBytes));
  }
  const BioPtr in = reading(pem);
  const RequestPtr request(PEM_read_bio_X509_REQ(in.get(), nullptr, nullptr, nullptr));
  if (!request) {
    return fail(ErrorCode::kInvalidArgument,
                "the signing request cannot be read as PEM of PKCS#10: " + openssl_reason());
  }
  auto key = PublicKey::from_native(X509_REQ_get0_pubkey(request.get()));
  openssl_reason();  // of a key that could not be decoded
  if (!key) {
    return key;
  }
  if (X509_REQ_get_signature_nid(request.get()) != NID_ecdsa_with_SHA256) {
    return fail(ErrorCode::kInvalidArgument,
                "the signing request is not signed with ECDSA and SHA-256");
  }
  if (X509_REQ_verify(request.get(), key->native()) != 1) {
    openssl_reason();
    return fail(ErrorCode::kInvalidArgument,
                "the signing request is not signed with the key that it asks a certificate for");
  }
  return key;
}

}  // namespace skerry::pki
