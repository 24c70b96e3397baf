// The XML that object stores answer with: elements and text, nothing else of XML.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace mailroom::store {

struct Xml {
  std::string name;  ///< without a namespace's prefix
  std::string text;  ///< of this element itself, references resolved
  std::vector<Xml> children;

  /// The first child of that name, nullptr when there is none.
  const Xml* child(std::string_view wanted) const;
  /// Its text; empty when there is none.
  const std::string& text_of(std::string_view wanted) const;
};

/// The root element. At most 1 MiB, 8 levels, 20,000 elements; names of at most 100 bytes. Document types,
/// CDATA and references other than lt gt amp quot apos and numbers are refused. Throws Failure(protocol).
Xml parse_xml(std::string_view text);

}  // namespace mailroom::store
