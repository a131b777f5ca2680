// Tests of an installation's authorities: on disk, and one following another.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "common/pki/authorities.h"
#include "common/pki/secret_file.h"
#include "common/pki/verify.h"
#include "pki_forge.h"

namespace skerry::pki {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class AuthoritiesTest : public testing::Test {
 protected:
  AuthoritiesTest() {
    std::string pattern = (fs::temp_directory_path() / "skerry-pki-XXXXXX").string();
    root_ = ::mkdtemp(pattern.data());
    folder_ = root_ / "authority";
  }
  ~AuthoritiesTest() override { fs::remove_all(root_); }

  Result<Authorities> open(Instant now = kNow) {
    return Authorities::open(folder_.string(), "test.skerry", now);
  }
  std::vector<fs::path> files() const {
    std::vector<fs::path> found;
    for (const auto& entry : fs::directory_iterator(folder_)) {
      found.push_back(entry.path());
    }
    return found;
  }
  Chain node(const Authorities& authorities, Instant now) const {
    return *authorities.signer(now).sign_node(key_, "edge-1", now);
  }

  fs::path root_;
  fs::path folder_;
  const PublicKey key_ = PrivateKey::generate().public_key();
};

TEST_F(AuthoritiesTest, ThereIsOneFromTheFirstStartOn) {
  const auto first = open();
  ASSERT_TRUE(first) << first.error().message;
  const std::string fingerprint = first->signer(kNow).certificate().fingerprint();
  const auto again = open(kNow + hours(24));
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->signer(kNow).certificate().fingerprint(), fingerprint);
  EXPECT_EQ(files().size(), 1u);
  EXPECT_TRUE(verify(node(*again, kNow), first->believed(kNow), Purpose::kNodeConnects, kNow));
}

TEST_F(AuthoritiesTest, NobodyElseMayReadItsKey) {
  ASSERT_TRUE(open());
  struct stat facts{};
  ASSERT_EQ(::stat(files().front().c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777, 0600u);
  ASSERT_EQ(::stat(folder_.c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777, 0700u);

  ::chmod(files().front().c_str(), 0640);
  const auto opened = open();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::kPermissionDenied);
  EXPECT_THAT(opened.error().message, HasSubstr("chmod 600"));
  ::chmod(files().front().c_str(), 0600);
  ::chmod(folder_.c_str(), 0755);
  const auto folder = open();
  ASSERT_FALSE(folder);
  EXPECT_THAT(folder.error().message, HasSubstr("chmod 700"));
}

TEST_F(AuthoritiesTest, ADamagedFileIsAnErrorAndNoReasonForANewAuthority) {
  ASSERT_TRUE(open());
  const fs::path file = files().front();
  for (const std::string& content :
       {std::string(), std::string("garbage"), std::string(PrivateKey::generate().to_pem()),
        PrivateKey::generate().to_pem() + Authority::make("x", kNow).certificate().to_pem()}) {
    ASSERT_TRUE(write_secret_file(file.string(), content));
    const auto opened = open();
    ASSERT_FALSE(opened) << content;
    EXPECT_THAT(opened.error().message, HasSubstr(file.string()));
    EXPECT_EQ(files().size(), 1u);
  }
}

TEST_F(AuthoritiesTest, AWriteThatNeverEndedIsNotRead) {
  ASSERT_TRUE(open());
  std::ofstream(files().front().string() + ".0123.new") << "half a key";
  EXPECT_TRUE(open());
}

TEST_F(AuthoritiesTest, ANewOneIsBelievedAtOnceAndSignsAfterItsAnnouncement) {
  Authorities authorities = *open();
  const std::string first = authorities.signer(kNow).certificate().fingerprint();
  ASSERT_TRUE(authorities.rotate(kNow, hours(48)));
  EXPECT_EQ(authorities.believed(kNow).authorities().size(), 2u);
  EXPECT_EQ(authorities.signer(kNow + hours(47)).certificate().fingerprint(), first);
  const Instant later = kNow + hours(48);
  EXPECT_NE(authorities.signer(later).certificate().fingerprint(), first);

  // Whoever got the bundle meanwhile believes what the new one signs; whoever has an old certificate
  // is believed.
  const Chain old_chain = node(authorities, later - hours(1));
  const Chain new_chain = node(authorities, later);
  for (const Chain& chain : {old_chain, new_chain}) {
    EXPECT_TRUE(verify(chain, authorities.believed(later), Purpose::kNodeConnects, later));
  }
  EXPECT_TRUE(verify(new_chain, authorities.believed(kNow), Purpose::kNodeConnects, later));
}

TEST_F(AuthoritiesTest, SurvivesARestartInTheMiddleOfARotation) {
  {
    Authorities authorities = *open();
    ASSERT_TRUE(authorities.rotate(kNow, hours(48)));
  }
  const Authorities again = *open(kNow + hours(1));
  EXPECT_EQ(again.believed(kNow).authorities().size(), 2u);
  EXPECT_NE(again.signer(kNow).certificate().fingerprint(),
            again.signer(kNow + hours(48)).certificate().fingerprint());
}

TEST_F(AuthoritiesTest, ARetiredOneIsBelievedUntilNobodyCanHaveACertificateOfIts) {
  Authorities authorities = *open();
  const std::string first = authorities.signer(kNow).certificate().fingerprint();
  ASSERT_TRUE(authorities.rotate(kNow, hours(48)));
  // The last moment at which the old one signs, with the longest life.
  const Instant last_signed = kNow + hours(48) - seconds(1);
  const Chain last =
      *authorities.signer(last_signed).sign_node(key_, "edge-1", last_signed, kLongestLife);
  ASSERT_EQ(last.back().fingerprint(), first);
  const Instant renewable = last.front().not_after() + kRenewalGrace;
  ASSERT_TRUE(authorities.prune(renewable));
  EXPECT_TRUE(verify(last, authorities.believed(renewable), Purpose::kNodeRenews, renewable));

  const Instant gone = kNow + hours(48) + kLongestLife + kRenewalGrace + seconds(1);
  EXPECT_EQ(authorities.believed(gone).authorities().size(), 1u);
  ASSERT_TRUE(authorities.prune(gone));
  EXPECT_EQ(files().size(), 1u);
  EXPECT_NE(authorities.signer(gone).certificate().fingerprint(), first);
}

TEST_F(AuthoritiesTest, OneWhoseKeyIsKnownIsForgottenAtOnce) {
  Authorities authorities = *open();
  const std::string first = authorities.signer(kNow).certificate().fingerprint();
  EXPECT_EQ(authorities.forget(first).error().code, ErrorCode::kConflict);
  const Chain stolen = node(authorities, kNow);
  ASSERT_TRUE(authorities.rotate(kNow, Duration(0)));
  ASSERT_TRUE(authorities.forget(first));
  const Instant now = kNow + seconds(2);
  EXPECT_FALSE(verify(stolen, authorities.believed(now), Purpose::kNodeConnects, now));
  EXPECT_NE(authorities.signer(now).certificate().fingerprint(), first);
  EXPECT_EQ(authorities.forget(first).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(open(now)->believed(now).authorities().size(), 1u);
}

TEST_F(AuthoritiesTest, ThereAreNoMoreThanABundleHolds) {
  Authorities authorities = *open();
  for (std::size_t i = 1; i < kMaxAuthorities; ++i) {
    ASSERT_TRUE(authorities.rotate(kNow, Duration(0)));
  }
  EXPECT_EQ(authorities.rotate(kNow).error().code, ErrorCode::kConflict);
  EXPECT_EQ(open()->believed(kNow).authorities().size(), kMaxAuthorities);
}

TEST_F(AuthoritiesTest, AGivenOneIsReadAndNeverWritten) {
  const Authority given = Authority::make("theirs", kNow);
  const Authority old = Authority::make("theirs", kNow);
  const std::string key_file = (root_ / "ca.key").string();
  const std::string chain_file = (root_ / "ca.pem").string();
  ASSERT_TRUE(write_secret_file(key_file, given.key().to_pem()));
  std::ofstream(chain_file) << to_pem(given.chain());

  const std::string believed_file = (root_ / "believed.pem").string();
  std::ofstream(believed_file) << to_pem(old.chain()) << to_pem(given.chain());
  auto authorities = Authorities::given(key_file, chain_file, "test.skerry", believed_file);
  ASSERT_TRUE(authorities) << authorities.error().message;
  EXPECT_EQ(authorities->believed(kNow).authorities().size(), 2u);
  EXPECT_TRUE(
      verify(node(*authorities, kNow), authorities->believed(kNow), Purpose::kNodeConnects, kNow));
  EXPECT_EQ(authorities->rotate(kNow).error().code, ErrorCode::kUnsupported);

  const std::string leaf_file = (root_ / "node.pem").string();
  std::ofstream(leaf_file) << to_pem(node(*authorities, kNow));
  const auto leaf = Authorities::given(key_file, chain_file, "test.skerry", leaf_file);
  ASSERT_FALSE(leaf);
  EXPECT_THAT(leaf.error().message, HasSubstr("is no authority"));
  EXPECT_FALSE(Authorities::given(key_file, chain_file, "test.skerry", "/absent"));

  ::chmod(key_file.c_str(), 0644);
  const auto open_to_all = Authorities::given(key_file, chain_file, "test.skerry");
  ASSERT_FALSE(open_to_all);
  EXPECT_THAT(open_to_all.error().message, HasSubstr("chmod 600"));
  EXPECT_FALSE(Authorities::given(key_file, (root_ / "absent").string(), "test.skerry"));
}

}  // namespace
}  // namespace skerry::pki
