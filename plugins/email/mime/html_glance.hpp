// HTML so simple that nothing in it can be hidden, read at a glance (internal to mime/).
//
// Most HTML beside a plain text is paragraphs and links. It need not go through gumbo and the style sheets to
// be known as harmless: that takes ten times as long as all the rest of a message.
#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace mailroom::mime {

/// The words that a person sees, links with their targets, without any care for lines. nullopt as soon as
/// anything occurs that read_html() might have something to say about: an element, attribute, property,
/// entity or character that is not known to be harmless. Linear.
std::optional<std::string> read_at_a_glance(std::string_view html);

}  // namespace mailroom::mime
