#include "mime/calendar.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "mime/ascii.hpp"
#include "mime/charset.hpp"
#include "mime/headers.hpp"
#include "support/json.hpp"

namespace mailroom::mime {
namespace {

constexpr std::size_t kMaxInput = 1u << 20;
constexpr std::size_t kMaxLine = 64u << 10;
constexpr std::size_t kMaxText = 4'000;
constexpr std::size_t kMaxAttendees = 500;

struct Param {
  std::string name, value;
};

// name *(";" param) ":" value (RFC 5545 §3.1)
struct Line {
  std::string name;  // lower case
  std::vector<Param> params;
  std::string_view value;

  std::string_view param(std::string_view wanted) const {
    for (const auto& p : params)
      if (p.name == wanted) return p.value;
    return {};
  }
};

bool read_line(std::string_view s, Line& line) {
  std::size_t at = s.find_first_of(";:");
  if (at == s.npos || at == 0) return false;
  line.name = to_lower(trim(s.substr(0, at)));
  line.params.clear();
  while (at < s.size() && s[at] == ';') {
    const std::size_t equals = s.find_first_of("=:;", at + 1);
    if (equals == s.npos) return false;
    Param p{to_lower(trim(s.substr(at + 1, equals - at - 1))), {}};
    at = equals;
    if (s[equals] == '=') {
      bool quoted = false;
      for (++at; at < s.size() && (quoted || (s[at] != ';' && s[at] != ':')); ++at) {
        if (s[at] == '"')
          quoted = !quoted;
        else
          p.value += s[at];
      }
    }
    if (line.params.size() < 50) line.params.push_back(std::move(p));
  }
  if (at >= s.size() || s[at] != ':') return false;
  line.value = s.substr(at + 1);
  return true;
}

// §3.3.11: "\n", "\,", "\;", "\\".
std::string text_of(std::string_view value, bool& cut) {
  std::string out;
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (value[i] == '\\' && i + 1 < value.size()) {
      ++i;
      out += lower(value[i]) == 'n' ? '\n' : value[i];
    } else {
      out += value[i];
    }
  }
  cut = cut || out.size() > kMaxText;
  return std::string(aoh::utf8_prefix(out, kMaxText));
}

std::string word_of(std::string_view value) {
  return one_line(std::string(aoh::utf8_prefix(trim(value), 1'000)));
}

// "20261123T100000Z" as "2026-11-23T10:00:00Z"; what is none stays as it is.
std::string time_of(std::string_view value) {
  const auto digits = [&](std::size_t at, std::size_t n) {
    return value.size() >= at + n &&
           std::all_of(value.begin() + static_cast<std::ptrdiff_t>(at),
                       value.begin() + static_cast<std::ptrdiff_t>(at + n), is_digit);
  };
  value = trim(value);
  if (!digits(0, 8)) return word_of(value);
  std::string out;
  out.append(value, 0, 4).append("-").append(value, 4, 2).append("-").append(value, 6, 2);
  if (value.size() == 8) return out;
  if (lower(value[8]) != 't' || !digits(9, 6)) return word_of(value);
  out.append("T").append(value, 9, 2).append(":").append(value, 11, 2).append(":").append(value, 13, 2);
  if (value.size() > 15 && lower(value[15]) == 'z') out += 'Z';
  return out;
}

CalendarPerson person_of(const Line& line) {
  CalendarPerson person;
  std::string_view address = trim(line.value);
  if (istarts_with(address, "mailto:")) address.remove_prefix(7);
  person.address = word_of(address);
  person.name = word_of(line.param("cn"));
  person.partstat = to_lower(word_of(line.param("partstat")));
  person.role = to_lower(word_of(line.param("role")));
  person.rsvp = iequals(line.param("rsvp"), "true");
  return person;
}

class Reader {
 public:
  Reader(std::size_t max_items, bool& cut) : max_(max_items), cut_(cut) {}

  std::vector<CalendarItem> read(std::string_view text) {
    std::string unfolded;
    Line line;
    for (std::size_t at = 0; at < text.size();) {  // §3.1: a line that begins with a blank goes on
      unfolded.clear();
      do {
        const std::size_t end = std::min(text.find('\n', at), text.size());
        std::string_view piece = text.substr(at, end - at);
        if (piece.ends_with('\r')) piece.remove_suffix(1);
        if (unfolded.size() < kMaxLine) unfolded += piece.substr(at > 0 && !unfolded.empty() ? 1 : 0);
        at = end + 1;
      } while (at < text.size() && (text[at] == ' ' || text[at] == '\t') && !unfolded.empty());
      if (read_line(unfolded, line)) take(line);
    }
    for (auto& item : items_) item.method = method_;
    return std::move(items_);
  }

 private:
  void take(const Line& line) {
    if (line.name == "begin") {
      begin(to_lower(trim(line.value)));
    } else if (line.name == "end") {
      if (depth_ > 0 && --depth_ < item_depth_) item_ = nullptr;
    } else if (line.name == "method" && !item_) {
      if (method_.empty()) method_ = to_lower(word_of(line.value));
    } else if (item_ && depth_ == item_depth_) {
      property(line);
    }
  }

  void begin(const std::string& name) {
    ++depth_;
    if (item_) return;  // an alarm within it
    for (const auto& [component, shown] : {std::pair<std::string_view, std::string_view>{"vevent", "event"},
                                           {"vtodo", "todo"},
                                           {"vjournal", "journal"},
                                           {"vfreebusy", "freebusy"}}) {
      if (name != component) continue;
      if (items_.size() >= max_) {
        cut_ = true;
        return;
      }
      items_.emplace_back();
      item_ = &items_.back();
      item_->component = shown;
      item_depth_ = depth_;
    }
  }

  void property(const Line& line) {
    struct Text {
      std::string_view name;
      std::string CalendarItem::*member;
    };
    static constexpr std::array<Text, 3> kTexts{{{"summary", &CalendarItem::summary},
                                                 {"description", &CalendarItem::description},
                                                 {"location", &CalendarItem::location}}};
    static constexpr std::array<Text, 4> kWords{{{"uid", &CalendarItem::uid},
                                                 {"status", &CalendarItem::status},
                                                 {"rrule", &CalendarItem::rrule},
                                                 {"duration", &CalendarItem::duration}}};
    for (const auto& t : kTexts)
      if (t.name == line.name && (item_->*t.member).empty()) item_->*t.member = text_of(line.value, cut_);
    for (const auto& t : kWords)
      if (t.name == line.name && (item_->*t.member).empty()) item_->*t.member = word_of(line.value);
    if (line.name == "status") item_->status = to_lower(item_->status);
    const auto time = [&](std::optional<CalendarTime>& to) {
      if (!to) to = CalendarTime{time_of(line.value), word_of(line.param("tzid"))};
    };
    if (line.name == "dtstart") time(item_->start);
    if (line.name == "dtend" || line.name == "due") time(item_->end);
    if (line.name == "recurrence-id") time(item_->recurrence_id);
    if (line.name == "organizer" && !item_->organizer) item_->organizer = person_of(line);
    if (line.name == "attendee") {
      if (item_->attendees.size() < kMaxAttendees)
        item_->attendees.push_back(person_of(line));
      else
        cut_ = true;
    }
    const std::string_view number = trim(line.value);
    if (line.name == "sequence" && !number.empty() && number.size() <= 9 &&
        std::all_of(number.begin(), number.end(), is_digit))
      item_->sequence = std::stoll(std::string(number));
  }

  std::size_t max_;
  bool& cut_;
  std::vector<CalendarItem> items_;
  CalendarItem* item_ = nullptr;  // that is open
  std::size_t depth_ = 0;         // of BEGIN
  std::size_t item_depth_ = 0;    // the item's own
  std::string method_;
};

}  // namespace

std::vector<CalendarItem> parse_calendar(std::string_view text, std::size_t max_items, bool& cut) {
  cut = cut || text.size() > kMaxInput;
  return Reader(max_items, cut).read(aoh::utf8_prefix(text, kMaxInput));
}

}  // namespace mailroom::mime
