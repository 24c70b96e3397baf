// XLSX (ECMA-376 part 1 §18): each sheet's rows, cells parted by tabs, values as they were last calculated.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <set>

#include "base/error.hpp"
#include "parser/package.hpp"

namespace mailroom::documents {
namespace {

constexpr std::size_t kMaxColumns = 16'384;
constexpr std::size_t kMaxShared = 1'000'000;

// Text of an item with rich runs, phonetic readings left out (§18.4.8).
std::string item_text(const pugi::xml_node& item) {
  std::string out;
  walk(
      item,
      [&](const pugi::xml_node& n) {
        if (local(n.name()) == "rPh") return false;
        if (local(n.name()) == "t") out += n.text().get();
        return true;
      },
      [](const pugi::xml_node&) {});
  return out;
}

// "AB12" is column 27, counted from 0.
std::size_t column_of(std::string_view reference, std::size_t fallback) {
  std::size_t n = 0;
  for (const char ch : reference) {
    if (ch < 'A' || ch > 'Z') break;
    n = n * 26 + static_cast<std::size_t>(ch - 'A' + 1);
    if (n > kMaxColumns) return fallback;
  }
  return n == 0 ? fallback : n - 1;
}

// A day number as a date: 1 is 1 January 1900, and 60 a day that never was (§18.17.4.1).
std::string date_of(double serial, bool from_1904) {
  if (!(serial >= 0) || serial > 2'958'465) return {};
  auto day = static_cast<std::int64_t>(std::floor(serial));
  auto seconds = static_cast<std::int64_t>(std::llround((serial - std::floor(serial)) * 86'400));
  if (seconds == 86'400) ++day, seconds = 0;
  const bool only_time = day == 0 && !from_1904;
  const std::int64_t z = day -
                         (from_1904  ? 24'107
                          : day > 60 ? 25'569
                                     : 25'568) +
                         719'468;  // days since 0000-03-01
  const std::int64_t era = z / 146'097, doe = z - era * 146'097;
  const std::int64_t yoe = (doe - doe / 1460 + doe / 36'524 - doe / 146'096) / 365;
  const std::int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
  const std::int64_t d = doy - (153 * mp + 2) / 5 + 1, m = mp < 10 ? mp + 3 : mp - 9,
                     y = yoe + era * 400 + (m <= 2);
  char buffer[64];
  if (only_time)
    std::snprintf(buffer, sizeof buffer, "%02d:%02d:%02d", int(seconds / 3600), int(seconds / 60 % 60),
                  int(seconds % 60));
  else if (seconds == 0)
    std::snprintf(buffer, sizeof buffer, "%04d-%02d-%02d", int(y), int(m), int(d));
  else
    std::snprintf(buffer, sizeof buffer, "%04d-%02d-%02d %02d:%02d:%02d", int(y), int(m), int(d),
                  int(seconds / 3600), int(seconds / 60 % 60), int(seconds % 60));
  return buffer;
}

// A number format that shows a date (§18.8.30): its letters, outside of quotes and brackets, are those of
// dates.
bool dated(std::string_view format) {
  bool quoted = false, bracket = false;
  for (std::size_t i = 0; i < format.size(); ++i) {
    const char ch = format[i];
    if (ch == '\\')
      ++i;
    else if (ch == '"')
      quoted = !quoted;
    else if (quoted)
      continue;
    else if (ch == '[')
      bracket = true;
    else if (ch == ']')
      bracket = false;
    else if (!bracket && std::string_view("ymdhsYMDHS").find(ch) != std::string_view::npos)
      return true;
    else if (!bracket && (ch == '0' || ch == '#'))
      return false;
  }
  return false;
}

class Workbook {
 public:
  Workbook(const Context& c, Package& package) : c_(c), package_(package) {}

  void shared_strings(const std::string& name) {
    pugi::xml_document doc;
    if (!package_.xml(name, doc)) return;
    for (const pugi::xml_node& item : doc.document_element().children())
      if (local(item.name()) == "si" && shared_.size() < kMaxShared) shared_.push_back(item_text(item));
  }

  void styles(const std::string& name) {
    pugi::xml_document doc;
    if (!package_.xml(name, doc)) return;
    std::set<int> dates;
    for (int id = 14; id <= 22; ++id) dates.insert(id);
    for (int id = 45; id <= 47; ++id) dates.insert(id);
    for (const pugi::xml_node& group : doc.document_element().children()) {
      if (local(group.name()) == "numFmts")
        for (const pugi::xml_node& f : group.children())
          if (dated(attribute(f, "formatCode"))) dates.insert(f.attribute("numFmtId").as_int());
      if (local(group.name()) == "cellXfs")
        for (const pugi::xml_node& xf : group.children())
          if (dates_.size() < 100'000) dates_.push_back(dates.count(xf.attribute("numFmtId").as_int()) > 0);
    }
  }

  void set_1904(bool on) { from_1904_ = on; }

  void sheet(const std::string& name) {
    pugi::xml_document doc;
    if (!package_.xml(name, doc)) return;
    for (const pugi::xml_node& data : doc.document_element().children()) {
      if (local(data.name()) != "sheetData") continue;
      for (const pugi::xml_node& r : data.children()) row(r);
    }
  }

 private:
  void row(const pugi::xml_node& r) {
    std::string line;
    std::size_t at = 0, next = 0;
    const bool hidden = attribute(r, "hidden") == "1" || attribute(r, "hidden") == "true";
    for (const pugi::xml_node& cell : r.children()) {
      if (local(cell.name()) != "c") continue;
      if (++cells_ > c_.limits.max_cells) {
        c_.out.warn("limit_cells",
                    "only the first " + std::to_string(c_.limits.max_cells) + " cells were read");
        throw Full{};
      }
      std::string value = text_of(cell);
      const std::size_t column = column_of(attribute(cell, "r"), next);
      next = column + 1;
      if (value.empty()) continue;
      // Up to 20 empty cells keep their place; a hole wider than that is one.
      if (column > at) line.append(std::min<std::size_t>(column - at, 20), '\t');
      at = column;
      std::replace_if(
          value.begin(), value.end(), [](char ch) { return ch == '\n' || ch == '\r' || ch == '\t'; }, ' ');
      line += value;
    }
    if (line.empty()) return;
    if (hidden) c_.out.warn("hidden_rows", "a sheet has hidden rows; their text is in here");
    c_.out.text(line + "\n");
  }

  std::string text_of(const pugi::xml_node& cell) {
    const std::string_view type = attribute(cell, "t");
    std::string value;
    for (const pugi::xml_node& n : cell.children()) {
      if (local(n.name()) == "v") value = n.text().get();
      if (local(n.name()) == "is") return item_text(n);
    }
    if (type == "s") {
      std::size_t index = 0;
      const auto [end, ec] = std::from_chars(value.data(), value.data() + value.size(), index);
      return ec == std::errc{} && index < shared_.size() ? shared_[index] : std::string();
    }
    if (type == "b") return value == "1" ? "TRUE" : "FALSE";
    if (!type.empty() && type != "n") return value;
    const auto style = static_cast<std::size_t>(std::max(0, cell.attribute("s").as_int()));
    if (style < dates_.size() && dates_[style] && !value.empty()) {
      double serial = -1;
      std::from_chars(value.data(), value.data() + value.size(), serial);
      if (std::string date = date_of(serial, from_1904_); !date.empty()) return date;
    }
    return value;
  }

  const Context& c_;
  Package& package_;
  std::vector<std::string> shared_;
  std::vector<bool> dates_;  // by style: its number format shows a date
  bool from_1904_ = false;
  std::size_t cells_ = 0;
};

}  // namespace

void parse_xlsx(const Context& c, Package& package, const std::string& main) {
  c.out.facts(aoh::Json{{"kind", "xlsx"}});
  const auto relations = package.relations(main);
  Workbook book(c, package);
  for (const auto& [id, relation] : relations) {
    if (relation.external) continue;
    if (relation.type == "sharedStrings") book.shared_strings(relation.target);
    if (relation.type == "styles") book.styles(relation.target);
  }
  pugi::xml_document doc;
  package.xml(main, doc);
  aoh::Json names = aoh::Json::array();
  for (const pugi::xml_node& group : doc.document_element().children()) {
    if (local(group.name()) == "workbookPr")
      book.set_1904(attribute(group, "date1904") == "1" || attribute(group, "date1904") == "true");
    if (local(group.name()) != "sheets") continue;
    for (const pugi::xml_node& sheet : group.children()) {
      if (names.size() >= c.limits.max_sheets) {
        c.out.warn("limit_sheets",
                   "only the first " + std::to_string(c.limits.max_sheets) + " sheets were read");
        break;
      }
      const std::string name = printable(attribute(sheet, "name"), 100);
      const std::string_view state = attribute(sheet, "state");
      const bool hidden = state == "hidden" || state == "veryHidden";
      names.push(name);
      const auto it = relations.find(std::string(sheet.attribute("r:id").value()));
      if (it == relations.end() || it->second.external) continue;
      if (hidden) c.out.warn("hidden_sheet", "the sheet " + name + " is hidden; its text is in here");
      c.out.mark("sheet " + name + (hidden ? " (hidden)" : ""));
      book.sheet(it->second.target);
    }
  }
  c.out.facts(aoh::Json{{"sheets", std::move(names)}});
}

}  // namespace mailroom::documents
