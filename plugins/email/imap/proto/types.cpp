#include "imap/proto/types.hpp"

#include <algorithm>

#include "imap/proto/ascii.hpp"

namespace mailroom::imap {

bool Capabilities::has(std::string_view name) const {
  return std::any_of(names.begin(), names.end(), [&](const std::string& n) { return same(n, name); });
}

bool ListEntry::has(std::string_view attribute) const {
  return std::any_of(attributes.begin(), attributes.end(),
                     [&](const std::string& a) { return same(a, attribute); });
}

const Section* MessageRow::section(std::string_view name) const {
  for (const Section& s : sections)
    if (same(s.name, name)) return &s;
  return nullptr;
}

}  // namespace mailroom::imap
