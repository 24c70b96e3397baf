// What kind of ZIP file it is: an Office document by its parts, else an archive.
#include <algorithm>
#include <set>

#include "parser/package.hpp"

namespace mailroom::documents {
namespace {

struct Office {
  const char* kind;
  const char* main;  // the usual name of its main part
  void (*parse)(const Context&, Package&, const std::string&);
};
constexpr Office kOffice[] = {{"docx", "word/document.xml", &parse_docx},
                              {"xlsx", "xl/workbook.xml", &parse_xlsx},
                              {"pptx", "ppt/presentation.xml", &parse_pptx}};

void look_at_parts(const Context& c, const Package& package) {
  std::set<std::string_view> seen;
  for (const Package::Entry& e : package.entries()) {
    if (!seen.insert(e.name).second)
      c.out.warn("member_twin", "two parts have the same name: another program may read the other one");
    if (e.name.ends_with("vbaProject.bin"))
      c.out.warn("macros", "it holds macros (vbaProject.bin); they were not run");
    if (e.name.find("/embeddings/") != e.name.npos)
      c.out.warn("embedded_object", "it has objects within, which were not read");
    if (e.name.find("/activeX/") != e.name.npos)
      c.out.warn("active_content", "it has ActiveX controls; they were not run");
  }
}

}  // namespace

const Kind& parse_zip(const Context& c) {
  {
    Package package(c.bytes, c.limits, c.out);
    for (const Office& office : kOffice) {
      if (!package.has(office.main)) continue;
      // The package says which part is the main one (ECMA-376 part 1 §11 to 13); the usual name where it does
      // not.
      std::string main = office.main;
      for (const auto& [id, relation] : package.relations(""))
        if (relation.type == "officeDocument" && !relation.external && package.has(relation.target))
          main = relation.target;
      look_at_parts(c, package);
      office.parse(c, package, main);
      return kind(office.kind);
    }
    if (package.has("mimetype") && package.has("content.xml")) {
      c.out.facts(aoh::Json{{"kind", "opendocument"}});
      throw Unreadable("unsupported", "an OpenDocument file, which is not read",
                       "Ask for DOCX, XLSX, PPTX or PDF");
    }
  }
  parse_archive(c, kind("zip"));
  return kind("zip");
}

}  // namespace mailroom::documents
