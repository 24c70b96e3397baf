#include "store/account.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"

namespace mailroom::store {
namespace {

using ::testing::HasSubstr;

aoh::Json record() {
  return aoh::Json{{"id", "files"},
                   {"type", "s3"},
                   {"endpoint", "https://minio.example.org:9000/"},
                   {"bucket", "mails"},
                   {"access_key", "AK"}};
}

TEST(StoreAccount, DefaultsAreSafe) {
  const Account a = account_from(record());
  EXPECT_EQ(a.endpoint.host, "minio.example.org");
  EXPECT_EQ(a.endpoint.port, 9000);
  EXPECT_EQ(a.endpoint.tls, net::TlsMode::implicit);
  EXPECT_TRUE(a.endpoint.require_tls);
  EXPECT_EQ(a.bucket.host, "minio.example.org:9000");
  EXPECT_TRUE(a.bucket.path_style);
  EXPECT_EQ(a.region, "us-east-1");
  EXPECT_EQ(a.link_lifetime_s, 7 * 24 * 3600);
  EXPECT_EQ(a.max_bytes, 2'000'000'000u);
}

TEST(StoreAccount, ThePortOfTheSchemeIsNotInTheHostField) {
  const Account a =
      account_from(record().set("endpoint", "https://s3.example.org:443").set("path_style", false));
  EXPECT_EQ(a.bucket.host, "s3.example.org");
  EXPECT_EQ(a.endpoint.host, "mails.s3.example.org");  // what the certificate must be good for
  EXPECT_EQ(account_from(record().set("endpoint", "https://[2001:db8::1]:9000")).bucket.host,
            "[2001:db8::1]:9000");
}

TEST(StoreAccount, HttpOnLoopbackOnlyAndOnlyWhenItIsSaid) {
  EXPECT_THROW(account_from(record().set("endpoint", "http://localhost:9000")), Failure);
  EXPECT_THROW(account_from(record().set("endpoint", "http://minio.example.org").set("require_tls", false)),
               Failure);
  const Account a = account_from(record().set("endpoint", "http://127.0.0.1:9000").set("require_tls", false));
  EXPECT_EQ(a.endpoint.tls, net::TlsMode::none);
  EXPECT_EQ(a.bucket.scheme, "http");
}

TEST(StoreAccount, WhatCannotBeIsRefusedByName) {
  const std::pair<const char*, aoh::Json> rows[] = {{"endpoint", ""},
                                                    {"endpoint", "minio.example.org"},
                                                    {"endpoint", "ftp://x"},
                                                    {"endpoint", "https://"},
                                                    {"endpoint", "https://u:p@x"},
                                                    {"endpoint", "https://x/bucket"},
                                                    {"endpoint", "https://x:0"},
                                                    {"endpoint", "https://x:99999"},
                                                    {"endpoint", "https://x\r\nHost: y"},
                                                    {"endpoint", "https://[::1"},
                                                    {"bucket", "A"},
                                                    {"bucket", "a..b"},
                                                    {"bucket", "a/b"},
                                                    {"access_key", ""},
                                                    {"access_key", "a b"},
                                                    {"region", "eu\r\nx"},
                                                    {"link_lifetime_s", 0},
                                                    {"link_lifetime_s", 604801},
                                                    {"max_bytes", 10}};
  for (const auto& [field, value] : rows) try {
      account_from(record().set(field, value));
      ADD_FAILURE() << field << " " << value.dump();
    } catch (const Failure& f) {
      EXPECT_EQ(f.error.code, Errc::config) << value.dump();
      EXPECT_THAT(f.error.where, HasSubstr(field)) << value.dump();
    }
  EXPECT_THROW(account_from(record().set("type", "mail")), Failure);
  EXPECT_THROW(account_from(record().set("bucket", "a.b").set("path_style", false)), Failure);
}

}  // namespace
}  // namespace mailroom::store
