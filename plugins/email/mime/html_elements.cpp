#include "mime/html_elements.hpp"

namespace mailroom::mime {

bool is_dropped(GumboTag tag) {
  switch (tag) {
    case GUMBO_TAG_STYLE:
    case GUMBO_TAG_SCRIPT:
    case GUMBO_TAG_NOSCRIPT:
    case GUMBO_TAG_TEMPLATE:
    case GUMBO_TAG_TITLE:
    case GUMBO_TAG_IFRAME:
    case GUMBO_TAG_OBJECT:
    case GUMBO_TAG_AUDIO:
    case GUMBO_TAG_VIDEO:
    case GUMBO_TAG_CANVAS:
    case GUMBO_TAG_METER:
    case GUMBO_TAG_PROGRESS:
    case GUMBO_TAG_TEXTAREA:
    case GUMBO_TAG_SELECT:
    case GUMBO_TAG_OPTION:
    case GUMBO_TAG_OPTGROUP:
      return true;
    default:
      return false;
  }
}

int block_of(GumboTag tag, const Style& style) {
  const auto& b = style.box;
  if (b.display_set && (b.display == Display::in_line || b.display == Display::inline_block)) return 0;
  switch (tag) {
    case GUMBO_TAG_P:
    case GUMBO_TAG_H1:
    case GUMBO_TAG_H2:
    case GUMBO_TAG_H3:
    case GUMBO_TAG_H4:
    case GUMBO_TAG_H5:
    case GUMBO_TAG_H6:
    case GUMBO_TAG_UL:
    case GUMBO_TAG_OL:
    case GUMBO_TAG_DL:
    case GUMBO_TAG_TABLE:
    case GUMBO_TAG_PRE:
    case GUMBO_TAG_BLOCKQUOTE:
      return 2;
    case GUMBO_TAG_TR:
    case GUMBO_TAG_HTML:
    case GUMBO_TAG_BODY:
      return 1;
    case GUMBO_TAG_HR:
      return 0;
    default:
      return b.display == Display::block || b.display == Display::table ||
             (b.display_set && b.display == Display::row);
  }
}

}  // namespace mailroom::mime
