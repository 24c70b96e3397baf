// A day is the user's day.
#include "tools/days.hpp"

#include <gtest/gtest.h>

#include "base/error.hpp"

namespace mailroom::tools {
namespace {

std::string at(const char* text, const char* zone = "Z") {
  return utc_seconds(instant_of(text, zone, "since"));
}

TEST(Days, BeginInTheUsersZone) {
  EXPECT_EQ(at("2026-11-20"), "2026-11-20T00:00:00Z");
  EXPECT_EQ(at("2026-11-20", "+05:30"), "2026-11-19T18:30:00Z");
  EXPECT_EQ(at("2026-11-20", "-08:00"), "2026-11-20T08:00:00Z");
  EXPECT_EQ(at("2026-11-20", "Europe/Berlin"), "2026-11-19T23:00:00Z");
  EXPECT_EQ(at("2026-07-20", "Europe/Berlin"), "2026-07-19T22:00:00Z");
  EXPECT_EQ(at("2026-09-06", "America/Santiago"), "2026-09-06T04:00:00Z");  // clocks skip its midnight
  EXPECT_NO_THROW(at("2026-11-20", ""));
}

TEST(Days, AnInstantIsAnInstant) {
  EXPECT_EQ(at("2026-11-20T14:00:00+01:00", "Asia/Tokyo"), "2026-11-20T13:00:00Z");
  EXPECT_EQ(at("2026-11-20t14:00:00.123z"), "2026-11-20T14:00:00Z");
}

TEST(Days, AnythingElseIsRefused) {
  for (const char* bad :
       {"", "yesterday", "2026-11-31", "2026-13-01", "2026-00-01", "1969-01-01", "2026-1-1", "20261120",
        "2026-11-20T14:00:00", "2026-11-20T24:00:00Z", "2026-11-20T14:00:00+15:00", "2026-11-20 ",
        "2026-11-20T14:00:00.Z", "2026-11-20T14:00:00Zx"})
    EXPECT_THROW(instant_of(bad, "Z", "since"), Failure) << bad;
  for (const char* zone : {"Mars/Olympus", "+1:00", "+99:00", "Europe/", "a\nb", "Größe"})
    EXPECT_THROW(instant_of("2026-11-20", zone, "since"), Failure) << zone;
}

}  // namespace
}  // namespace mailroom::tools
