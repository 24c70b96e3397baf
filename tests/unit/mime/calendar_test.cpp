// Invitations as structured data (RFC 5545, 5546).
#include "mime/calendar.hpp"

#include <gtest/gtest.h>

#include "mime/fence.hpp"
#include "mime/json.hpp"
#include "mime/parse.hpp"

namespace mailroom::mime {
namespace {

constexpr std::string_view kInvitation =
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nMETHOD:REQUEST\r\n"
    "BEGIN:VTIMEZONE\r\nTZID:Europe/"
    "Berlin\r\nBEGIN:STANDARD\r\nDTSTART:16010101T030000\r\nRRULE:FREQ=YEARLY\r\n"
    "END:STANDARD\r\nEND:VTIMEZONE\r\n"
    "BEGIN:VEVENT\r\nUID:1@example.org\r\nSEQUENCE:2\r\nSTATUS:CONFIRMED\r\n"
    "SUMMARY;LANGUAGE=de:Besprechung\\, gro\r\n \xC3\x9F\r\nLOCATION:Raum 1\\; Haus "
    "2\r\nDESCRIPTION:eins\\nzwei\r\n"
    "DTSTART;TZID=\"Europe/Berlin\":20261123T100000\r\nDTEND;TZID=Europe/Berlin:20261123T110000\r\n"
    "RRULE:FREQ=WEEKLY;COUNT=4\r\n"
    "ORGANIZER;CN=\"Ann: boss\":mailto:ann@example.org\r\n"
    "ATTENDEE;CN=Joe;PARTSTAT=ACCEPTED;ROLE=REQ-PARTICIPANT;RSVP=TRUE:MAILTO:joe@example.org\r\n"
    "ATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:eve@example.org\r\n"
    "BEGIN:VALARM\r\nSUMMARY:not this one\r\nTRIGGER:-PT15M\r\nEND:VALARM\r\n"
    "END:VEVENT\r\nEND:VCALENDAR\r\n";

TEST(Calendar, AnInvitationInAMessage) {
  const Message m = parse(
      "Subject: s\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\n\r\ncome\r\n--b\r\n"
      "Content-Type: text/calendar; charset=utf-8; method=REQUEST\r\n\r\n" +
      std::string(kInvitation) + "\r\n--b--\r\n");
  EXPECT_EQ(m.text, "come");
  ASSERT_EQ(m.calendar.size(), 1u);
  const CalendarItem& e = m.calendar[0];
  EXPECT_EQ(e.part, "2");
  EXPECT_EQ(e.method, "request");
  EXPECT_EQ(e.component, "event");
  EXPECT_EQ(e.uid, "1@example.org");
  EXPECT_EQ(e.sequence, 2);
  EXPECT_EQ(e.status, "confirmed");
  EXPECT_EQ(e.summary, "Besprechung, groß");
  EXPECT_EQ(e.location, "Raum 1; Haus 2");
  EXPECT_EQ(e.description, "eins\nzwei");
  EXPECT_EQ(e.start->value, "2026-11-23T10:00:00");
  EXPECT_EQ(e.start->zone, "Europe/Berlin");
  EXPECT_EQ(e.end->value, "2026-11-23T11:00:00");
  EXPECT_EQ(e.rrule, "FREQ=WEEKLY;COUNT=4");
  EXPECT_EQ(e.organizer->name, "Ann: boss");
  EXPECT_EQ(e.organizer->address, "ann@example.org");
  ASSERT_EQ(e.attendees.size(), 2u);
  EXPECT_EQ(e.attendees[0].partstat, "accepted");
  EXPECT_TRUE(e.attendees[0].rsvp);
  EXPECT_EQ(e.attendees[1].address, "eve@example.org");
  const auto json = to_json(m)["calendar"].items().front();
  EXPECT_EQ(json["start"]["zone"].str(), "Europe/Berlin");
  EXPECT_EQ(json["attendees"].items().size(), 2u);
  EXPECT_FALSE(json.has("duration"));
  EXPECT_EQ(m.attachments.at(0).kind, "calendar");
  const std::string view = render_for_model(m, "0123456789abcdef");
  for (const char* line : {"event, request\n", "  Start: 2026-11-23T10:00:00 Europe/Berlin\n",
                           "  Attendee: Joe <joe@example.org> (accepted)\n"})
    EXPECT_NE(view.find(line), std::string::npos) << line;
}

std::vector<CalendarItem> items(std::string_view text) {
  bool cut = false;
  auto list = parse_calendar(text, 100, cut);
  EXPECT_FALSE(cut);
  return list;
}

TEST(Calendar, WhatIsFoundInTheWild) {
  EXPECT_EQ(items("BEGIN:VEVENT\nDTSTART;VALUE=DATE:20261123\nEND:VEVENT\n").at(0).start->value,
            "2026-11-23");
  EXPECT_EQ(items("BEGIN:VEVENT\nDTSTART:20261123T100000Z\nEND:VEVENT\n").at(0).start->value,
            "2026-11-23T10:00:00Z");
  EXPECT_EQ(items("begin:vevent\nsummary:x\nend:vevent\n").at(0).summary, "x");
  EXPECT_EQ(items("BEGIN:VEVENT\nSUMMARY:no end").at(0).summary, "no end");
  EXPECT_EQ(items("BEGIN:VTODO\nDUE:20261123\nEND:VTODO\n").at(0).end->value, "2026-11-23");
  EXPECT_EQ(items("METHOD:REPLY\nBEGIN:VEVENT\nEND:VEVENT\nBEGIN:VEVENT\nUID:2\nEND:VEVENT").at(1).method,
            "reply");
  EXPECT_EQ(items("BEGIN:VEVENT\nDTSTART:soon\nEND:VEVENT\n").at(0).start->value, "soon");
  EXPECT_TRUE(items("no calendar: at all\n\n;;;:::\n").empty());
}

TEST(Calendar, IsFinite) {
  std::string many, people = "BEGIN:VEVENT\n", deep;
  for (int i = 0; i < 1000; ++i) many += "BEGIN:VEVENT\nEND:VEVENT\n";
  for (int i = 0; i < 1000; ++i) people += "ATTENDEE:mailto:a@b.c\n";
  for (int i = 0; i < 100'000; ++i) deep += "BEGIN:VEVENT\n";
  bool cut = false;
  EXPECT_EQ(parse_calendar(many, 100, cut).size(), 100u);
  EXPECT_TRUE(cut);
  cut = false;
  EXPECT_EQ(parse_calendar(people, 100, cut).at(0).attendees.size(), 500u);
  EXPECT_TRUE(cut);
  cut = false;
  EXPECT_EQ(parse_calendar(deep, 100, cut).size(), 1u);
  EXPECT_TRUE(cut);  // more than is read
  cut = false;
  EXPECT_EQ(
      parse_calendar("BEGIN:VEVENT\nSUMMARY:" + std::string(500'000, 'x'), 100, cut).at(0).summary.size(),
      4000u);
}

}  // namespace
}  // namespace mailroom::mime
