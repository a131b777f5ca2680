// A store loses whole files, or was never one: it is refused and nothing is changed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rocksdb/db.h>

#include <filesystem>

#include "controller/store/rocks_store.h"
#include "controller/store/stamp.h"
#include "tests/unit/store_files.h"
#include "tests/unit/store_world.h"

namespace skerry::store {
namespace {

using testing::copy_directory;
using testing::files_ending;
using testing::fingerprint;
using ::testing::HasSubstr;
using testing::known_batch;
using testing::known_store;
using testing::read_file;
using testing::Reports;
using testing::ScriptedFiles;
using testing::TempDirectory;
using testing::write_file;

// Tables, and two logs of which neither is in the tables yet: a flush was under way.
class StoreLostFiles : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    directory_ = std::make_unique<TempDirectory>();
    const std::string path = directory_->path("live");
    {
      Reports reports;
      known_store(path, reports, 1);
    }
    Reports reports;
    auto files = std::make_shared<ScriptedFiles>();
    RocksOptions options = reports.options(path);
    options.files = files;
    const auto store = open_rocks_store(std::move(options)).value();
    old_witness_ = read_file(path + "/witness");
    files->hold_syncs(".sst");
    for (int i = 0; i < 3; ++i) {
      reports.wait_durable(
          store->append({{Table::kResult, "large", std::string(6 * 1024 * 1024, 'x')}}));
    }
    reports.wait_durable(store->append({{Table::kNode, "newest", "last"}}));
    files->wait_for_held_sync();
    copy_directory(path, killed());
    last_ = store->durable();
    files->release_syncs();
  }
  static void TearDownTestSuite() { directory_.reset(); }

  static std::string killed() { return directory_->path("killed"); }
  static std::string victim() { return directory_->path("victim"); }
  static void prepare(bool power_loss) {
    copy_directory(killed(), victim());
    if (power_loss) {
      write_file(victim() + "/witness", old_witness_);
    }
  }
  // Complete (true), or refused and unchanged.
  static bool opens() {
    const std::string before = fingerprint(victim());
    Reports reports;
    const auto store = open_rocks_store(reports.options(victim()));
    if (!store) {
      EXPECT_EQ(store.error().code, ErrorCode::kCorrupt) << store.error().message;
      EXPECT_EQ(fingerprint(victim()), before) << store.error().message;
      return false;
    }
    EXPECT_EQ((*store)->durable(), last_);
    EXPECT_EQ((*store)->get(Table::kNode, "newest").value_or("absent"), "last");
    EXPECT_EQ((*store)->get(Table::kTask, "task-00000001").value_or("absent"),
              known_batch(1)[0].value);
    return true;
  }

  inline static std::unique_ptr<TempDirectory> directory_;
  inline static std::string old_witness_;
  inline static Position last_ = 0;
};

TEST_F(StoreLostFiles, OpensAsItIs) {
  prepare(/*power_loss=*/false);
  EXPECT_EQ(files_ending(victim(), ".sst").size(), 2U);
  EXPECT_EQ(files_ending(victim(), ".log").size(), 2U);
  EXPECT_TRUE(opens());
}

TEST_F(StoreLostFiles, RefusesIfAnyFileThatMattersIsGone) {
  const std::string unborn = files_ending(killed(), ".sst").back();  // belongs to nothing yet
  for (const std::string& name : files_ending(killed(), "")) {
    prepare(/*power_loss=*/false);
    std::filesystem::remove(victim() + "/" + name);
    const bool dispensable = name == "LOCK" || name == "store.lock" || name == "IDENTITY" ||
                             name == "witness" || name == unborn || name.starts_with("OPTIONS");
    EXPECT_EQ(opens(), dispensable) << name;
  }
}

TEST_F(StoreLostFiles, RefusesIfTheOlderLogIsGoneOrCutShortWhateverTheWitnessSays) {
  const std::string log = files_ending(killed(), ".log").front();
  for (const std::uint64_t kept : {0U, 20U, 1'000'000U, 7'000'000U}) {
    prepare(/*power_loss=*/true);
    std::filesystem::resize_file(victim() + "/" + log, kept);
    EXPECT_FALSE(opens()) << "kept " << kept;
  }
  prepare(/*power_loss=*/true);
  std::filesystem::remove(victim() + "/" + log);
  EXPECT_FALSE(opens());
}

// A database at `path` that holds `key`, in its log or in a table.
void make_database(const std::string& path, std::string_view key, const std::string& value,
                   bool flushed) {
  rocksdb::Options options;
  options.create_if_missing = true;
  rocksdb::DB* opened = nullptr;
  ASSERT_TRUE(rocksdb::DB::Open(options, path, &opened).ok());
  const std::unique_ptr<rocksdb::DB> db(opened);
  ASSERT_TRUE(db->Put({}, {key.data(), key.size()}, value).ok());
  if (flushed) {
    ASSERT_TRUE(db->Flush({}).ok());
  }
}

TEST(StoreRefusal, RefusesANewerSchemaWithoutTouchingIt) {
  for (const bool flushed : {false, true}) {
    TempDirectory directory;
    make_database(
        directory.path(), kStampKey,
        encode({.schema = kSchema + 1, .store_id = std::string(16, 'i'), .first = 1, .last = 1}),
        flushed);
    write_file(directory.path() + "/store.lock", "");
    const std::string before = fingerprint(directory.path());
    Reports reports;
    const auto store = open_rocks_store(reports.options(directory.path()));
    ASSERT_FALSE(store.has_value());
    EXPECT_EQ(store.error().code, ErrorCode::kUnsupported);
    EXPECT_THAT(store.error().message, HasSubstr("newer Skerry (schema 2; this one knows 1)"));
    EXPECT_EQ(fingerprint(directory.path()), before);
  }
}

TEST(StoreRefusal, RefusesADatabaseThatIsNotSkerrysWithoutTouchingIt) {
  for (const bool flushed : {false, true}) {
    TempDirectory directory;
    make_database(directory.path(), "precious", "data", flushed);
    write_file(directory.path() + "/store.lock", "");
    const std::string before = fingerprint(directory.path());
    Reports reports;
    const auto store = open_rocks_store(reports.options(directory.path()));
    ASSERT_FALSE(store.has_value());
    EXPECT_EQ(store.error().code, ErrorCode::kCorrupt);
    EXPECT_THAT(store.error().message, HasSubstr("not Skerry's"));
    EXPECT_EQ(fingerprint(directory.path()), before);
  }
}

}  // namespace
}  // namespace skerry::store
