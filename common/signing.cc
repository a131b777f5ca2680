#include "common/signing.h"

#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "common/check.h"
#include "common/digest.h"

namespace skerry {

namespace {

constexpr std::size_t kKeyBytes = 32;
constexpr std::size_t kSignatureBytes = 64;

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* bytes_of(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

struct Context {
  Context() : handle(EVP_MD_CTX_new()) { check(handle != nullptr, "there is memory to sign with"); }
  ~Context() { EVP_MD_CTX_free(handle); }
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  EVP_MD_CTX* handle;
};

struct Memory {
  explicit Memory(BIO* bio) : handle(bio) { check(handle != nullptr, "there is memory for a key"); }
  ~Memory() { BIO_free(handle); }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;

  BIO* handle;
};

// Asked for the passphrase of a key that has one.
int no_passphrase(char*, int, int, void*) { return -1; }

}  // namespace

std::string to_signed_text(const ModelStatement& statement) {
  return fmt::format("skerry model 1\n{}\n{}\n{}\n{}\n", statement.digest, statement.model,
                     statement.variant, statement.ns);
}

Result<PublicKey> PublicKey::parse(std::string_view base64) {
  auto bytes = from_base64(base64);
  if (!bytes || bytes->size() != kKeyBytes) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("'{}' is no public key: 32 bytes in base64, as skerryctl model keygen "
                            "prints them",
                            base64.substr(0, 64)));
  }
  return PublicKey(*std::move(bytes));
}

bool PublicKey::verifies(std::string_view text, std::string_view signature) const {
  const auto bytes = from_base64(signature);
  if (!bytes || bytes->size() != kSignatureBytes) {
    return false;
  }
  EVP_PKEY* key =
      EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, bytes_of(bytes_), bytes_.size());
  if (key == nullptr) {
    return false;
  }
  const Context context;
  const bool verified = EVP_DigestVerifyInit(context.handle, nullptr, nullptr, nullptr, key) == 1 &&
                        EVP_DigestVerify(context.handle, bytes_of(*bytes), bytes->size(),
                                         bytes_of(text), text.size()) == 1;
  EVP_PKEY_free(key);
  return verified;
}

std::string PublicKey::base64() const { return to_base64(bytes_); }

void PrivateKey::Free::operator()(void* key) const { EVP_PKEY_free(static_cast<EVP_PKEY*>(key)); }

PrivateKey PrivateKey::generate() {
  EVP_PKEY* key = EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
  check(key != nullptr, "the operating system yields a key");
  return PrivateKey(Handle(key));
}

Result<PrivateKey> PrivateKey::from_pem(const std::string& pem) {
  const Memory text(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  Handle key(PEM_read_bio_PrivateKey(text.handle, nullptr, no_passphrase, nullptr));
  if (key == nullptr ||
      EVP_PKEY_get_base_id(static_cast<EVP_PKEY*>(key.get())) != EVP_PKEY_ED25519) {
    return fail(ErrorCode::kInvalidArgument,
                "it holds no Ed25519 private key in PEM, as skerryctl model keygen writes it");
  }
  return PrivateKey(std::move(key));
}

PublicKey PrivateKey::public_key() const {
  std::string bytes(kKeyBytes, '\0');
  std::size_t size = bytes.size();
  check(EVP_PKEY_get_raw_public_key(static_cast<EVP_PKEY*>(handle_.get()), bytes_of(bytes),
                                    &size) == 1 &&
            size == kKeyBytes,
        "an Ed25519 key has its public half");
  return PublicKey(std::move(bytes));
}

std::string PrivateKey::sign(std::string_view text) const {
  const Context context;
  std::string signature(kSignatureBytes, '\0');
  std::size_t size = signature.size();
  check(EVP_DigestSignInit(context.handle, nullptr, nullptr, nullptr,
                           static_cast<EVP_PKEY*>(handle_.get())) == 1 &&
            EVP_DigestSign(context.handle, bytes_of(signature), &size, bytes_of(text),
                           text.size()) == 1 &&
            size == kSignatureBytes,
        "an Ed25519 key signs");
  return to_base64(signature);
}

std::string PrivateKey::pem() const {
  const Memory text(BIO_new(BIO_s_mem()));
  check(PEM_write_bio_PKCS8PrivateKey(text.handle, static_cast<EVP_PKEY*>(handle_.get()), nullptr,
                                      nullptr, 0, nullptr, nullptr) == 1,
        "a key can be written");
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(text.handle, &bytes);
  return {bytes, static_cast<std::size_t>(size)};
}

}  // namespace skerry
