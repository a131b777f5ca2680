#include "controller/oidc/public_key.h"

#include <fmt/format.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include <algorithm>
#include <array>
#include <vector>

#include "common/check.h"
#include "common/digest.h"

namespace skerry::oidc {

namespace {

constexpr std::size_t kNumberBytes = 32;  // of P-256 and Ed25519

// Deletes with a function of OpenSSL's.
template <auto Free>
struct Freed {
  template <typename T>
  void operator()(T* owned) const {
    Free(owned);
  }
};
template <typename T, auto Free>
using Owned = std::unique_ptr<T, Freed<Free>>;
using Number = Owned<BIGNUM, BN_free>;

// OpenSSL notes every refusal in a list of its thread's, where others would find it.
class NoErrorsLeft {
 public:
  NoErrorsLeft() { ERR_set_mark(); }
  ~NoErrorsLeft() { ERR_pop_to_mark(); }
  NoErrorsLeft(const NoErrorsLeft&) = delete;
  NoErrorsLeft& operator=(const NoErrorsLeft&) = delete;
};

const unsigned char* data(std::string_view bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

Number number(std::string_view bytes) {
  Number made(BN_bin2bn(data(bytes), static_cast<int>(bytes.size()), nullptr));
  check(made != nullptr, "OpenSSL has memory for a number");
  return made;
}

std::unexpected<Error> refused(std::string why) {
  return fail(ErrorCode::kInvalidArgument, std::move(why));
}

// nullptr if OpenSSL does not take the parts, or finds the key wrong: a point that is not on the curve, a modulus that is
// even or has small factors.
std::shared_ptr<EVP_PKEY> make_key(const char* kind, OSSL_PARAM_BLD& parts) {
  const Owned<OSSL_PARAM, OSSL_PARAM_free> parameters(OSSL_PARAM_BLD_to_param(&parts));
  const Owned<EVP_PKEY_CTX, EVP_PKEY_CTX_free> context(
      EVP_PKEY_CTX_new_from_name(nullptr, kind, nullptr));
  EVP_PKEY* made = nullptr;
  if (!parameters || !context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &made, EVP_PKEY_PUBLIC_KEY, parameters.get()) != 1) {
    return nullptr;
  }
  std::shared_ptr<EVP_PKEY> key(made, EVP_PKEY_free);
  const Owned<EVP_PKEY_CTX, EVP_PKEY_CTX_free> checking(
      EVP_PKEY_CTX_new_from_pkey(nullptr, made, nullptr));
  return checking && EVP_PKEY_public_check(checking.get()) == 1 ? key : nullptr;
}

// Points of Ed25519 whose order divides 8: with such a key, signatures can be made that fit any message. Their
// y-coordinates, little-endian, the sign of x cleared: 0, 1, -1, the two of order 8, and p and p + 1, which are other ways
// to write 0 and 1. Computed from the curve's equation (RFC 8032, 5.1).
bool has_small_order(std::string_view point) {
  static constexpr auto kLow = std::to_array<std::string_view>({
      "0000000000000000000000000000000000000000000000000000000000000000",
      "0100000000000000000000000000000000000000000000000000000000000000",
      "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
      "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
      "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
      "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
      "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  });
  std::string y(point);
  y.back() = static_cast<char>(y.back() & 0x7f);
  return std::ranges::find(kLow, to_hex(y)) != kLow.end();
}

// r and s as ASN.1 has them; empty if there is no memory.
std::vector<unsigned char> to_der(std::string_view raw) {
  const Owned<ECDSA_SIG, ECDSA_SIG_free> pair(ECDSA_SIG_new());
  check(pair != nullptr, "OpenSSL has memory for a signature");
  Number r = number(raw.substr(0, kNumberBytes));
  Number s = number(raw.substr(kNumberBytes));
  check(ECDSA_SIG_set0(pair.get(), r.release(), s.release()) == 1, "a signature takes two numbers");
  std::vector<unsigned char> der(
      static_cast<std::size_t>(std::max(i2d_ECDSA_SIG(pair.get(), nullptr), 0)));
  unsigned char* out = der.data();
  check(!der.empty() && i2d_ECDSA_SIG(pair.get(), &out) > 0, "a signature has an ASN.1 form");
  return der;
}

}  // namespace

std::string_view to_string(Algorithm algorithm) {
  switch (algorithm) {
    case Algorithm::kRs256:
      return "RS256";
    case Algorithm::kEs256:
      return "ES256";
    case Algorithm::kEdDsa:
      return "EdDSA";
  }
  check(false, "an algorithm is one of three");
  return "";
}

Result<PublicKey> PublicKey::rsa(std::string_view modulus, std::string_view exponent) {
  constexpr std::size_t kMostExponentBytes = 4;  // 65537 has 3; longer ones only cost
  constexpr BN_ULONG kLeastExponent = 65537;     // FIPS 186-5, A.1.1
  const NoErrorsLeft no_errors_left;
  if (modulus.size() > kMostRsaBits / 8 + 1) {
    return refused(fmt::format("an RSA key of more than {} bits", kMostRsaBits));
  }
  const Number n = number(modulus);
  if (const int bits = BN_num_bits(n.get()); bits < kLeastRsaBits || bits > kMostRsaBits) {
    return refused(fmt::format("an RSA key of {} bits; {} to {} are taken", bits, kLeastRsaBits,
                               kMostRsaBits));
  }
  if (exponent.size() > kMostExponentBytes) {
    return refused(fmt::format("an RSA exponent of more than {} bytes", kMostExponentBytes));
  }
  const Number e = number(exponent);
  if (BN_get_word(e.get()) < kLeastExponent || BN_is_odd(e.get()) == 0) {
    return refused(fmt::format("an RSA exponent that is even or less than {}", kLeastExponent));
  }
  const Owned<OSSL_PARAM_BLD, OSSL_PARAM_BLD_free> parts(OSSL_PARAM_BLD_new());
  check(parts && OSSL_PARAM_BLD_push_BN(parts.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) == 1 &&
            OSSL_PARAM_BLD_push_BN(parts.get(), OSSL_PKEY_PARAM_RSA_E, e.get()) == 1,
        "OpenSSL has memory for a key");
  auto key = make_key("RSA", *parts);
  if (!key) {
    return refused("an RSA key whose numbers are not those of one");
  }
  return PublicKey(Algorithm::kRs256, std::move(key));
}

Result<PublicKey> PublicKey::p256(std::string_view x, std::string_view y) {
  const NoErrorsLeft no_errors_left;
  if (x.size() != kNumberBytes || y.size() != kNumberBytes) {
    return refused("coordinates of P-256 that have not 32 bytes each");
  }
  const std::string point = fmt::format("\x04{}{}", x, y);  // uncompressed (SEC 1, 2.3.3)
  const Owned<OSSL_PARAM_BLD, OSSL_PARAM_BLD_free> parts(OSSL_PARAM_BLD_new());
  check(parts &&
            OSSL_PARAM_BLD_push_utf8_string(parts.get(), OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0) ==
                1 &&
            OSSL_PARAM_BLD_push_octet_string(parts.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(),
                                             point.size()) == 1,
        "OpenSSL has memory for a key");
  auto key = make_key("EC", *parts);
  if (!key) {
    return refused("a point that is not on P-256");
  }
  return PublicKey(Algorithm::kEs256, std::move(key));
}

Result<PublicKey> PublicKey::ed25519(std::string_view point) {
  const NoErrorsLeft no_errors_left;
  if (point.size() != kNumberBytes) {
    return refused("an Ed25519 key that has not 32 bytes");
  }
  if (has_small_order(point)) {
    return refused("an Ed25519 key of small order, for which anybody can sign");
  }
  std::shared_ptr<EVP_PKEY> key(
      EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, data(point), point.size()),
      EVP_PKEY_free);
  if (!key) {
    return refused("an Ed25519 key that OpenSSL does not take");
  }
  return PublicKey(Algorithm::kEdDsa, std::move(key));
}

std::size_t PublicKey::signature_bytes() const {
  return algorithm_ == Algorithm::kRs256 ? static_cast<std::size_t>(EVP_PKEY_get_size(key_.get()))
                                         : 2 * kNumberBytes;
}

bool PublicKey::verifies(std::string_view message, std::string_view signature) const {
  const NoErrorsLeft no_errors_left;
  if (signature.size() != signature_bytes()) {
    return false;
  }
  const Owned<EVP_MD_CTX, EVP_MD_CTX_free> context(EVP_MD_CTX_new());
  const EVP_MD* const digest = algorithm_ == Algorithm::kEdDsa ? nullptr : EVP_sha256();
  check(context && EVP_DigestVerifyInit(context.get(), nullptr, digest, nullptr, key_.get()) == 1,
        "OpenSSL verifies by keys that it made");
  const std::vector<unsigned char> bytes =
      algorithm_ == Algorithm::kEs256
          ? to_der(signature)
          : std::vector<unsigned char>(signature.begin(), signature.end());
  return EVP_DigestVerify(context.get(), bytes.data(), bytes.size(), data(message),
                          message.size()) == 1;
}

}  // namespace skerry::oidc
