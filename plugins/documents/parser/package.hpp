// A ZIP file in memory and the XML parts of an Office document in it (ECMA-376 part 2), within limits.
#pragma once
#include <pugixml.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "parser/parsers.hpp"

struct zip;

namespace mailroom::documents {

class Package {
 public:
  /// Throws Unreadable: damaged, encrypted, limit. `bytes` must outlive it.
  Package(std::string_view bytes, const Limits& limits, Output& out);
  ~Package();
  Package(const Package&) = delete;
  Package& operator=(const Package&) = delete;

  struct Entry {
    std::string name;
    std::uint64_t size = 0;
    bool encrypted = false;
  };
  const std::vector<Entry>& entries() const { return entries_; }
  bool has(std::string_view name) const { return find(name) != nullptr; }

  /// A part's bytes; empty when there is none. Throws Unreadable: encrypted, damaged, limit.
  std::string read(std::string_view name);
  /// A part as XML. What its DOCTYPE declares is not expanded, and warned of. False when there is no such
  /// part.
  bool xml(std::string_view name, pugi::xml_document& into);

  struct Relation {
    std::string type;    ///< the last segment: "worksheet"
    std::string target;  ///< a part's name, or an address when `external`
    bool external = false;
  };
  /// By id, of part `name`, or of the package when it is empty.
  std::map<std::string, Relation> relations(std::string_view name);

 private:
  const Entry* find(std::string_view name) const;
  const Limits& limits_;
  Output& out_;
  struct zip* zip_ = nullptr;
  std::vector<Entry> entries_;
  std::uint64_t unpacked_ = 0;  // bytes read so far
};

/// The name without its prefix: "t" of <w:t>.
std::string_view local(const char* name);
/// The value of the attribute with this local name; "" when absent.
std::string_view attribute(const pugi::xml_node& node, std::string_view name);
/// Every element below `root` in document order, without recursion; `enter` answers whether to look within.
template <class Enter, class Leave>
void walk(const pugi::xml_node& root, Enter&& enter, Leave&& leave) {
  pugi::xml_node at = root.first_child();
  while (at && at != root) {
    const bool within = enter(at);
    if (within && at.first_child()) {
      at = at.first_child();
      continue;
    }
    if (within) leave(at);
    while (at && at != root && !at.next_sibling()) {
      at = at.parent();
      if (at && at != root) leave(at);
    }
    if (at && at != root) at = at.next_sibling();
  }
}

void parse_docx(const Context& c, Package& package, const std::string& main);
void parse_xlsx(const Context& c, Package& package, const std::string& main);
void parse_pptx(const Context& c, Package& package, const std::string& main);

}  // namespace mailroom::documents
