// DOCX (ECMA-376 part 1 §17): paragraphs, tables, notes, headers; what Word hides or has marked as deleted is
// left out.
#include "parser/package.hpp"

namespace mailroom::documents {
namespace {

class Body {
 public:
  Body(Output& out, bool pages) : out_(out), pages_(pages) {
    if (pages_) out_.mark("page 1");
  }

  bool enter(const pugi::xml_node& n) {
    const std::string_view name = local(n.name());
    if (name == "del" || name == "moveFrom") {
      out_.warn("deleted_text", "text that is marked as deleted was left out");
      return false;
    }
    // A drawing's second form for old programs says the same again.
    if (name == "Fallback") return false;
    if (name == "rPr") {
      for (const pugi::xml_node& p : n.children())
        if (local(p.name()) == "vanish" && attribute(p, "val") != "0" && attribute(p, "val") != "false")
          hidden_ = true;
      return false;
    }
    if (name == "pPr" || name == "sectPr" || name == "instrText") return false;
    if (name == "r") hidden_ = false;
    if (name == "t")
      text(n.text().get());
    else if (name == "tab")
      text("\t");
    else if (name == "br" || name == "cr")
      attribute(n, "type") == "page" ? page() : text("\n");
    else if (name == "lastRenderedPageBreak")
      page();
    else if (name == "tbl")
      ++tables_;
    return true;
  }
  void leave(const pugi::xml_node& n) {
    const std::string_view name = local(n.name());
    if (name == "r") hidden_ = false;
    if (name == "p") out_.text(tables_ > 0 ? " " : "\n");
    if (name == "tc") out_.text("\t");
    if (name == "tr") out_.text("\n");
    if (name == "tbl" && tables_ > 0) --tables_;
  }
  int pages() const { return page_; }

 private:
  void text(std::string_view s) {
    if (hidden_) {
      if (!s.empty()) out_.warn("hidden_text", "text that is formatted as hidden was left out");
      return;
    }
    wrote_ = wrote_ || !s.empty();
    out_.text(s);
  }
  // Word writes both kinds of break at one place; one without text between them is one.
  void page() {
    if (!pages_ || !wrote_) return;
    wrote_ = false;
    out_.mark("page " + std::to_string(++page_));
  }
  Output& out_;
  bool pages_;
  bool hidden_ = false;  // within a run with w:vanish
  bool wrote_ = false;   // text since the last page mark
  int tables_ = 0;       // tables that are open
  int page_ = 1;
};

int read_part(const Context& c, Package& package, const std::string& name, bool pages) {
  pugi::xml_document doc;
  if (!package.xml(name, doc)) return 0;
  Body body(c.out, pages);
  walk(
      doc, [&](const pugi::xml_node& n) { return body.enter(n); },
      [&](const pugi::xml_node& n) { body.leave(n); });
  return body.pages();
}

}  // namespace

void parse_docx(const Context& c, Package& package, const std::string& main) {
  c.out.facts(aoh::Json{{"kind", "docx"}});
  const auto relations = package.relations(main);
  const int pages = read_part(c, package, main, true);
  c.out.facts(aoh::Json{{"pages", pages}});
  static constexpr std::pair<const char*, const char*> kMore[] = {{"header", "header"},
                                                                  {"footer", "footer"},
                                                                  {"footnotes", "footnotes"},
                                                                  {"endnotes", "endnotes"},
                                                                  {"comments", "comments"}};
  std::size_t parts = 0;
  for (const auto& [type, words] : kMore)
    for (const auto& [id, relation] : relations) {
      if (relation.type != type || relation.external || !package.has(relation.target) || ++parts > 100)
        continue;
      c.out.mark(words);
      read_part(c, package, relation.target, false);
    }
}

}  // namespace mailroom::documents
