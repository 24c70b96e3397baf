// What keeps gumbo within time and memory on hostile HTML (internal to mime/).
//
// gumbo frees its tree by recursion, looks through all open elements at most tags, and re-opens unclosed <b>,
// <font> ... in each new block: a message of 1 MB can ask for gigabytes or minutes. So the nesting is cut
// before it, its memory is an arena with a ceiling, and the arena is dropped whole.
#pragma once
#include <gumbo.h>

#include <csetjmp>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "mime/hidden_text.hpp"

namespace mailroom::mime {

inline constexpr std::size_t kMaxHtmlBytes = 1u << 20;  ///< of HTML that is converted
inline constexpr std::size_t kMaxHtmlDepth = 512;       ///< open elements, as far as tags tell
inline constexpr std::size_t kMaxHtmlFormatting = 64;   ///< open <b>, <font>, <a> ... among them
inline constexpr std::size_t kMaxArenaBytes = 128u << 20;

/// What gumbo gets, and what was seen on the way.
struct Guarded {
  std::string html;
  std::string title;    ///< of the document, not shown
  bool styles = false;  ///< there are <style> elements
  bool quirks = true;   ///< no doctype: browsers take lengths without units
};

/// The first kMaxHtmlBytes without what is never shown (comments, script, title ...), and without start tags
/// beyond the depths or with more than 200 attributes. <svg> and <math> become <x-svg> and <x-math>. What
/// words were left out is told to `log`, unless null.
Guarded guard_html(std::string_view html, HiddenLog* log);

/// Text without tags, styles and scripts: what is left where gumbo would need more than its arena.
std::string strip_tags(std::string_view html);

/// Owns everything that gumbo allocates for one document. Not copied; one thread.
class GumboArena {
 public:
  GumboArena() = default;
  GumboArena(const GumboArena&) = delete;
  GumboArena& operator=(const GumboArena&) = delete;

  /// The root element, valid as long as the arena and `html`; nullptr when the ceiling was passed.
  const GumboNode* parse(const std::string& html);

 private:
  static void* allocate(void* self, std::size_t size);
  static void release(void*, void*) {}

  std::vector<std::unique_ptr<char[]>> blocks_;
  std::size_t used_ = 0, capacity_ = 0, total_ = 0;
  std::jmp_buf out_of_room_{};
};

}  // namespace mailroom::mime
