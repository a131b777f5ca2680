// The real skerry-agent against a Hub behind its door: work and large data over TLS, a renewal without a
// restart, controllers that are none, and what the agent says of files that cannot be used.

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <fstream>
#include <thread>

#include "agent/credentials.h"
#include "common/digest.h"
#include "common/pki/secret_file.h"
#include "tests/unit/agent_process.h"
#include "tests/unit/hub_fixture.h"

namespace skerry::agent {
namespace {

using hub::HubWorld;
using testing::HasSubstr;

constexpr const char* kManifest =
    R"({"apiVersion":"skerry/v1","kind":"Model","metadata":{"name":"echo"},)"
    R"("spec":{"engine":"noop","variants":[{"name":"only"}]}})";

class AgentTls : public HubWorld {
 protected:
  AgentTls() : HubWorld(hub::Way::kDoor) {
    models_.manifest = kManifest;
    files_ = {.identity = (root_ / "identity.pem").string(),
              .trust = (root_ / "trust.pem").string()};
    write_identity(tls_.node("kiosk"));
    std::ofstream(files_.trust) << tls_.authority().certificate().to_pem();
  }

  void write_identity(const pki::TlsIdentity& identity) const {
    ASSERT_TRUE(pki::write_secret_file(files_.identity, pki::to_pem(identity)));
  }
  std::unique_ptr<AgentProcess> start_agent() const {
    return std::make_unique<AgentProcess>(
        "127.0.0.1:" + std::to_string(hub_->port()), (root_ / "agent").string(),
        std::vector<std::string>{"tls.identity=" + files_.identity, "tls.trust=" + files_.trust,
                                 "heartbeat=50ms", "log.level=warn"});
  }
  // The next event of this kind, whatever comes before it.
  template <typename Kind>
  Kind await() {
    while (true) {
      core::Event event = gateway_.next();
      if (auto* kind = std::get_if<Kind>(&event)) {
        return std::move(*kind);
      }
      if (std::holds_alternative<core::Tick>(event)) {
        return {};  // nothing came, which has failed the test
      }
    }
  }
  SessionId greet() {
    const auto hello = await<core::AgentHello>();
    EXPECT_EQ(hello.node.name, "kiosk");
    hub_->send({hello.session, core::WelcomeAgent{.epoch = Epoch{3}, .heartbeat = seconds(1)}});
    return hello.session;
  }
  std::uint64_t count(door::Count what) const { return (*hub_->door_counters())[what]; }
  void await_failures(std::uint64_t least) const {
    while (count(door::Count::kFailed) < least) {
      std::this_thread::yield();
    }
  }

  // Why the agent cannot use its files, which must be so.
  Error refusal() const {
    const auto credentials = channel_credentials("10.1.2.3:7443", false, files_);
    EXPECT_FALSE(credentials);
    return credentials ? Error{} : credentials.error();
  }

  TlsFiles files_;
};

TEST_F(AgentTls, WorksAndMovesLargeDataBothWays) {
  start();
  const auto agent = start_agent();
  const SessionId session = greet();
  EXPECT_EQ(await<core::AgentHeartbeat>().session, session);
  const std::string large(600'000, 'L');
  core::AssignAttempt assign{.attempt = hub::attempt_ref(1),
                             .epoch = Epoch{3},
                             .model = "echo",
                             .variant = "only",
                             .manifest_revision = 1,
                             .input = Payload::stored(blobs_->put(large)->digest(), large.size())};
  hub_->send({session, std::move(assign)});
  const auto ended = await<core::AttemptEnded>();
  EXPECT_EQ(ended.outcome, core::AttemptOutcome::kSucceeded) << ended.error;
  EXPECT_EQ(ended.output.blob, sha256_digest(large));
  EXPECT_EQ(ended.output.size_bytes, large.size());
  hub_->send({session, core::AckResult{.attempt = hub::attempt_ref(1), .committed = true}});
  EXPECT_EQ(count(door::Count::kPassed), 2u);  // the session and the bulk transfers
  EXPECT_EQ(agent->stop(), 0);
}

TEST_F(AgentTls, ShowsARenewedCertificateAtItsNextConnection) {
  start();
  const auto agent = start_agent();
  greet();
  const pki::TlsIdentity renewed = tls_.node("kiosk");
  write_identity(renewed);
  while (tls_.members.last_admitted() != renewed.chain.front().fingerprint()) {
    hub_->disconnect("kiosk");
    greet();
    ASSERT_FALSE(HasFailure());
  }
}

TEST_F(AgentTls, IsHeldToTheNameInItsCertificate) {
  start();
  write_identity(tls_.node("somebody-else"));
  const auto agent = start_agent();
  while (hub_->count(hub::Count::kHellosRefused) == 0) {
    std::this_thread::yield();
  }
  EXPECT_TRUE(gateway_.all().empty());
}

TEST_F(AgentTls, SaysNothingToAControllerOfAnotherAuthority) {
  start();
  const pki::Authority other = pki::Authority::make(door::TlsWorld::kDomain, tls_.now());
  std::ofstream(files_.trust) << other.certificate().to_pem();
  const auto agent = start_agent();
  await_failures(3);
  EXPECT_EQ(count(door::Count::kPassed), 0u);
}

TEST_F(AgentTls, SaysNothingToAControllerOfAnotherInstallation) {
  // Both sides believe the authority, which signs for two installations.
  const auto elsewhere =
      pki::Authority::of("elsewhere", tls_.authority().key(), {tls_.authority().certificate()});
  auto keys = tls_.keys_of(*elsewhere, {tls_.authority().certificate()});
  keys.trust = tls_.keys().trust;  // so that it is the agent who says no
  start(keys);
  const auto agent = start_agent();
  // gRPC asks our rules once TLS is through: then the agent leaves, and no call was made.
  while (count(door::Count::kPassed) < 3) {
    std::this_thread::yield();
  }
  hub_->stop();
  EXPECT_TRUE(gateway_.all().empty());
}

// A company's root above our authority, which alone the agent is told to believe.
TEST_F(AgentTls, BelievesAnAuthorityThatAnotherOneSigned) {
  const pki::Authority ours = tls_.intermediate();
  ASSERT_NE(ours.certificate().subject(), ours.certificate().issuer());
  write_identity(tls_.node_of(ours, "kiosk"));
  std::ofstream(files_.trust) << ours.certificate().to_pem();
  start();
  ASSERT_TRUE(hub_->set_keys(tls_.keys_of(ours, {ours.certificate()})));
  const auto agent = start_agent();
  greet();
}

// ---- files that cannot be used

TEST_F(AgentTls, GoodFilesAreUsedForAControllerElsewhere) {
  const auto credentials = channel_credentials("10.1.2.3:7443", false, files_);
  EXPECT_TRUE(credentials) << credentials.error().message;
  EXPECT_FALSE(channel_credentials("10.1.2.3:7443", false, {}));
  EXPECT_TRUE(channel_credentials("127.0.0.1:7443", false, {}));
}

TEST_F(AgentTls, OneFileWithoutTheOtherIsRefused) {
  files_.trust.clear();
  EXPECT_THAT(refusal().message, HasSubstr("belong together"));
}

TEST_F(AgentTls, AKeyThatOthersMayReadIsRefused) {
  ::chmod(files_.identity.c_str(), 0640);
  EXPECT_THAT(refusal().message, HasSubstr("chmod 600"));
}

TEST_F(AgentTls, AnIdentityThatIsNotANodesIsRefused) {
  write_identity(tls_.keys().identity);
  EXPECT_THAT(refusal().message, HasSubstr("not a node's"));
  pki::TlsIdentity mixed = tls_.node("kiosk");
  mixed.key = pki::PrivateKey::generate();
  write_identity(mixed);
  EXPECT_THAT(refusal().message, HasSubstr(files_.identity));
  std::filesystem::remove(files_.identity);
  EXPECT_EQ(refusal().code, ErrorCode::kNotFound);
}

TEST_F(AgentTls, TrustThatIsNoneIsRefused) {
  std::ofstream(files_.trust, std::ios::trunc) << "not a certificate";
  EXPECT_THAT(refusal().message, HasSubstr(files_.trust));
  std::ofstream(files_.trust, std::ios::trunc) << tls_.node("kiosk").chain.front().to_pem();
  EXPECT_THAT(refusal().message, HasSubstr("no authority"));
  std::filesystem::remove(files_.trust);
  EXPECT_THAT(refusal().message, HasSubstr(files_.trust));
}

}  // namespace
}  // namespace skerry::agent
