// PPTX (ECMA-376 part 1 §13, §19): slides in their order, each with its speaker's notes.
#include "parser/package.hpp"

namespace mailroom::documents {
namespace {

void read_slide(const Context& c, const pugi::xml_document& doc) {
  walk(
      doc,
      [&](const pugi::xml_node& n) {
        const std::string_view name = local(n.name());
        if (name == "Fallback") return false;
        if (name == "cNvPr" && (attribute(n, "hidden") == "1" || attribute(n, "hidden") == "true"))
          c.out.warn("hidden_shape", "a slide has hidden shapes; their text is in here");
        if (name == "t") c.out.text(n.text().get());
        if (name == "br") c.out.text("\n");
        return true;
      },
      [&](const pugi::xml_node& n) {
        const std::string_view name = local(n.name());
        if (name == "p") c.out.text("\n");
        if (name == "tc") c.out.text("\t");
      });
}

}  // namespace

void parse_pptx(const Context& c, Package& package, const std::string& main) {
  c.out.facts(aoh::Json{{"kind", "pptx"}});
  const auto relations = package.relations(main);
  pugi::xml_document presentation;
  package.xml(main, presentation);
  std::size_t number = 0;
  for (const pugi::xml_node& list : presentation.document_element().children()) {
    if (local(list.name()) != "sldIdLst") continue;
    for (const pugi::xml_node& id : list.children()) {
      if (++number > c.limits.max_sheets) {
        c.out.warn("limit_slides",
                   "only the first " + std::to_string(c.limits.max_sheets) + " slides were read");
        break;
      }
      // The relation's id is r:id; a plain id stands beside it.
      std::string key;
      for (const pugi::xml_attribute& a : id.attributes())
        if (std::string_view(a.name()).ends_with(":id")) key = a.value();
      const auto slide = relations.find(key);
      pugi::xml_document doc;
      if (slide == relations.end() || slide->second.external || !package.xml(slide->second.target, doc))
        continue;
      const std::string_view show = attribute(doc.document_element(), "show");
      const bool hidden = show == "0" || show == "false";
      if (hidden)
        c.out.warn("hidden_slide", "slide " + std::to_string(number) + " is hidden; its text is in here");
      c.out.mark("slide " + std::to_string(number) + (hidden ? " (hidden)" : ""));
      read_slide(c, doc);
      for (const auto& [rid, relation] : package.relations(slide->second.target)) {
        pugi::xml_document notes;
        if (relation.type != "notesSlide" || relation.external || !package.xml(relation.target, notes))
          continue;
        c.out.mark("slide " + std::to_string(number) + ", notes");
        read_slide(c, notes);
      }
    }
  }
  c.out.facts(aoh::Json{{"slides", std::min(number, c.limits.max_sheets)}});
}

}  // namespace mailroom::documents
