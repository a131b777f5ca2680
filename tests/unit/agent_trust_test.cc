// What an agent loads: the artifact that the manifest names, signed where the site asks for it, and as its
// digest says when a runner reads it.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/serialize.hpp>

#include "common/digest.h"
#include "tests/unit/agent_executor_world.h"

namespace skerry::agent {
namespace {

using namespace testing;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

ExecutorOptions with(ModelTrust trust) {
  ExecutorOptions options = ExecutorTest::options();
  options.trust = std::move(trust);
  return options;
}

// An executor of a site that pins one key, for one namespace.
struct PinnedSiteTest : ExecutorTest {
  PrivateKey key = PrivateKey::generate();
  Executor pinned{with({.required = true, .keys = {{"release", key.public_key(), {"shop"}}}}),
                  {&engine, &heavy},
                  blobs,
                  journal,
                  meter,
                  quiet_log()};

  static ModelManifest unsigned_model() {
    ModelManifest model;
    model.name = "shop/digits";
    model.variants = {{.name = "s", .digest = sha256_digest("the model")}};
    return model;
  }
  ModelManifest signed_model() const {
    ModelManifest model = unsigned_model();
    VariantSpec& variant = model.variants[0];
    variant.signature = key.sign(to_signed_text(statement_of(model, variant)));
    variant.signed_by = "release";
    return model;
  }
  static Assign assignment_of(const ModelManifest& model, std::uint64_t n) {
    Assign assign = assignment(n, "s", "torch");
    assign.model = model.name;
    assign.manifest_json = boost::json::serialize(manifest_to_json(model));
    assign.manifest_revision = n;
    assign.artifact = model.variants[0].digest;
    return assign;
  }
  void assign_pinned(const Assign& assign) {
    pinned.assign(at(seconds(0)), assign);
    pinned.settle(at(seconds(0)));
  }
};

TEST_F(PinnedSiteTest, RunsWhatTheHolderOfItsKeySigned) {
  assign_pinned(assignment_of(signed_model(), 1));
  ASSERT_THAT(blobs.fetches, SizeIs(1));
  pinned.fetched(at(seconds(1)), {.ticket = blobs.fetches[0].first, .path = "/m"});
  pinned.settle(at(seconds(1)));
  EXPECT_THAT(heavy.started, SizeIs(1));
}

TEST_F(PinnedSiteTest, FetchesNothingThatIsNotSigned) {
  assign_pinned(assignment_of(unsigned_model(), 1));
  EXPECT_EQ(result_of(1).outcome, Outcome::kInfrastructure) << "another node may run it";
  EXPECT_THAT(result_of(1).error,
              HasSubstr("variant 's' of model 'shop/digits': signature is missing"));
  ModelManifest elsewhere = signed_model();
  elsewhere.name = "lab/digits";
  assign_pinned(assignment_of(elsewhere, 2));
  EXPECT_THAT(result_of(2).error, HasSubstr("does not count for namespace 'lab'"));
  ModelManifest other = signed_model();
  other.variants[0].digest = sha256_digest("another model");
  assign_pinned(assignment_of(other, 3));
  EXPECT_THAT(result_of(3).error, HasSubstr("signature is not that of key 'release'"));
  EXPECT_THAT(blobs.fetches, IsEmpty());
  EXPECT_EQ(blobs.held_in_all(), 0);
  EXPECT_TRUE(pinned.idle());
}

TEST_F(PinnedSiteTest, ProbesNothingThatIsNotSigned) {
  const ModelManifest model = unsigned_model();
  pinned.probe(at(seconds(0)), {.model = "shop/digits",
                                .variant = "s",
                                .artifact = model.variants[0].digest,
                                .manifest_json = boost::json::serialize(manifest_to_json(model)),
                                .manifest_revision = 1});
  const auto probed = only<ProbeResult>(pinned.take_messages());
  ASSERT_THAT(probed, SizeIs(1));
  EXPECT_THAT(probed[0].error, HasSubstr("signature is missing"));
  EXPECT_THAT(blobs.fetches, IsEmpty());
}

// A manifest with a good signature, and another artifact beside it: what a stolen controller would try.
TEST_F(PinnedSiteTest, FetchesNoArtifactButTheManifests) {
  Assign assign = assignment_of(signed_model(), 1);
  assign.artifact = sha256_digest("another model");
  assign_pinned(assign);
  EXPECT_THAT(result_of(1).error, HasSubstr("was to be loaded"));
  EXPECT_THAT(blobs.fetches, IsEmpty());
}

TEST_F(ExecutorTest, NoArtifactButTheManifestsIsFetchedAnywhere) {
  Assign other = assignment(1, "s", "torch");
  other.artifact = sha256_digest("another model");
  assign(at(seconds(0)), other);
  EXPECT_EQ(result_of(1).outcome, Outcome::kInfrastructure);
  EXPECT_THAT(result_of(1).error, HasSubstr("was to be loaded"));
  EXPECT_THAT(blobs.fetches, IsEmpty());
}

TEST_F(ExecutorTest, AFileThatARunnerFoundChangedIsNotTrustedAgain) {
  assign(at(seconds(0)), assignment(1, "s", "torch"));
  executor.fetched(at(seconds(1)), {.ticket = blobs.fetches[0].first, .path = "/m"});
  settle(at(seconds(1)));
  ASSERT_THAT(heavy.started, SizeIs(1));
  heavy.ended.push_back({.token = 1,
                         .outcome = Outcome::kInfrastructure,
                         .error = "it has another digest",
                         .artifact_damaged = true});
  settle(at(seconds(2)));
  EXPECT_THAT(blobs.distrusted, ElementsAre("sha256:" + std::string(64, 'a')));
  EXPECT_EQ(result_of(1).outcome, Outcome::kInfrastructure);
}

}  // namespace
}  // namespace skerry::agent
