#include "mime/warnings.hpp"

#include <utility>

#include "mime/invisible.hpp"

namespace mailroom::mime {

void clean(std::string& text, bool reading, Warnings& warnings) {
  HiddenLog log;
  text = clean_invisible(std::move(text), log, reading);
  for (const auto& w : log.warnings()) warnings.add(w.code, w.detail);
}

}  // namespace mailroom::mime
