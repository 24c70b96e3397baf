#include "store/proto/s3.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mailroom::store {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

Bucket bucket(bool path_style) { return {"https", "s3.example.org:9000", "mails", path_style}; }

HttpResponse response(int status, std::string code, std::string message = {}) {
  HttpResponse r;
  r.status = status;
  if (!code.empty())
    r.body = "<Error><Code>" + code + "</Code><Message>" + message + "</Message><Extra/></Error>";
  return r;
}

TEST(S3, PathStyleAndHostStyle) {
  EXPECT_EQ(object_request(bucket(true), "GET", "a/b").path, "/mails/a/b");
  EXPECT_EQ(object_request(bucket(true), "GET", "a/b").host, "s3.example.org:9000");
  EXPECT_EQ(object_request(bucket(false), "GET", "a/b").path, "/a/b");
  EXPECT_EQ(object_request(bucket(false), "GET", "a/b").host, "mails.s3.example.org:9000");
}

TEST(S3, ARequestsHead) {
  deliver::S3Request r = object_request(bucket(true), "PUT", "a b");
  r.query = {{"partNumber", "1"}, {"uploadId", "u/1="}};
  EXPECT_EQ(request_head(r, {{"x-amz-date", "d"}}, 7, true),
            "PUT /mails/a%20b?partNumber=1&uploadId=u%2F1%3D HTTP/1.1\r\nHost: "
            "s3.example.org:9000\r\nx-amz-date: d\r\n"
            "User-Agent: mailroom\r\nContent-Length: 7\r\nExpect: 100-continue\r\n\r\n");
  r.headers = {{"Content-Type", "a\r\nb"}};
  EXPECT_THROW(request_head(r, {}, -1, false), Failure);
}

TEST(S3, APartIsEightMebibytesUntilTenThousandAreTooFew) {
  EXPECT_EQ(part_size(1), 8u << 20);
  EXPECT_EQ(part_size(10'000 * (std::uint64_t{8} << 20)), 8u << 20);
  EXPECT_EQ(part_size(10'000 * (std::uint64_t{8} << 20) + 1), 16u << 20);
  EXPECT_LE((kMostObject + part_size(kMostObject) - 1) / part_size(kMostObject), kMostParts);
}

TEST(S3, ALinkHasTheNameAndNoSecret) {
  deliver::S3Key key;
  key.access_key = "AK";
  key.secret_key = aoh::Secret("planted-secret");
  const std::string a =
      download_link(bucket(true), key, "p/t/x.pdf", "Angebot \xE2\x82\xAC.pdf", 1'700'000'000, 60);
  EXPECT_EQ(a, download_link(bucket(true), key, "p/t/x.pdf", "Angebot \xE2\x82\xAC.pdf", 1'700'000'000, 60));
  EXPECT_THAT(a, HasSubstr("https://s3.example.org:9000/mails/p/t/x.pdf?"));
  EXPECT_THAT(a, HasSubstr("response-content-disposition=attachment%3B%20filename%3D%22Angebot_.pdf%22"));
  EXPECT_THAT(a, HasSubstr("X-Amz-Expires=60"));
  EXPECT_THAT(a, Not(HasSubstr("planted-secret")));
  EXPECT_NE(a, download_link(bucket(true), key, "p/t/x.pdf", "Angebot.pdf", 1'700'000'000, 60));
}

TEST(S3, ListsOfParts) {
  const PartPage p = read_parts(
      "<ListPartsResult "
      "xmlns=\"x\"><IsTruncated>true</IsTruncated><NextPartNumberMarker>2</NextPartNumberMarker>"
      "<Part><PartNumber>1</PartNumber><ETag>&quot;aa&quot;</ETag><Size>8388608</Size></Part>"
      "<Part><PartNumber>2</PartNumber><ETag>\"bb\"</ETag><Size>5</Size></Part></ListPartsResult>");
  ASSERT_EQ(p.parts.size(), 2u);
  EXPECT_EQ(p.parts[0].etag, "\"aa\"");
  EXPECT_EQ(p.parts[1].size, 5u);
  EXPECT_EQ(p.next, 2u);
  for (const char* bad : {"<Other/>",
                          "<ListPartsResult><Part><PartNumber>0</PartNumber><ETag>a</ETag><Size>1</Size></"
                          "Part></ListPartsResult>",
                          "<ListPartsResult><Part><PartNumber>1</PartNumber><ETag>a&#13;&#10;b</"
                          "ETag><Size>1</Size></Part></ListPartsResult>",
                          "<ListPartsResult><Part><PartNumber>10001</PartNumber><ETag>a</ETag><Size>1</"
                          "Size></Part></ListPartsResult>",
                          "<ListPartsResult><Part><PartNumber>1</PartNumber><ETag>a</ETag><Size>-1</Size></"
                          "Part></ListPartsResult>",
                          "<ListPartsResult><IsTruncated>true</IsTruncated></ListPartsResult>"})
    EXPECT_THROW(read_parts(bad), Failure) << bad;
}

TEST(S3, UploadIdsThatWouldBreakTheWireAreRefused) {
  EXPECT_EQ(read_upload_id(
                "<InitiateMultipartUploadResult><UploadId>u-1</UploadId></InitiateMultipartUploadResult>"),
            "u-1");
  for (const char* bad :
       {"<InitiateMultipartUploadResult/>", "<Error/>",
        "<InitiateMultipartUploadResult><UploadId>a&#10;b</UploadId></InitiateMultipartUploadResult>"})
    EXPECT_THROW(read_upload_id(bad), Failure) << bad;
}

TEST(S3, CompletionCanFailAfterA200) {
  HttpResponse r = response(200, "InternalError", "we encountered an error");
  ASSERT_TRUE(completion_error(r, "s"));
  EXPECT_EQ(completion_error(r, "s")->code, Errc::temporary);
  r.body = "<CompleteMultipartUploadResult><ETag>x</ETag></CompleteMultipartUploadResult>";
  EXPECT_FALSE(completion_error(r, "s"));
  r.body = "<html/>";
  EXPECT_THROW(completion_error(r, "s"), Failure);
  EXPECT_THAT(complete_body({{1, 5, "\"a&b\""}}),
              HasSubstr("<PartNumber>1</PartNumber><ETag>&quot;a&amp;b&quot;</ETag>"));
}

TEST(S3, RefusalsSayWhatIsWrongAndWhatToDo) {
  const struct {
    int status;
    const char* code;
    Errc errc;
    const char* cure;
  } rows[] = {{403, "SignatureDoesNotMatch", Errc::auth, "secret_key"},
              {403, "InvalidAccessKeyId", Errc::auth, "access_key"},
              {403, "RequestTimeTooSkewed", Errc::config, "clock"},
              {404, "NoSuchBucket", Errc::config, "bucket"},
              {400, "AuthorizationHeaderMalformed", Errc::config, "region"},
              {301, "PermanentRedirect", Errc::config, "endpoint"},
              {403, "AccessDenied", Errc::refused, "s3:PutObject"},
              {404, "NoSuchUpload", Errc::state, "anew"},
              {503, "SlowDown", Errc::temporary, "later"},
              {400, "RequestTimeout", Errc::temporary, "later"},
              {500, "", Errc::temporary, "later"},
              {429, "", Errc::temporary, "later"},
              {403, "", Errc::refused, "access_key"},
              {418, "Teapot", Errc::refused, ""}};
  for (const auto& row : rows) {
    const Error e =
        refusal(response(row.status, row.code, "a\r\nb"), "storing the file", "s3.example.org:443");
    EXPECT_EQ(e.code, row.errc) << row.code;
    EXPECT_THAT(e.cure, HasSubstr(row.cure)) << row.code;
    EXPECT_THAT(e.line(), HasSubstr("s3.example.org:443"));
    EXPECT_THAT(e.line(), HasSubstr(std::to_string(row.status)));
    EXPECT_EQ(e.line().find('\n'), std::string::npos);
  }
  HttpResponse page;
  page.status = 502;
  page.body = "<html><body>Bad gateway";
  EXPECT_EQ(refusal(page, "x", "y").code, Errc::temporary);
}

}  // namespace
}  // namespace mailroom::store
