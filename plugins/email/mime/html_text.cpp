// Readable text of HTML, through gumbo. Walks with a stack of its own: a tree can be as deep as the sender
// likes.
#include <gumbo.h>

#include <algorithm>
#include <string>
#include <vector>

#include "mime/ascii.hpp"
#include "mime/html_guard.hpp"
#include "mime/parse.hpp"
#include "support/json.hpp"

namespace mailroom::mime {
namespace {

// Collects text with the white space rules of a browser: runs of blanks are one, blocks stand on lines of
// their own.
class Writer {
 public:
  explicit Writer(std::size_t max) : max_(max) {}
  /// One byte more than is given: so take() sees whether it cuts through a character.
  bool full() const { return out_.size() > max_; }

  void text(std::string_view s, bool preformatted) {
    for (std::size_t i = 0; i < s.size() && !full(); ++i) {
      if (preformatted && s[i] == '\n') {
        newline();
        continue;
      }
      const bool nbsp = s[i] == '\xC2' && i + 1 < s.size() && s[i + 1] == '\xA0';
      if (!preformatted && is_space(s[i])) {
        space_ = true;
        continue;
      }
      flush();
      if (nbsp) {
        out_ += ' ';
        ++i;
      } else if (s[i] != '\r') {
        out_ += s[i];
      }
      at_line_start_ = false;
    }
  }

  void newline() {
    if (pending_ > 0) {
      ++pending_;
    } else {
      pending_ = 1;
    }
    space_ = false;
  }

  // At least `lines` line ends before what comes next.
  void block(int lines) {
    if (!out_.empty()) pending_ = std::max(pending_, lines);
    space_ = false;
  }

  // A mark that is no text of its own: it stays with what follows ("- ").
  void mark(std::string_view indent, std::string_view s) {
    flush();
    out_ += indent;
    text(s, false);
    space_ = false;
    out_ += ' ';
    at_line_start_ = true;
  }

  std::string take() {
    while (!out_.empty() && is_space(out_.back())) out_.pop_back();
    if (!out_.empty()) out_ += '\n';
    return std::string(aoh::utf8_prefix(out_, max_));
  }

 private:
  void flush() {
    if (pending_ > 0) {
      if (!out_.empty()) {
        while (!out_.empty() && (out_.back() == ' ')) out_.pop_back();
        out_.append(static_cast<std::size_t>(std::min(pending_, 3)), '\n');
      }
      pending_ = 0;
      at_line_start_ = true;
    } else if (space_ && !at_line_start_) {
      out_ += ' ';
    }
    if (out_.empty()) at_line_start_ = true;
    space_ = false;
  }

  std::string out_;
  std::size_t max_;
  int pending_ = 0;
  bool space_ = false;
  bool at_line_start_ = true;
};

std::string_view attribute(const GumboNode* node, const char* name) {
  const GumboAttribute* a = gumbo_get_attribute(&node->v.element.attributes, name);
  return a ? std::string_view(a->value) : std::string_view();
}

bool is_hidden(const GumboNode* node) {
  if (gumbo_get_attribute(&node->v.element.attributes, "hidden")) return true;
  std::string style;
  for (char c : attribute(node, "style").substr(0, 4096))
    if (!is_space(c)) style += lower(c);
  return style.find("display:none") != style.npos || style.find("visibility:hidden") != style.npos;
}

bool is_dropped(GumboTag tag) {
  switch (tag) {
    case GUMBO_TAG_HEAD:
    case GUMBO_TAG_STYLE:
    case GUMBO_TAG_SCRIPT:
    case GUMBO_TAG_NOSCRIPT:
    case GUMBO_TAG_TEMPLATE:
    case GUMBO_TAG_TITLE:
    case GUMBO_TAG_IFRAME:
    case GUMBO_TAG_OBJECT:
    case GUMBO_TAG_SVG:
    case GUMBO_TAG_MATH:
    case GUMBO_TAG_TEXTAREA:
    case GUMBO_TAG_SELECT:
      return true;
    default:
      return false;
  }
}

// Line ends that an element stands between: 0 within the line, 1 on a line, 2 with an empty line around.
int block_of(GumboTag tag) {
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
    case GUMBO_TAG_DIV:
    case GUMBO_TAG_LI:
    case GUMBO_TAG_DT:
    case GUMBO_TAG_DD:
    case GUMBO_TAG_TR:
    case GUMBO_TAG_CAPTION:
    case GUMBO_TAG_SECTION:
    case GUMBO_TAG_ARTICLE:
    case GUMBO_TAG_HEADER:
    case GUMBO_TAG_FOOTER:
    case GUMBO_TAG_NAV:
    case GUMBO_TAG_ASIDE:
    case GUMBO_TAG_MAIN:
    case GUMBO_TAG_ADDRESS:
    case GUMBO_TAG_CENTER:
    case GUMBO_TAG_FORM:
    case GUMBO_TAG_FIELDSET:
    case GUMBO_TAG_FIGURE:
    case GUMBO_TAG_FIGCAPTION:
      return 1;
    default:
      return 0;
  }
}

std::string own_text(
    const GumboNode* node) {  // the first text below, to see whether a link's words are its target
  std::string text;
  const auto& children = node->v.element.children;
  for (unsigned i = 0; i < children.length && text.size() < 2048; ++i) {
    const auto* child = static_cast<const GumboNode*>(children.data[i]);
    if (child->type == GUMBO_NODE_TEXT) text += child->v.text.text;
  }
  return std::string(trim(text));
}

// A node on the way down, and what closes it on the way up.
struct Step {
  const GumboNode* node;
  unsigned child = 0;
  bool preformatted = false;
  int item = 0;  // of an <ol>: the number of its last item; -1 marks <ul>
};

class Walker {
 public:
  explicit Walker(std::size_t max) : writer_(max) {}

  std::string run(const GumboNode* root) {
    enter(root, false);
    while (!stack_.empty() && !writer_.full()) {
      Step& step = stack_.back();
      const auto& children = step.node->v.element.children;
      if (step.child >= children.length) {
        leave(step);
        stack_.pop_back();
        continue;
      }
      const auto* child = static_cast<const GumboNode*>(children.data[step.child++]);
      switch (child->type) {
        case GUMBO_NODE_TEXT:
        case GUMBO_NODE_WHITESPACE:
        case GUMBO_NODE_CDATA:
          writer_.text(child->v.text.text, step.preformatted);
          break;
        case GUMBO_NODE_ELEMENT:
          enter(child, step.preformatted);
          break;
        default:
          break;  // comments, templates
      }
    }
    return writer_.take();
  }

 private:
  void enter(const GumboNode* node, bool preformatted) {
    const GumboTag tag = node->v.element.tag;
    if (is_dropped(tag) || is_hidden(node)) return;
    switch (tag) {
      case GUMBO_TAG_BR:
        writer_.newline();
        return;
      case GUMBO_TAG_HR:
        writer_.block(1);
        writer_.text("----", false);
        writer_.block(1);
        return;
      case GUMBO_TAG_IMG: {
        const std::string_view alt = trim(attribute(node, "alt"));
        if (!alt.empty()) writer_.text("[" + std::string(alt) + "]", false);
        return;
      }
      default:
        break;
    }
    int lines = block_of(tag);
    const bool nested_list = (tag == GUMBO_TAG_UL || tag == GUMBO_TAG_OL) && list_depth_ > 0;
    if (nested_list) lines = 1;
    if (lines) writer_.block(lines);
    Step step{node, 0, preformatted || tag == GUMBO_TAG_PRE, 0};
    if (tag == GUMBO_TAG_UL) step.item = -1;
    if (tag == GUMBO_TAG_UL || tag == GUMBO_TAG_OL) ++list_depth_;
    if (tag == GUMBO_TAG_LI) {
      const std::string indent(static_cast<std::size_t>(std::clamp(list_depth_ - 1, 0, 8)) * 2, ' ');
      int* number = !stack_.empty() && stack_.back().node->v.element.tag == GUMBO_TAG_OL ? &stack_.back().item
                                                                                         : nullptr;
      writer_.mark(indent, number ? std::to_string(++*number) + "." : std::string("-"));
    }
    if (tag == GUMBO_TAG_TD || tag == GUMBO_TAG_TH) writer_.text(" ", false);
    stack_.push_back(step);
  }

  void leave(const Step& step) {
    const GumboTag tag = step.node->v.element.tag;
    if (tag == GUMBO_TAG_UL || tag == GUMBO_TAG_OL) --list_depth_;
    if (tag == GUMBO_TAG_A) {
      const std::string_view target = trim(attribute(step.node, "href"));
      const bool leads_away = istarts_with(target, "http:") || istarts_with(target, "https:") ||
                              istarts_with(target, "mailto:") || istarts_with(target, "ftp:") ||
                              istarts_with(target, "tel:");
      const std::string words = own_text(step.node);
      std::string_view bare = target;
      if (istarts_with(bare, "mailto:")) bare.remove_prefix(7);
      if (leads_away && words != target && words != bare) {
        std::string shown = " <";
        for (char c : target.substr(0, 2000)) shown += c == '<' || c == '>' || is_space(c) ? '_' : c;
        writer_.text(shown + ">", false);
      }
    }
    int lines = block_of(tag);
    if ((tag == GUMBO_TAG_UL || tag == GUMBO_TAG_OL) && list_depth_ > 0) lines = 1;
    if (lines) writer_.block(lines);
  }

  Writer writer_;
  std::vector<Step> stack_;
  int list_depth_ = 0;
};

}  // namespace

std::string html_to_text(std::string_view html, std::size_t max_bytes) {
  const std::string guarded = guard_html(html);
  GumboArena arena;
  const GumboNode* root = arena.parse(guarded);
  if (!root) return std::string(aoh::utf8_prefix(strip_tags(guarded), max_bytes));
  return Walker(max_bytes).run(root);
}

}  // namespace mailroom::mime
