#include "parser/package.hpp"

#include <zip.h>

#include <algorithm>

#include "base/error.hpp"

namespace mailroom::documents {
namespace {

constexpr std::size_t kMaxRelations = 20'000;

// "../media/a.png" beside "ppt/slides/slide1.xml" is "ppt/media/a.png". What leads out of the package is no
// name in it.
std::string resolve(std::string_view from, std::string_view target) {
  std::vector<std::string_view> path;
  const auto add = [&](std::string_view s) {
    while (!s.empty()) {
      const std::size_t slash = std::min(s.find('/'), s.size());
      const std::string_view step = s.substr(0, slash);
      s.remove_prefix(std::min(slash + 1, s.size()));
      if (step == "..") {
        if (!path.empty()) path.pop_back();
      } else if (!step.empty() && step != ".") {
        path.push_back(step);
      }
    }
  };
  if (!target.starts_with('/')) add(from.substr(0, from.rfind('/') == from.npos ? 0 : from.rfind('/')));
  add(target);
  std::string out;
  for (const std::string_view step : path) out += (out.empty() ? "" : "/") + std::string(step);
  return out;
}

// pugixml builds without recursion, but its nodes are walked up and down: a bound on the depth bounds that,
// too.
void check_depth(const std::string& xml, std::size_t most, std::string_view name) {
  std::size_t depth = 0;
  for (std::size_t i = xml.find('<'); i != xml.npos && i + 1 < xml.size(); i = xml.find('<', i + 1)) {
    if (xml[i + 1] == '/') {
      depth -= depth > 0;
      continue;
    }
    if (xml[i + 1] == '!' || xml[i + 1] == '?') continue;
    const std::size_t end = xml.find('>', i);
    if (end == xml.npos) break;
    if (xml[end - 1] != '/' && ++depth > most)
      throw Unreadable("limit", "the part " + printable(name, 200) + " nests more than " +
                                    std::to_string(most) + " elements");
  }
}

}  // namespace

std::string_view local(const char* name) {
  const std::string_view n = name;
  const std::size_t colon = n.rfind(':');
  return colon == n.npos ? n : n.substr(colon + 1);
}

std::string_view attribute(const pugi::xml_node& node, std::string_view name) {
  for (const pugi::xml_attribute& a : node.attributes())
    if (local(a.name()) == name) return a.value();
  return {};
}

Package::Package(std::string_view bytes, const Limits& limits, Output& out) : limits_(limits), out_(out) {
  zip_error_t error;
  zip_error_init(&error);
  zip_source_t* source = zip_source_buffer_create(bytes.data(), bytes.size(), 0, &error);
  zip_ = source ? zip_open_from_source(source, ZIP_RDONLY, &error) : nullptr;
  if (!zip_) {
    if (source) zip_source_free(source);
    const std::string why = zip_error_strerror(&error);
    zip_error_fini(&error);
    throw Unreadable("damaged", "the ZIP file cannot be opened: " + printable(why, 200),
                     "Ask for the file again");
  }
  zip_error_fini(&error);
  const auto n = static_cast<std::uint64_t>(std::max<zip_int64_t>(0, zip_get_num_entries(zip_, 0)));
  if (n > limits.max_entries) {
    zip_discard(zip_);
    throw Unreadable("limit", "it has " + std::to_string(n) + " files within, more than " +
                                  std::to_string(limits.max_entries));
  }
  std::uint64_t packed = 0;
  for (std::uint64_t i = 0; i < n; ++i) {
    zip_stat_t st;
    zip_stat_init(&st);
    if (zip_stat_index(zip_, i, ZIP_FL_ENC_GUESS, &st) != 0 || !(st.valid & ZIP_STAT_NAME)) continue;
    packed += st.comp_size;
    entries_.push_back({st.name, st.size, st.encryption_method != ZIP_EM_NONE});
  }
  if (packed > bytes.size()) {
    zip_discard(zip_);
    throw Unreadable("limit", "its files overlap each other, as only a bomb's do: they take " +
                                  std::to_string(packed) + " bytes of an archive of " +
                                  std::to_string(bytes.size()));
  }
}

Package::~Package() { zip_discard(zip_); }

const Package::Entry* Package::find(std::string_view name) const {
  const auto it =
      std::find_if(entries_.begin(), entries_.end(), [&](const Entry& e) { return e.name == name; });
  return it == entries_.end() ? nullptr : &*it;
}

std::string Package::read(std::string_view name) {
  const Entry* entry = find(name);
  if (!entry) return {};
  if (entry->encrypted)
    throw Unreadable("encrypted", "it is encrypted with a password",
                     "Ask the sender for one without a password");
  const auto index = static_cast<zip_uint64_t>(zip_name_locate(zip_, entry->name.c_str(), 0));
  const std::unique_ptr<zip_file_t, int (*)(zip_file_t*)> file(zip_fopen_index(zip_, index, 0), &zip_fclose);
  if (!file) throw Unreadable("damaged", "the part " + printable(name, 200) + " cannot be unpacked");
  std::string out;
  std::string piece(64u << 10, '\0');
  while (true) {
    const zip_int64_t got = zip_fread(file.get(), piece.data(), piece.size());
    if (got < 0) throw Unreadable("damaged", "the part " + printable(name, 200) + " is damaged");
    if (got == 0) return out;
    unpacked_ += static_cast<std::uint64_t>(got);
    if (out.size() + static_cast<std::size_t>(got) > limits_.max_xml)
      throw Unreadable("limit", "the part " + printable(name, 200) + " has more than " +
                                    std::to_string(limits_.max_xml) + " bytes unpacked");
    if (unpacked_ > limits_.max_unpacked)
      throw Unreadable("limit",
                       "it has more than " + std::to_string(limits_.max_unpacked) + " bytes unpacked");
    out.append(piece, 0, static_cast<std::size_t>(got));
  }
}

bool Package::xml(std::string_view name, pugi::xml_document& into) {
  if (!has(name)) return false;
  const std::string text = read(name);
  check_depth(text, limits_.max_nesting, name);
  const pugi::xml_parse_result got =
      into.load_buffer(text.data(), text.size(),
                       pugi::parse_cdata | pugi::parse_escapes | pugi::parse_eol | pugi::parse_ws_pcdata |
                           pugi::parse_doctype);
  for (const pugi::xml_node& node : into.children())
    if (node.type() == pugi::node_doctype)
      out_.warn("xml_doctype",
                "the part " + printable(name, 100) +
                    " declares a DOCTYPE, as no Office program does; nothing of it was expanded or fetched");
  if (got.status == pugi::status_out_of_memory)
    throw Unreadable("limit", "the part " + printable(name, 200) + " needs too much memory");
  if (!got)
    throw Unreadable("damaged", "the part " + printable(name, 200) + " is no XML: " + got.description());
  return true;
}

std::map<std::string, Package::Relation> Package::relations(std::string_view name) {
  const std::size_t slash = name.rfind('/');
  const std::string folder(name.substr(0, slash == name.npos ? 0 : slash + 1));
  const std::string part =
      folder + "_rels/" + std::string(slash == name.npos ? name : name.substr(slash + 1)) + ".rels";
  std::map<std::string, Relation> out;
  pugi::xml_document doc;
  if (!xml(part, doc)) return out;
  for (const pugi::xml_node& r : doc.document_element().children()) {
    if (out.size() >= kMaxRelations) break;
    Relation one;
    const std::string_view type = attribute(r, "Type");
    one.type = type.substr(type.rfind('/') == type.npos ? 0 : type.rfind('/') + 1);
    one.external = attribute(r, "TargetMode") == "External";
    one.target = one.external ? std::string(attribute(r, "Target")) : resolve(name, attribute(r, "Target"));
    if (one.external && one.type != "hyperlink")
      out_.warn("external_reference",
                "it asks for " + printable(one.type, 60) +
                    " from outside; nothing was fetched: " + printable(one.target, 150));
    out.emplace(attribute(r, "Id"), std::move(one));
  }
  return out;
}

}  // namespace mailroom::documents
