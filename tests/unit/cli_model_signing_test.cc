// Tests of skerryctl model keygen, sign and verify.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>

#include "common/digest.h"
#include "common/signing.h"
#include "tests/unit/cli_answers.h"

namespace skerry::cli {
namespace {

namespace json = boost::json;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

mode_t mode_of(const std::string& path) {
  struct stat status{};
  return stat(path.c_str(), &status) == 0 ? status.st_mode & 0777 : 0;
}

struct ModelSigning : testing::Test {
  TemporaryFolder folder;
  std::string key = folder.path("release.pem");
  std::string manifest;

  void SetUp() override {
    folder.write("a.pt", "first");
    manifest = folder.write("model.yaml", R"(apiVersion: skerry/v1
kind: Model
metadata: {name: mine, namespace: vision}
spec:
  inputs: [{name: x, shape: [1, 3]}]
  variants: [{name: a, file: a.pt, accuracy: 0.5}, {name: b, digest: )" +
                                              sha256_digest("second") + "}]\n");
  }
  // The public key.
  std::string make_key() {
    const Finished made = run_skerryctl({"model", "keygen", key, "-o", "json"});
    EXPECT_EQ(made.exit_code, 0) << made.err;
    return std::string(json::parse(made.out).at("public_key").as_string());
  }
  std::string sign() {
    const Finished done = run_skerryctl({"model", "sign", "-f", manifest, "--key", key});
    EXPECT_EQ(done.exit_code, 0) << done.err;
    return folder.write("signed.yaml", done.out);
  }
};

TEST_F(ModelSigning, AKeyIsItsOwnersAlone) {
  const Finished made = run_skerryctl({"model", "keygen", key});
  EXPECT_EQ(made.exit_code, 0) << made.err;
  EXPECT_EQ(mode_of(key), 0600u);
  EXPECT_THAT(made.out, AllOf(StartsWith("model_signing:\n  keys:\n    - id: release\n"),
                              Not(HasSubstr("PRIVATE"))));
  const Finished again = run_skerryctl({"model", "keygen", key});
  EXPECT_EQ(again.exit_code, 4) << "it is not overwritten";
}

TEST_F(ModelSigning, AKeyThatOthersCanReadIsNotUsed) {
  make_key();
  ASSERT_EQ(chmod(key.c_str(), 0640), 0);
  const Finished refused = run_skerryctl({"model", "sign", "-f", manifest, "--key", key});
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.err, HasSubstr("chmod 600"));
}

TEST_F(ModelSigning, SignsEveryVariantAndLeavesTheRestAsItWas) {
  const std::string public_key = make_key();
  const Finished done =
      run_skerryctl({"model", "sign", "-f", manifest, "--key", key, "-o", "json"});
  ASSERT_EQ(done.exit_code, 0) << done.err;
  const json::value document = json::parse(done.out);
  EXPECT_EQ(document.at_pointer("/metadata/namespace"), json::value("vision"));
  EXPECT_EQ(document.at_pointer("/spec/variants/0/file"), json::value("a.pt"));
  EXPECT_EQ(document.at_pointer("/spec/variants/0/accuracy"), json::value(0.5));
  EXPECT_EQ(document.at_pointer("/spec/variants/0/signed_by"), json::value("release"));
  const auto half = PublicKey::parse(public_key);
  ASSERT_TRUE(half);
  EXPECT_TRUE(half->verifies(to_signed_text({sha256_digest("first"), "mine", "a", "vision"}),
                             document.at_pointer("/spec/variants/0/signature").as_string()));
  EXPECT_TRUE(half->verifies(to_signed_text({sha256_digest("second"), "mine", "b", "vision"}),
                             document.at_pointer("/spec/variants/1/signature").as_string()));
}

TEST_F(ModelSigning, VerifiesWhatItSignedAndNothingElse) {
  const std::string public_key = make_key();
  const std::string signed_file = sign();
  const auto verify = [&](const std::string& file, const std::string& with) {
    return run_skerryctl({"model", "verify", "-f", file, "--public-key", with});
  };
  EXPECT_EQ(verify(signed_file, public_key).out, "model/vision/mine is signed by this key\n");
  EXPECT_THAT(verify(manifest, public_key).err, HasSubstr("signature is missing"));
  EXPECT_THAT(verify(signed_file, PrivateKey::generate().public_key().base64()).err,
              HasSubstr("signature is not that of key"));
  EXPECT_THAT(verify(signed_file, "x").err, HasSubstr("is no public key"));
  folder.write("a.pt", "another");
  const Finished changed = verify(signed_file, public_key);
  EXPECT_EQ(changed.exit_code, 1);
  EXPECT_THAT(changed.err, HasSubstr("as the manifest says"));
}

TEST_F(ModelSigning, ASignedManifestIsAppliedWithItsSignatures) {
  make_key();
  const std::string signed_file = sign();
  const Finished checked = run_skerryctl({"apply", "--dry-run", "-f", signed_file, "-o", "json"});
  ASSERT_EQ(checked.exit_code, 0) << checked.err;
  const json::value sent = json::parse(checked.out);
  EXPECT_EQ(sent.at_pointer("/spec/variants/0/signed_by"), json::value("release"));
  EXPECT_EQ(sent.at_pointer("/spec/variants/0/signature").as_string().size(), 88u);
}

TEST_F(ModelSigning, WhatCannotBeSignedIsNamed) {
  make_key();
  const std::string noop = folder.write("noop.yaml",
                                        "apiVersion: skerry/v1\nkind: Model\nmetadata: {name: n}\n"
                                        "spec: {engine: noop, variants: [{name: a}]}\n");
  EXPECT_THAT(run_skerryctl({"model", "sign", "-f", noop, "--key", key}).err,
              HasSubstr("no variant with a file to sign"));
  EXPECT_EQ(
      run_skerryctl({"model", "sign", "-f", manifest, "--key", folder.path("none")}).exit_code, 3);
  EXPECT_THAT(run_skerryctl({"model", "sign", "-f", manifest, "--key", manifest}).exit_code, 1);
  EXPECT_THAT(run_skerryctl({"model", "keygen", folder.path("Not A Name")}).err, HasSubstr("--id"));
}

}  // namespace
}  // namespace skerry::cli
