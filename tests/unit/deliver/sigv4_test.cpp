#include "deliver/sigv4.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"

namespace mailroom::deliver {
namespace {

using ::testing::HasSubstr;

// The examples that AWS publishes for S3: one key, one bucket, one moment (2013-05-24T00:00:00Z).
constexpr std::int64_t kThen = 1'369'353'600;
constexpr const char* kEmpty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

S3Key example_key() {
  S3Key k;
  k.access_key = "AKIAIOSFODNN7EXAMPLE";
  k.secret_key = aoh::Secret("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY");
  return k;
}

S3Request to_example(std::string path) {
  S3Request r;
  r.host = "examplebucket.s3.amazonaws.com";
  r.path = std::move(path);
  r.payload_sha256 = kEmpty;
  return r;
}

std::string authorization(const S3Request& r) { return sign_request(r, example_key(), kThen).back().second; }

TEST(SigV4, GetObject) {
  S3Request r = to_example("/test.txt");
  r.headers = {{"Range", "bytes=0-9"}};
  EXPECT_EQ(authorization(r),
            "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
            "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,"
            "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
}

TEST(SigV4, PutObjectWithANameThatIsEscaped) {
  S3Request r = to_example("/test$file.text");
  r.method = "PUT";
  r.headers = {{"Date", "Fri, 24 May 2013 00:00:00 GMT"}, {"x-amz-storage-class", "REDUCED_REDUNDANCY"}};
  r.payload_sha256 = sha256_hex_of("Welcome to Amazon S3.");
  EXPECT_EQ(r.payload_sha256, "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072");
  EXPECT_THAT(authorization(r),
              HasSubstr("Signature=98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"));
}

TEST(SigV4, QueriesWithAndWithoutValues) {
  S3Request r = to_example("/");
  r.query = {{"lifecycle", ""}};
  EXPECT_THAT(authorization(r),
              HasSubstr("Signature=fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"));
  r.query = {{"prefix", "J"}, {"max-keys", "2"}};
  EXPECT_THAT(authorization(r),
              HasSubstr("Signature=34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"));
}

TEST(SigV4, APresignedLink) {
  EXPECT_EQ(presigned_url(to_example("/test.txt"), example_key(), "https", kThen, 86400),
            "https://examplebucket.s3.amazonaws.com/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256"
            "&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request"
            "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
            "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
}

TEST(SigV4, TheLifeOfALinkHasBounds) {
  for (const std::int64_t life : {std::int64_t{-1}, std::int64_t{0}, kMostLinkSeconds + 1})
    EXPECT_THROW((void)presigned_url(to_example("/x"), example_key(), "https", kThen, life), Failure) << life;
  EXPECT_THAT(presigned_url(to_example("/x"), example_key(), "https", kThen, kMostLinkSeconds),
              HasSubstr("X-Amz-Expires=604800"));
}

TEST(SigV4, NoKeysIsAPlainError) {
  S3Key none;
  try {
    (void)sign_request(to_example("/x"), none, kThen);
    FAIL();
  } catch (const Failure& f) {
    EXPECT_EQ(f.error.code, Errc::config);
    EXPECT_THAT(f.error.line(), HasSubstr("no keys"));
  }
}

TEST(SigV4, Escapes) {
  EXPECT_EQ(uri_encode("a/b c+d=\xC3\xA4~*", true), "a/b%20c%2Bd%3D%C3%A4~%2A");
  EXPECT_EQ(uri_encode("a/b", false), "a%2Fb");
  S3Request r = to_example("/a b");
  r.query = {{"b", "2"}, {"a", "1 &"}};
  EXPECT_EQ(request_target(r), "/a%20b?a=1%20%26&b=2");
}

}  // namespace
}  // namespace mailroom::deliver
