// What the core says of blobs: they are needed until the end of what needs them is durable.

#include "tests/unit/core_world.h"

namespace skerry::core {
namespace {

using Unneeded = std::vector<std::string>;

class CoreBlobs : public CoreWorld {
 protected:
  CoreBlobs() { put_model(); }

  static JobSpec job_with_input() {
    JobSpec job = spec();
    job.inputs = Payload::stored(kInput, 1 << 20);
    return job;
  }
  BatchNumber cancel(JobId id) {
    apply(CancelJob{.ticket = 9, .job = id});
    return core->batches_written();
  }

  static constexpr const char* kInput = "sha256:input";
};

TEST_F(CoreBlobs, AnInputIsNeededUntilTheEndOfItsJobIsDurable) {
  const JobId id = submit(job_with_input());
  const BatchNumber ended = cancel(id);
  EXPECT_EQ(core->made_durable(ended - 1), Unneeded{});
  EXPECT_TRUE(core->blob_in_use(kInput));
  EXPECT_EQ(core->made_durable(ended), Unneeded{kInput});
  EXPECT_FALSE(core->blob_in_use(kInput));
}

TEST_F(CoreBlobs, TheSameInputIsNeededUntilTheLastOfTwoEndsIsDurable) {
  const BatchNumber first = cancel(submit(job_with_input()));
  const BatchNumber second = cancel(submit(job_with_input()));
  EXPECT_EQ(core->made_durable(first), Unneeded{});
  EXPECT_TRUE(core->blob_in_use(kInput));
  EXPECT_EQ(core->made_durable(second), Unneeded{kInput});
}

TEST_F(CoreBlobs, AnInputThatIsUsedAgainStays) {
  const BatchNumber first = cancel(submit(job_with_input()));
  submit(job_with_input());
  EXPECT_EQ(core->made_durable(core->batches_written()), Unneeded{});
  EXPECT_LT(first, core->batches_written());
  EXPECT_TRUE(core->blob_in_use(kInput));
}

}  // namespace
}  // namespace skerry::core
