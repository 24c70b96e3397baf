// The manifest that is shipped, read by the host's own reader.
#include <gtest/gtest.h>

#include <cstdlib>

#include "loader/manifest.hpp"

namespace mailroom::tools {
namespace {

TEST(Manifest, LoadsAndFitsIssueTwo) {
  const auto m =
      aoh::host::Manifest::load(std::string(std::getenv("MAILROOM_SOURCE_DIR")) + "/manifests/email.json");
  for (const char* tool : {"email_send", "email_fetch", "email_parse", "email_reply", "email_mailboxes",
                           "email_watch", "email_templates", "email_links", "email_search",
                           "email_deliverability", "email_suppressions", "email_rules_explain"})
    EXPECT_TRUE(m.tool(tool)) << tool;
  EXPECT_TRUE(m.source("email"));
  EXPECT_TRUE(m.finish_action("reply_email"));
  ASSERT_TRUE(m.credential_type("mail"));
  EXPECT_EQ(m.credential_type("mail")->secret_fields,
            (std::vector<std::string>{"password", "dkim_key", "client_key", "client_secret",
                                      "service_account_key", "oauth_tokens"}));
  EXPECT_EQ(m.credential_type("mail")->references, std::vector<std::string>{"link_store"});
  ASSERT_TRUE(m.credential_type("s3"));
  EXPECT_EQ(m.credential_type("s3")->secret_fields, std::vector<std::string>{"secret_key"});
}

}  // namespace
}  // namespace mailroom::tools
