#include "common/pki/key.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/pem.h>

#include <utility>

#include "common/check.h"
#include "common/digest.h"
#include "common/pki/openssl.h"

namespace skerry::pki {
namespace {

constexpr std::size_t kMaxPemBytes = 16 << 10;

std::shared_ptr<EVP_PKEY> shared(PkeyPtr key) { return {key.release(), EVP_PKEY_free}; }

// OpenSSL would ask the terminal, and a daemon has nobody there.
int no_passphrase(char*, int, int, void*) { return -1; }

}  // namespace

bool is_p256(const EVP_PKEY* key) {
  char group[64] = {};
  std::size_t length = 0;
  int spelt_out = 0;
  const bool named =
      EVP_PKEY_is_a(key, "EC") == 1 &&
      EVP_PKEY_get_group_name(key, group, sizeof(group), &length) == 1 &&
      std::string_view(group, length) == SN_X9_62_prime256v1 &&
      EVP_PKEY_get_int_param(key, OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS, &spelt_out) == 1;
  openssl_reason();
  return named && spelt_out == 0;
}

std::string key_digest(const EVP_PKEY* key) {
  unsigned char* der = nullptr;
  const int size = i2d_PUBKEY(key, &der);
  check(size > 0, "a public key has an encoding");
  std::string digest =
      sha256_digest({reinterpret_cast<const char*>(der), static_cast<std::size_t>(size)});
  OPENSSL_free(der);
  return digest;
}

Result<PublicKey> PublicKey::from_native(EVP_PKEY* key) {
  if (key == nullptr || !is_p256(key)) {
    return fail(ErrorCode::kInvalidArgument,
                "the public key is not ECDSA on the curve P-256: make one with "
                "'openssl ecparam -name prime256v1 -genkey', or let the agent make it");
  }
  EVP_PKEY_up_ref(key);
  return PublicKey(shared(PkeyPtr(key)));
}

std::string PublicKey::digest() const { return key_digest(key_.get()); }

PrivateKey PrivateKey::generate() {
  PkeyPtr key(EVP_EC_gen("P-256"));
  check(key != nullptr, "a P-256 key can be made");
  return PrivateKey(shared(std::move(key)));
}

Result<PrivateKey> PrivateKey::from_pem(std::string_view pem) {
  if (pem.size() > kMaxPemBytes) {
    return fail(ErrorCode::kInvalidArgument, "the private key is larger than a key can be");
  }
  const BioPtr in = reading(pem);
  PkeyPtr key(PEM_read_bio_PrivateKey(in.get(), nullptr, no_passphrase, nullptr));
  if (!key) {
    return fail(ErrorCode::kInvalidArgument,
                "the private key cannot be read as PEM without a passphrase: " + openssl_reason());
  }
  if (!is_p256(key.get())) {
    return fail(ErrorCode::kInvalidArgument,
                "the private key is not ECDSA on the curve P-256, the only kind that is used here");
  }
  return PrivateKey(shared(std::move(key)));
}

std::string PrivateKey::to_pem() const {
  const BioPtr out(BIO_new(BIO_s_secmem()));
  check(out != nullptr && PEM_write_bio_PKCS8PrivateKey(out.get(), key_.get(), nullptr, nullptr, 0,
                                                        nullptr, nullptr) == 1,
        "a private key has a PEM");
  return written(*out);
}

PublicKey PrivateKey::public_key() const {
  auto key = PublicKey::from_native(key_.get());
  check(key.has_value(), "a private key on P-256 has its public key there");
  return *std::move(key);
}

}  // namespace skerry::pki
