#include "services/blobs.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <thread>

#include "services/faults.hpp"
#include "temp_dir.hpp"

namespace aoh::host {
namespace {

using Fault = Blobs::Fault;

class BlobsTest : public testing::Test {
 protected:
  void SetUp() override { std::filesystem::create_directory(dir / "blobs"); }
  void TearDown() override { faults::configure(""); }
  std::unique_ptr<Blobs> make(std::uint64_t quota = 1000) {
    return std::make_unique<Blobs>(db, dir / "blobs", quota);
  }
  static std::string sealed(Blobs& blobs, std::string_view bytes, std::string_view session = {}) {
    const std::string id = blobs.create("m", session, "text/plain", "a.txt", 1);
    EXPECT_EQ(blobs.write("m", id, bytes), Fault::none);
    EXPECT_EQ(blobs.seal("m", id), Fault::none);
    return id;
  }
  static std::string read(Blobs& blobs, std::string_view id, std::uint64_t offset, std::size_t n) {
    std::string out;
    EXPECT_EQ(blobs.read(id, offset, n, out), Fault::none);
    return out;
  }
  std::size_t files() {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(dir / "blobs"), {}));
  }
  TempDir dir;
  Db db{dir / "host.db"};
};

TEST_F(BlobsTest, IsWrittenSealedAndReadByRange) {
  auto blobs = make();
  const std::string id = blobs->create("m", "s1", "text/plain", "a.txt", 1);
  EXPECT_EQ(blobs->write("m", id, "hello "), Fault::none);
  EXPECT_EQ(blobs->write("m", id, ""), Fault::none);
  EXPECT_EQ(blobs->write("m", id, "world"), Fault::none);
  EXPECT_EQ(blobs->seal("m", id), Fault::none);
  const auto info = blobs->find(id);
  ASSERT_TRUE(info);
  EXPECT_EQ(info->size, 11u);
  EXPECT_EQ(info->session, "s1");
  EXPECT_EQ(info->filename, "a.txt");
  EXPECT_EQ(info->sha256, "b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9");
  EXPECT_EQ(read(*blobs, id, 0, 100), "hello world");
  EXPECT_EQ(read(*blobs, id, 6, 3), "wor");
  EXPECT_EQ(read(*blobs, id, 11, 3), "");
  EXPECT_EQ(read(*blobs, id, UINT64_MAX, SIZE_MAX), "");
}

TEST_F(BlobsTest, SurvivesARestart) {
  std::string id;
  {
    auto blobs = make();
    id = sealed(*blobs, "kept");
  }
  auto blobs = make();
  EXPECT_EQ(read(*blobs, id, 0, 100), "kept");
}

TEST_F(BlobsTest, WhatWasNotSealedIsGoneAfterARestart) {
  std::string id;
  {
    auto blobs = make();
    id = blobs->create("m", "", "", "", 1);
    blobs->write("m", id, std::string(900, 'x'));
  }
  auto blobs = make();
  EXPECT_FALSE(blobs->find(id));
  EXPECT_EQ(files(), 0u);
  sealed(*blobs, std::string(900, 'x'));  // its share of the quota is free again
}

TEST_F(BlobsTest, IsReadOnlyAfterAndUnreadableBeforeTheSeal) {
  auto blobs = make();
  const std::string id = blobs->create("m", "", "", "", 1);
  blobs->write("m", id, "x");
  std::string out;
  EXPECT_EQ(blobs->read(id, 0, 1, out), Fault::state);
  EXPECT_EQ(blobs->seal("m", id), Fault::none);
  EXPECT_NE(blobs->write("m", id, "y"), Fault::none);
  EXPECT_NE(blobs->seal("m", id), Fault::none);
  EXPECT_EQ(read(*blobs, id, 0, 10), "x");
}

TEST_F(BlobsTest, OnlyItsModuleWritesSealsAndRemoves) {
  auto blobs = make();
  const std::string id = blobs->create("m", "", "", "", 1);
  EXPECT_EQ(blobs->write("other", id, "x"), Fault::not_found);
  EXPECT_EQ(blobs->seal("other", id), Fault::not_found);
  EXPECT_EQ(blobs->remove("other", id), Fault::not_found);
  EXPECT_EQ(blobs->remove("m", id), Fault::none);
  EXPECT_FALSE(blobs->find(id));
  EXPECT_EQ(files(), 0u);
}

TEST_F(BlobsTest, TheQuotaHoldsAndRemovingFreesIt) {
  auto blobs = make(100);
  const std::string id = blobs->create("m", "", "", "", 1);
  EXPECT_EQ(blobs->write("m", id, std::string(60, 'x')), Fault::none);
  EXPECT_EQ(blobs->write("m", id, std::string(41, 'x')), Fault::quota);
  EXPECT_EQ(blobs->write("m", id, std::string(40, 'x')), Fault::none);
  EXPECT_EQ(blobs->seal("m", id), Fault::none);
  const std::string next = blobs->create("m", "", "", "", 1);
  EXPECT_EQ(blobs->write("m", next, "x"), Fault::quota);
  EXPECT_EQ(blobs->remove("m", id), Fault::none);
  EXPECT_EQ(blobs->write("m", next, std::string(100, 'y')), Fault::none);
  blobs = make(100);
  sealed(*blobs, std::string(100, 'x'));
}

TEST_F(BlobsTest, IdsThatAreNoIdsNameNoFile) {
  auto blobs = make();
  std::ofstream(dir / "secret") << "x";
  std::string out;
  for (const char* id : {"", "../secret", "b-", "b-../../../../../../../etc/hosts0", "/etc/passwd"}) {
    EXPECT_EQ(blobs->read(id, 0, 10, out), Fault::not_found) << id;
    EXPECT_EQ(blobs->remove("m", id), Fault::not_found) << id;
  }
}

TEST_F(BlobsTest, FilesAreForTheirOwnerOnly) {
  auto blobs = make();
  const std::string id = sealed(*blobs, "x");
  struct stat st {};
  ASSERT_EQ(::stat((dir / "blobs" / id).c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 0777, 0400u);
}

TEST_F(BlobsTest, AFaultAtTheSealLeavesItUnsealed) {
  auto blobs = make();
  const std::string id = blobs->create("m", "", "", "", 1);
  blobs->write("m", id, "x");
  faults::configure("blob.seal=fail");
  EXPECT_THROW(blobs->seal("m", id), faults::Injected);
  EXPECT_FALSE(blobs->find(id)->sealed);
  EXPECT_EQ(blobs->seal("m", id), Fault::none);
}

TEST_F(BlobsTest, ManyThreadsWriteTheirOwn) {
  auto blobs = make(1u << 20);
  std::vector<std::jthread> threads;
  for (int t = 0; t < 6; ++t)
    threads.emplace_back([&, t] {
      const std::string id = blobs->create("m", "", "", "", 1);
      for (int i = 0; i < 50; ++i)
        EXPECT_EQ(blobs->write("m", id, std::string(10, char('a' + t))), Fault::none);
      EXPECT_EQ(blobs->seal("m", id), Fault::none);
      EXPECT_EQ(read(*blobs, id, 0, 1000), std::string(500, char('a' + t)));
    });
}

TEST_F(BlobsTest, ADescriptorReadsASealedBlobAndOutlivesIt) {
  auto blobs = make();
  const std::string open = blobs->create("m", "", "", "", 1);
  int fd = -1;
  EXPECT_EQ(blobs->open(open, fd), Fault::state);
  EXPECT_EQ(blobs->open("b-00000000000000000000000000000000", fd), Fault::not_found);
  EXPECT_EQ(blobs->open("../host.db", fd), Fault::not_found);
  const std::string id = sealed(*blobs, "hello");
  ASSERT_EQ(blobs->open(id, fd), Fault::none);
  EXPECT_EQ(blobs->remove("m", id), Fault::none);
  char bytes[8] = {};
  EXPECT_EQ(::read(fd, bytes, sizeof bytes), 5);
  EXPECT_STREQ(bytes, "hello");
  EXPECT_EQ(::fcntl(fd, F_GETFL) & O_ACCMODE, O_RDONLY);
  EXPECT_TRUE(::fcntl(fd, F_GETFD) & FD_CLOEXEC);
  ::close(fd);
}

}  // namespace
}  // namespace aoh::host
