#include "services/store.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include <thread>

#include "services/faults.hpp"
#include "temp_dir.hpp"

namespace aoh::host {
namespace {

using testing::HasSubstr;

class Store : public testing::Test {
 protected:
  void TearDown() override { faults::configure(""); }
  std::int64_t count() {
    Statement s(db, "SELECT count(*) FROM t");
    s.step();
    return s.integer(0);
  }
  void insert(std::int64_t k) {
    Statement s(db, "INSERT INTO t(k, v) VALUES(?, ?)");
    s.with(k, "value").run();
  }
  TempDir dir;
  Db db{dir / "host.db"};
  const int made = (db.exec("CREATE TABLE t(k INTEGER PRIMARY KEY, v)"), 0);
};

TEST_F(Store, TheFileIsForItsOwnerOnly) {
  struct stat st {};
  ASSERT_EQ(::stat((dir / "host.db").c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 0777, 0600u);
}

TEST_F(Store, WritesAheadAndReachesTheDisk) {
  Statement journal(db, "PRAGMA journal_mode");
  ASSERT_TRUE(journal.step());
  EXPECT_EQ(journal.text(0), "wal");
  Statement synchronous(db, "PRAGMA synchronous");
  ASSERT_TRUE(synchronous.step());
  EXPECT_EQ(synchronous.integer(0), 2);  // FULL
}

TEST_F(Store, BytesComeBackAsTheyWent) {
  const std::string bytes("a\0b\xFF", 4);
  {
    Statement s(db, "INSERT INTO t(k, v) VALUES(1, ?), (2, ?), (3, ?), (4, NULL)");
    s.bind_blob(1, bytes).bind(2, std::string_view{}).bind(3, std::int64_t{-5}).run();
  }
  Statement s(db, "SELECT v FROM t ORDER BY k");
  ASSERT_TRUE(s.step());
  EXPECT_EQ(s.text(0), bytes);
  ASSERT_TRUE(s.step());
  EXPECT_EQ(s.text(0), "");
  EXPECT_FALSE(s.null(0)) << "an empty text is not NULL";
  ASSERT_TRUE(s.step());
  EXPECT_EQ(s.integer(0), -5);
  ASSERT_TRUE(s.step());
  EXPECT_TRUE(s.null(0));
  EXPECT_FALSE(s.step());
}

TEST_F(Store, WhatIsNotCommittedIsRolledBack) {
  {
    Transaction t(db);
    insert(1);
  }
  EXPECT_EQ(count(), 0);
  {
    Transaction t(db);
    insert(1);
    t.commit();
  }
  EXPECT_EQ(count(), 1);
}

TEST_F(Store, AnInnerTransactionCountsOnlyWithTheOuterOne) {
  {
    Transaction outer(db);
    {
      Transaction inner(db);
      insert(1);
      inner.commit();
    }
    insert(2);
  }
  EXPECT_EQ(count(), 0);
  {
    Transaction outer(db);
    {
      Transaction inner(db);
      insert(1);
      inner.commit();
    }
    outer.commit();
  }
  EXPECT_EQ(count(), 1);
}

// Otherwise half of a unit that was given up would become durable with the outer commit.
TEST_F(Store, AnInnerTransactionThatWasGivenUpStopsTheOuterOne) {
  EXPECT_THROW(
      {
        Transaction outer(db);
        insert(1);
        {
          Transaction inner(db);
          insert(2);
        }
        outer.commit();
      },
      StoreError);
  EXPECT_EQ(count(), 0);
}

TEST_F(Store, AFaultAtCommitLeavesNothingAndTheNextTransactionWorks) {
  for (const char* rule : {"store.begin=fail", "store.commit=fail"}) {
    faults::configure(rule);
    EXPECT_THROW(
        {
          Transaction t(db);
          insert(1);
          t.commit();
        },
        faults::Injected)
        << rule;
    EXPECT_EQ(count(), 0) << rule;
  }
  {
    Transaction t(db);
    insert(1);
    t.commit();
  }
  EXPECT_EQ(count(), 1);
}

TEST_F(Store, AFaultBehindTheCommitFindsItDurable) {
  faults::configure("store.committed=fail");
  EXPECT_THROW(
      {
        Transaction t(db);
        insert(1);
        t.commit();
      },
      faults::Injected);
  EXPECT_EQ(count(), 1);
}

TEST_F(Store, TransactionsOfManyThreadsAreSerialised) {
  { insert(0); }
  db.exec("UPDATE t SET v = 0");
  constexpr int kThreads = 8, kEach = 20;
  std::vector<std::jthread> threads;
  for (int i = 0; i < kThreads; ++i)
    threads.emplace_back([&] {
      for (int n = 0; n < kEach; ++n) {
        Transaction t(db);
        std::int64_t v = 0;
        {
          Statement s(db, "SELECT v FROM t WHERE k = 0");
          s.step();
          v = s.integer(0);
        }
        {
          Statement s(db, "UPDATE t SET v = ? WHERE k = 0");
          s.with(v + 1).run();
        }
        t.commit();
      }
    });
  threads.clear();
  Statement s(db, "SELECT v FROM t WHERE k = 0");
  s.step();
  EXPECT_EQ(s.integer(0), kThreads * kEach);
}

TEST_F(Store, TwoConnectionsWaitForEachOther) {
  Db other(dir / "host.db");
  const auto work = [](Db& on, int from) {
    for (int k = from; k < from + 20; ++k) {
      Transaction t(on);
      Statement(on, "INSERT INTO t(k) VALUES(?)").with(k).run();
      t.commit();
    }
  };
  std::jthread a([&] { work(db, 0); });
  std::jthread b([&] { work(other, 100); });
  a.join();
  b.join();
  EXPECT_EQ(count(), 40);
}

TEST_F(Store, AFullDiskHasItsOwnKindAndWordsAndLosesNothing) {
  insert(1);
  db.exec("PRAGMA max_page_count = 4");
  const std::string big(1 << 20, 'x');
  try {
    Transaction t(db);
    Statement(db, "INSERT INTO t(k, v) VALUES(2, ?)").with(std::string_view(big)).run();
    t.commit();
    FAIL() << "it fitted";
  } catch (const StoreError& e) {
    EXPECT_EQ(e.kind, StoreError::Kind::disk_full);
    EXPECT_THAT(e.what(), HasSubstr("the disk is full"));
    EXPECT_THAT(e.what(), HasSubstr("Free space"));
  }
  EXPECT_EQ(count(), 1);
}

TEST_F(Store, AStatementThatIsWrongSaysSoAndLeavesTheMutexFree) {
  EXPECT_THAT(words_of([&] { Statement(db, "SELECT nonsense FROM nowhere"); }), HasSubstr("nowhere"));
  std::jthread([&] { insert(1); }).join();
  EXPECT_EQ(count(), 1);
}

TEST(StoreFile, WhatIsNoDatabaseIsNamed) {
  TempDir dir;
  std::ofstream(dir / "host.db") << std::string(5000, 'x');
  try {
    Db db(dir / "host.db");
    FAIL() << "it opened";
  } catch (const StoreError& e) {
    EXPECT_EQ(e.kind, StoreError::Kind::corrupt);
    EXPECT_THAT(e.what(), HasSubstr("host.db"));
  }
}

TEST(StoreFile, AFolderThatIsNotThereIsNamed) {
  try {
    Db db("/nonexistent-folder/host.db");
    FAIL() << "it opened";
  } catch (const StoreError& e) {
    EXPECT_EQ(e.kind, StoreError::Kind::read_only);
    EXPECT_THAT(e.what(), HasSubstr("/nonexistent-folder/host.db"));
  }
}

TEST(StoreFile, AReadOnlyStoreCannotBeWrittenToAndSaysWhy) {
  TempDir dir;
  { Db(dir / "host.db").exec("CREATE TABLE t(k)"); }
  Db db(dir / "host.db");
  db.exec("PRAGMA query_only = ON");
  try {
    db.exec("INSERT INTO t VALUES(1)");
    FAIL() << "it wrote";
  } catch (const StoreError& e) {
    EXPECT_EQ(e.kind, StoreError::Kind::read_only);
    EXPECT_THAT(e.what(), HasSubstr("Check the owner and the rights"));
  }
}

}  // namespace
}  // namespace aoh::host
