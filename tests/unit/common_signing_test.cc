// Signatures on models: what is signed is signed as it stands, and nothing else passes for it.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/digest.h"
#include "common/model_trust.h"
#include "common/signing.h"

namespace skerry {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(Signing, KnowsTheVectorsOfRfc8032) {
  // 7.1, TEST 1 and TEST 3: public key, message, signature.
  const struct {
    const char* key;
    std::string message;
    const char* signature;
  } vectors[] = {
      {"11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=", "",
       "5VZDAMNgrHKQhuLMgG6CioSHfx645dl02HPgZSJJAVVfuIIVkKM7rMYeOXAc+bRr0lv18FlbviRlUUFDjnoQCw=="},
      {"/FHNjmIYoaONpH7QAjDwWAgW7RO6MwOsXeuRFUiQgCU=", "\xaf\x82",
       "YpHWV97sJAJIJ+acOr4BowzlSKKEdDpEXjaA19taw6wY/5tTjRbykK5n92CYTcZZSnwV6XFu0o3AJ77O6h7ECg=="},
  };
  for (const auto& vector : vectors) {
    const auto key = PublicKey::parse(vector.key);
    ASSERT_TRUE(key);
    EXPECT_TRUE(key->verifies(vector.message, vector.signature));
    EXPECT_FALSE(key->verifies(vector.message + "x", vector.signature));
  }
}

TEST(Signing, AKeyVerifiesWhatItsOtherHalfSigned) {
  const PrivateKey key = PrivateKey::generate();
  const std::string signature = key.sign("a text");
  EXPECT_TRUE(key.public_key().verifies("a text", signature));
  EXPECT_FALSE(key.public_key().verifies("a text ", signature));
  EXPECT_FALSE(PrivateKey::generate().public_key().verifies("a text", signature));
  const auto again = PrivateKey::from_pem(key.pem());
  ASSERT_TRUE(again);
  EXPECT_EQ(again->sign("a text"), signature);
  EXPECT_TRUE(PublicKey::parse(key.public_key().base64())->verifies("a text", signature));
}

TEST(Signing, NoChangedBitOfASignatureOrATextPasses) {
  const PrivateKey key = PrivateKey::generate();
  const PublicKey half = key.public_key();
  const std::string text = to_signed_text({sha256_digest("m"), "digits", "small", "vision"});
  const std::string signature = key.sign(text);
  const std::string bytes = from_base64(signature).value();
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string changed = bytes;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << bit % 8));
    EXPECT_FALSE(half.verifies(text, to_base64(changed))) << bit;
  }
  for (std::size_t bit = 0; bit < text.size() * 8; ++bit) {
    std::string changed = text;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << bit % 8));
    EXPECT_FALSE(half.verifies(changed, signature)) << bit;
  }
  for (const std::string& other : {std::string(), signature.substr(1), signature + "A",
                                   std::string(88, 'A'), std::string("not base64 at all")}) {
    EXPECT_FALSE(half.verifies(text, other)) << other;
  }
}

TEST(Signing, WhatIsNoKeyIsRefused) {
  for (const char* text :
       {"", "AAAA", "not base64", "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHUQ=="}) {
    EXPECT_FALSE(PublicKey::parse(text)) << text;
  }
  EXPECT_FALSE(PrivateKey::from_pem(""));
  EXPECT_FALSE(
      PrivateKey::from_pem("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"));
  // An RSA key would be one, too, but not of this kind; so would one behind a passphrase.
  EXPECT_THAT(PrivateKey::from_pem("-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIGb\n"
                                   "-----END ENCRYPTED PRIVATE KEY-----\n")
                  .error()
                  .message,
              HasSubstr("no Ed25519 private key"));
}

// ---- models

struct TrustTest : testing::Test {
  PrivateKey key = PrivateKey::generate();
  PrivateKey other_key = PrivateKey::generate();
  ModelTrust trust{
      .required = true,
      .keys = {{"release", key.public_key(), {"vision"}}, {"lab", other_key.public_key(), {"*"}}}};

  static ModelManifest manifest() {
    ModelManifest model;
    model.name = "vision/digits";
    model.variants = {{.name = "small", .digest = sha256_digest("small")},
                      {.name = "large", .digest = sha256_digest("large")}};
    return model;
  }
  ModelManifest signed_manifest() const {
    ModelManifest model = manifest();
    for (VariantSpec& variant : model.variants) {
      variant.signature = key.sign(to_signed_text(statement_of(model, variant)));
      variant.signed_by = "release";
    }
    return model;
  }
  std::vector<std::string> fields(const ModelManifest& model) const {
    std::vector<std::string> all;
    for (const FieldIssue& issue : check_signatures(model, trust)) {
      all.push_back(issue.field);
    }
    return all;
  }
};

TEST_F(TrustTest, SignedVariantsPass) {
  EXPECT_THAT(fields(signed_manifest()), IsEmpty());
  EXPECT_TRUE(check_signature(signed_manifest(), "small", trust));
}

TEST_F(TrustTest, AMissingSignatureIsRefusedWhereOneIsRequired) {
  ModelManifest model = signed_manifest();
  model.variants[1].signature.clear();
  model.variants[1].signed_by.clear();
  EXPECT_THAT(fields(model), ElementsAre("/spec/variants/1/signature"));
  EXPECT_EQ(check_signature(model, "large", trust).error().code, ErrorCode::kPermissionDenied);
  trust.required = false;
  EXPECT_THAT(fields(model), IsEmpty());
  model.variants[1].digest.clear();
  trust.required = true;
  EXPECT_THAT(fields(model), IsEmpty()) << "nothing is loaded for it";
}

TEST_F(TrustTest, ASignatureIsWorthNothingElsewhere) {
  ModelManifest renamed = signed_manifest();
  renamed.name = "vision/faces";
  EXPECT_THAT(fields(renamed),
              ElementsAre("/spec/variants/0/signature", "/spec/variants/1/signature"));
  ModelManifest swapped = signed_manifest();
  std::swap(swapped.variants[0].signature, swapped.variants[1].signature);
  EXPECT_THAT(fields(swapped),
              ElementsAre("/spec/variants/0/signature", "/spec/variants/1/signature"));
  ModelManifest exchanged = signed_manifest();
  exchanged.variants[0].digest = sha256_digest("evil");
  EXPECT_THAT(fields(exchanged), ElementsAre("/spec/variants/0/signature"));
  EXPECT_THAT(check_signatures(exchanged, trust)[0].message, HasSubstr(sha256_digest("evil")));
  trust.keys[0].namespaces = {"*"};
  ModelManifest moved = signed_manifest();
  moved.name = "digits";
  EXPECT_THAT(fields(moved),
              ElementsAre("/spec/variants/0/signature", "/spec/variants/1/signature"));
}

TEST_F(TrustTest, AKeyCountsForItsNamespacesOnly) {
  ModelManifest model = manifest();
  model.name = "payments/digits";
  for (VariantSpec& variant : model.variants) {
    variant.signature = key.sign(to_signed_text(statement_of(model, variant)));
    variant.signed_by = "release";
  }
  EXPECT_THAT(fields(model),
              ElementsAre("/spec/variants/0/signed_by", "/spec/variants/1/signed_by"));
  EXPECT_THAT(check_signatures(model, trust)[0].message,
              HasSubstr("'release' does not count for namespace 'payments'"));
}

TEST_F(TrustTest, UnknownAndRemovedKeysCountForNothing) {
  ModelManifest model = signed_manifest();
  model.variants[0].signed_by = "unknown";
  model.variants[1].signed_by = "lab";  // another key than the one that signed
  EXPECT_THAT(fields(model),
              ElementsAre("/spec/variants/0/signed_by", "/spec/variants/1/signature"));
  trust.keys.erase(trust.keys.begin());
  EXPECT_THAT(fields(signed_manifest()),
              ElementsAre("/spec/variants/0/signed_by", "/spec/variants/1/signed_by"));
  // Also where none is required: one that is there must be good.
  trust.required = false;
  EXPECT_THAT(fields(signed_manifest()),
              ElementsAre("/spec/variants/0/signed_by", "/spec/variants/1/signed_by"));
}

TEST_F(TrustTest, NobodyWhoAsksForNothingIsToldAnything) {
  trust = {};
  ModelManifest model = signed_manifest();
  model.variants[0].signature = std::string(88, 'A');
  EXPECT_THAT(fields(model), IsEmpty());
}

TEST(SignedText, HasOneLineForEachPart) {
  EXPECT_EQ(to_signed_text({"sha256:00", "digits", "small", "default"}),
            "skerry model 1\nsha256:00\ndigits\nsmall\ndefault\n");
}

}  // namespace
}  // namespace skerry
