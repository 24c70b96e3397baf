#include "mime/html_walk.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "mime/ascii.hpp"
#include "mime/html_elements.hpp"
#include "mime/html_frame.hpp"
#include "mime/html_link.hpp"
#include "mime/html_writer.hpp"
#include "mime/invisible.hpp"
#include "support/json.hpp"

namespace mailroom::mime {
namespace {

// A node on the way down, and what closes it on the way up.
struct Step {
  const GumboNode* node;
  Style style;
  Frame frame;
  unsigned child = 0;
  int item = 0;  // of an <ol>: the number of its last item; -1 marks <ul>
  bool block = false;
  bool first_line = true;  // of a block: nothing broken yet
  float advance = 0;       // px written on the line
  Flow flow_before = 0;
  Flow row_end = 0;           // of a row: where its longest cell ends
  std::size_t written = 0;    // bytes when it began
  std::size_t hidden = 0;     // hidden characters when it began
  int raised = 0;             // the highest z-index of its text
  bool summary_seen = false;  // of <details>
};

class Walker {
 public:
  Walker(Styler& styler, HiddenLog& log, std::size_t max) : styler_(styler), log_(log), writer_(max) {}

  std::string run(const GumboNode* root) {
    Step top{root, {}, {}};
    open(top, root);
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
        case GUMBO_NODE_CDATA:
          text(step, child->v.text.text);
          break;
        case GUMBO_NODE_WHITESPACE:
          if (step.frame.hidden.empty()) writer_.text(child->v.text.text, step.style.pre);
          break;
        case GUMBO_NODE_ELEMENT:
        case GUMBO_NODE_TEMPLATE:
          open(step, child);
          break;
        default:
          break;
      }
    }
    return writer_.take();
  }

 private:
  Step& block_around() {
    for (auto it = stack_.rbegin(); it != stack_.rend(); ++it)
      if (it->block) return *it;
    return stack_.front();
  }

  void move_flow(float by) {
    flow_ += by;
    lowest_ = std::max(lowest_, flow_);
  }

  // A line ends where something was written on it.
  void break_line(const Style& style, bool always) {
    if (stack_.empty()) return;
    Step& block = block_around();
    if (always || line_open_) {
      const float height = style.line_height ? style.line_height->of(style.font_size, style.font_size)
                                             : style.font_size * 1.1F;
      move_flow(std::max(0.F, height));
      if (always) block.first_line = false;
    }
    line_open_ = false;
    block.advance = 0;
  }

  std::string reason(const Step& step, std::size_t characters) {
    const Step& block = block_around();
    Spot at;
    at.characters = characters;
    at.flow = flow_;
    at.advance = step.style.nowrap ? block.advance : 0;
    at.first_line = block.first_line;
    if (block.style.text_indent)
      at.indent = block.style.text_indent->of(block.style.font_size, block.frame.width);
    at.lowest = lowest_;
    at.most = 2 * std::max(0.F, lowest_) + 100 + 400 * static_cast<float>(pictures_);
    return why_hidden(step.frame, step.style, at);
  }

  void text(Step& step, std::string_view s) {
    std::string why = reason(step, trim(s).size());
    if (why.empty() && step.frame.closed) why = "<details> that is not open";
    if (!why.empty()) {
      log_.add("hidden_text", why, s);
      if (step.frame.hidden.empty() && !trim(s).empty())
        line_open_ = true;  // it takes its place all the same
      return;
    }
    if (step.style.outlook_hides && is_prose(s)) log_.add("hidden_in_outlook", "mso-hide", s);
    Step& block = block_around();
    std::string_view shown = s;
    if (step.style.nowrap && !step.frame.window.scrolls) shown = before_edge(step, block, s);
    if (step.frame.reversed && is_ascii(shown) && !trim(shown).empty()) {
      log_.characters("direction controls", 1, "text turned round by a style");
      writer_.text(reversed(shown), step.style.pre);
    } else {
      writer_.text(shown, step.style.pre);
    }
    if (!trim(s).empty()) {
      line_open_ = true;
      step.raised = std::max(step.raised, step.frame.z);
      const float wide = static_cast<float>(trim(s).size()) * step.style.font_size * .4F;
      if (step.style.nowrap)
        block.advance += wide;
      else if (step.frame.width > 50)  // lines that it fills for certain
        move_flow(std::floor(wide / step.frame.width) * step.style.font_size);
    }
    if (step.style.pre)
      for (char c : s)
        if (c == '\n') break_line(step.style, true);
  }

  // What of a line that does not wrap lies within its box.
  std::string_view before_edge(const Step& step, const Step& block, std::string_view s) {
    const float room = step.frame.window.right - step.frame.x - block.advance;
    const float each = step.style.font_size * .4F;
    if (!std::isfinite(room) || static_cast<float>(s.size()) * each <= room) return s;
    const std::string_view shown = aoh::utf8_prefix(s, static_cast<std::size_t>(std::max(0.F, room / each)));
    log_.add("hidden_text", "outside of its box", s.substr(shown.size()));
    return shown;
  }

  void open(Step& parent, const GumboNode* node) {
    const GumboTag tag = node->v.element.tag;
    if (tag == GUMBO_TAG_STYLE) return;
    if (tag == GUMBO_TAG_BASE && base_.empty()) base_ = aoh::utf8_prefix(attribute(node, "href"), 2'000);
    if (tag == GUMBO_TAG_META) return meta(node);
    if (tag == GUMBO_TAG_BR) {
      if (!parent.frame.hidden.empty()) return;
      writer_.newline();
      return break_line(parent.style, true);
    }
    Step step{node, styler_.style(node, parent.style), {}};
    const std::string generated = styler_.generated();
    const int lines = block_of(tag, step.style);
    const Flow before = flow_;
    if (lines) break_line(parent.style, false);
    if (parent.style.box.flexes) flow_ = parent.flow_before;
    step.flow_before = flow_;
    step.frame = enter_frame(parent.frame, parent.style, node, step.style, flow_);
    lowest_ = std::max(lowest_, step.frame.in_flow ? flow_ : before);
    if (is_dropped(tag) && step.frame.hidden.empty())
      step.frame.hidden = "<" + std::string(tag_name(node)) + ">";
    if (tag == GUMBO_TAG_UNKNOWN && iequals(tag_name(node), "dialog") &&
        !gumbo_get_attribute(&node->v.element.attributes, "open") && !step.style.box.display_set &&
        step.frame.hidden.empty())
      step.frame.hidden = "<dialog> that is not open";
    if (parent.frame.closed && step.frame.hidden.empty()) {
      const bool summary = tag == GUMBO_TAG_SUMMARY && !parent.summary_seen;
      parent.summary_seen = parent.summary_seen || summary;
      if (!summary) step.frame.hidden = "<details> that is not open";
    }
    const bool gone = !step.frame.hidden.empty();
    attributes(node, step);
    if (!generated.empty() && !gone) log_.add("generated_text", "drawn by a style sheet", generated);
    if (tag == GUMBO_TAG_IMG) return picture(node, step);
    if (tag == GUMBO_TAG_INPUT || tag == GUMBO_TAG_WBR) return;
    if (tag == GUMBO_TAG_HR) {
      if (gone) return;
      writer_.block(1);
      writer_.text("----", false);
      writer_.block(1);
      return;
    }
    step.written = writer_.size();
    step.hidden = log_.hidden_characters();
    const bool list = tag == GUMBO_TAG_UL || tag == GUMBO_TAG_OL;
    if (!gone) {
      if (lines) writer_.block(list && list_depth_ > 0 ? 1 : lines);
      if (tag == GUMBO_TAG_LI) {
        const std::string indent(static_cast<std::size_t>(std::clamp(list_depth_ - 1, 0, 8)) * 2, ' ');
        int* number = parent.node->v.element.tag == GUMBO_TAG_OL ? &parent.item : nullptr;
        writer_.mark(indent, number ? std::to_string(++*number) + "." : std::string("-"));
      }
      if (step.style.box.display == Display::cell || parent.style.box.flexes) writer_.text(" ", false);
    }
    if (!gone && step.frame.svg) shape(node, step);
    if (!gone && covers_container(step.frame, step.style, parent.frame.container)) cover(step);
    if (list) ++list_depth_;
    step.block = lines > 0 || step.style.box.display != Display::in_line || stack_.empty();
    stack_.push_back(std::move(step));
  }

  // A drawn shape: text after it may stand on it.
  void shape(const GumboNode* node, const Step& step) {
    const std::string name = to_lower(tag_name(node));
    const bool picture = name == "image" || name == "use" || name == "path" || name == "polygon";
    if (!picture && name != "rect" && name != "circle" && name != "ellipse") return;
    const auto wide = parse_length(trim(attribute(node, "width")), true);
    if (name == "rect" && wide && wide->of(16, 300) < 40) return;
    const Color fill = step.style.svg_fill.value_or(Color{});
    for (auto it = stack_.rbegin(); it != stack_.rend() && it->frame.svg; ++it) {
      Backdrop& behind = it->frame.behind;
      if (picture || behind.count == behind.colors.size())
        behind.count = 0;
      else if (behind.count > 0 && fill.a > .1F)
        behind.colors[behind.count++] = fill;
    }
  }

  // What its container held is under it, and what comes that is not positioned.
  void cover(const Step& step) {
    std::size_t from = stack_.size();
    const bool fixed = step.style.box.position == Position::fixed;
    while (from > 0) {
      const auto& b = stack_[--from].style.box;
      if (!fixed && (b.position != Position::normal || b.transformed)) break;
    }
    for (std::size_t i = from; i < stack_.size(); ++i)
      if (stack_[i].raised > step.frame.z) return;
    if (stack_.empty()) return;
    const std::size_t written = stack_[from].written;
    log_.add("hidden_text", "covered by another element", writer_.since(written));
    writer_.take_back(written);
    for (std::size_t i = from; i < stack_.size(); ++i) {
      stack_[i].frame.covered = true;
      stack_[i].frame.behind = step.frame.behind;
      stack_[i].written = std::min(stack_[i].written, written);
    }
  }

  void leave(Step& step) {
    const GumboTag tag = step.node->v.element.tag;
    const auto& b = step.style.box;
    if (tag == GUMBO_TAG_UL || tag == GUMBO_TAG_OL) --list_depth_;
    if (stack_.size() > 1)
      stack_[stack_.size() - 2].raised = std::max(stack_[stack_.size() - 2].raised, step.raised);
    if (!step.frame.hidden.empty()) return;
    if (tag == GUMBO_TAG_A) link(step);
    const int lines = block_of(tag, step.style);
    if (step.block) break_line(step.style, false);
    if (lines) writer_.block((tag == GUMBO_TAG_UL || tag == GUMBO_TAG_OL) && list_depth_ > 0 ? 1 : lines);
    // The flow goes on below it; beside it, where it is a cell or floats; as if it were not there, when
    // absolute.
    if (!std::isnan(step.frame.height) && b.display != Display::in_line)
      flow_ = std::max(step.flow_before + step.frame.height, b.clip_y ? step.flow_before : flow_);
    flow_ += step.frame.advance_after;
    Step* parent = stack_.size() > 1 ? &stack_[stack_.size() - 2] : nullptr;
    const bool beside = b.display == Display::cell || (parent && parent->style.box.flexes);
    if (beside && parent) parent->row_end = std::max(parent->row_end, flow_);
    if (!step.frame.in_flow || beside) flow_ = step.flow_before;
    if (step.row_end > flow_) flow_ = step.row_end;
    lowest_ = std::max(lowest_, flow_);
  }

  void link(const Step& step) {
    const std::string target = link_target(attribute(step.node, "href"), base_);
    if (target.empty()) return;
    const std::string_view words = trim(writer_.since(step.written));
    // Of a link whose words are all hidden nothing is seen.
    if (words.empty() && log_.hidden_characters() > step.hidden) return;
    if (link_differs(words, target))
      log_.note("link_differs",
                "a link reads " + std::string(aoh::utf8_prefix(words, 60)) + " and leads to " + target);
    if (says_target(words, target)) return;
    writer_.text(" <" + target + ">", false);
  }

  void picture(const GumboNode* node, const Step& step) {
    const std::string_view alt = trim(attribute(node, "alt"));
    ++pictures_;
    const auto small = [&](const MaybeLength& l) { return l && l->percent == 0 && l->of(16, 0) <= 2; };
    const auto& b = step.style.box;
    if (step.frame.hidden.empty() && !std::isnan(step.frame.height)) move_flow(step.frame.height);
    if (alt.empty()) return;
    std::string why = reason(step, alt.size());
    if (why.empty() && (small(b.width) || small(b.height) || small(b.max_width) || small(b.max_height)))
      why = "picture of no size";
    if (!why.empty())
      log_.add("hidden_text", why, alt);
    else
      writer_.text("[" + std::string(alt) + "]", false);
    if (why.empty()) line_open_ = true;
  }

  void meta(const GumboNode* node) {
    const std::string name = to_lower(attribute(node, "name"));
    for (std::string_view known :
         {"viewport", "generator", "format-detection", "color-scheme", "robots", "supported-color-schemes",
          "referrer", "theme-color", "progid", "originator"})
      if (name == known) return;
    if (gumbo_get_attribute(&node->v.element.attributes, "http-equiv")) return;
    const std::string_view content = attribute(node, "content");
    if (is_prose(content)) log_.add("hidden_attribute", "<meta>", content);
  }

  // Words in attributes that are not drawn.
  void attributes(const GumboNode* node, const Step& step) {
    const auto& all = node->v.element.attributes;
    for (unsigned i = 0; i < all.length; ++i) {
      const auto* a = static_cast<const GumboAttribute*>(all.data[i]);
      const std::string_view name = a->name, value = a->value;
      const bool told = name == "title" || name.starts_with("data-") || name.starts_with("aria-") ||
                        name == "placeholder" || name == "summary" || name == "label" || name == "content" ||
                        name == "value" || name == "longdesc" || name == "prompt" || name == "alt";
      if (!told || (name == "alt" && node->v.element.tag == GUMBO_TAG_IMG)) continue;
      const bool hidden_input = node->v.element.tag == GUMBO_TAG_INPUT && name == "value";
      if ((hidden_input || is_prose(value)) && (value.find(' ') != value.npos || !is_ascii(value)) &&
          !has_in_text(value))
        log_.add("hidden_attribute", "attribute " + std::string(aoh::utf8_prefix(name, 40)), value);
      else if (hidden_input && iequals(attribute(node, "type"), "hidden"))
        log_.add("hidden_attribute", "<input type=hidden>", value);
    }
    (void)step;
  }

  // Tooltips mostly repeat what stands beside them.
  bool has_in_text(std::string_view value) const {
    const std::string_view tail =
        writer_.since(writer_.size() - std::min<std::size_t>(writer_.size(), 2'000));
    return tail.find(trim(value)) != tail.npos;
  }

  Styler& styler_;
  HiddenLog& log_;
  HtmlWriter writer_;
  std::vector<Step> stack_;
  std::string base_;
  int list_depth_ = 0;
  Flow flow_ = 0, lowest_ = 0;
  std::size_t pictures_ = 0;
  bool line_open_ = false;
};

}  // namespace

std::string walk_html(const GumboNode* root, Styler& styler, HiddenLog& log, std::size_t max) {
  return Walker(styler, log, max).run(root);
}

}  // namespace mailroom::mime
