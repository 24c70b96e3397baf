#include <algorithm>

#include "mime/calendar.hpp"

namespace mailroom::mime {
namespace {

using aoh::Json;

Json person_json(const CalendarPerson& p) {
  Json json = Json::object();
  json.set_if(!p.name.empty(), "name", p.name);
  json.set_if(!p.address.empty(), "address", p.address);
  json.set_if(!p.partstat.empty(), "partstat", p.partstat);
  json.set_if(!p.role.empty(), "role", p.role);
  json.set_if(p.rsvp, "rsvp", true);
  return json;
}

Json time_json(const CalendarTime& t) {
  Json json{{"value", t.value}};
  json.set_if(!t.zone.empty(), "zone", t.zone);
  return json;
}

std::string person_line(const CalendarPerson& p) {
  std::string out = p.name.empty() ? p.address : p.name + " <" + p.address + ">";
  if (!p.partstat.empty()) out += " (" + p.partstat + ")";
  return out;
}

}  // namespace

std::string calendar_lines(const CalendarItem& item) {
  constexpr std::size_t kMostPeople = 20, kMostText = 500;
  std::string out = item.component + (item.method.empty() ? "" : ", " + item.method) + "\n";
  const auto line = [&](std::string_view name, const std::string& value) {
    if (!value.empty()) out.append("  ").append(name).append(": ").append(value).append("\n");
  };
  const auto time = [&](std::string_view name, const std::optional<CalendarTime>& t) {
    if (t) line(name, t->value + (t->zone.empty() ? "" : " " + t->zone));
  };
  line("Summary", item.summary);
  time("Start", item.start);
  time("End", item.end);
  line("Duration", item.duration);
  line("Repeats", item.rrule);
  time("Instance", item.recurrence_id);
  line("Location", item.location);
  line("Status", item.status);
  if (item.organizer) line("Organizer", person_line(*item.organizer));
  for (std::size_t i = 0; i < item.attendees.size() && i < kMostPeople; ++i)
    line("Attendee", person_line(item.attendees[i]));
  if (item.attendees.size() > kMostPeople)
    line("Attendees", std::to_string(item.attendees.size() - kMostPeople) + " more");
  line("Description", std::string(aoh::utf8_prefix(item.description, kMostText)));
  line("UID", item.uid);
  return out;
}

Json calendar_json(const CalendarItem& item, std::size_t max_people) {
  Json json = Json::object();
  const auto text = [&](const char* key, const std::string& value) {
    json.set_if(!value.empty(), key, value);
  };
  text("part", item.part);
  text("method", item.method);
  text("component", item.component);
  text("uid", item.uid);
  if (item.sequence) json.set("sequence", *item.sequence);
  text("status", item.status);
  text("summary", item.summary);
  text("description", item.description);
  text("location", item.location);
  if (item.start) json.set("start", time_json(*item.start));
  if (item.end) json.set("end", time_json(*item.end));
  text("duration", item.duration);
  text("rrule", item.rrule);
  if (item.recurrence_id) json.set("recurrence_id", time_json(*item.recurrence_id));
  if (item.organizer) json.set("organizer", person_json(*item.organizer));
  if (!item.attendees.empty()) {
    Json list = Json::array();
    for (std::size_t i = 0; i < std::min(item.attendees.size(), max_people); ++i)
      list.push(person_json(item.attendees[i]));
    json.set("attendees", std::move(list));
  }
  return json;
}

}  // namespace mailroom::mime
