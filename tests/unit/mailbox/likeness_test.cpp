// Which message is the copy of which, without a server.
#include "mailbox/likeness.hpp"

#include <gtest/gtest.h>

namespace mailroom::mailbox {
namespace {

using Found = std::vector<std::pair<imap::Uid, imap::Uid>>;

Likeness like(std::uint64_t size, std::string fields) { return {size, 0, std::move(fields)}; }

TEST(Likeness, OneCopyStandsForOneMessage) {
  const Likenesses ours{{like(10, "a"), 1}, {like(10, "a"), 2}, {like(10, "b"), 3}, {like(11, "a"), 4}};
  EXPECT_EQ(pairs(ours, {{like(10, "a"), 7}, {like(12, "b"), 8}}), (Found{{1, 7}}));
  EXPECT_EQ(pairs(ours, {{like(10, "a"), 7}, {like(10, "a"), 8}, {like(10, "a"), 9}}),
            (Found{{1, 7}, {2, 8}}));
}

TEST(Likeness, BytesOfBothCountAgainstTheLimit) {
  const Likenesses ours{{like(10, "a"), 1}, {like(20, "b"), 2}, {like(30, "c"), 3}};
  const Likenesses theirs{{like(10, "a"), 4}, {like(20, "b"), 5}, {like(30, "c"), 6}};
  EXPECT_EQ(pairs(ours, theirs, 120), (Found{{1, 4}, {2, 5}, {3, 6}}));
  EXPECT_EQ(pairs(ours, theirs, 119), (Found{{1, 4}, {2, 5}}));
  EXPECT_EQ(pairs(ours, theirs, 19), Found{});
  const Likenesses endless{{like(UINT64_MAX, "a"), 1}};
  EXPECT_EQ(pairs(endless, endless, UINT64_MAX), Found{});
}

}  // namespace
}  // namespace mailroom::mailbox
