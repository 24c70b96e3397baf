// Characters that draw nothing: taken out of text where they hide something, left where a script needs them
// (internal to mime/).
//
// Kept: joiners in Arabic, Indic and other joining scripts and in emoji sequences, flags made of tags
// (England, Scotland, Wales: the ones Unicode recommends), variation selectors on emoji, ideographs and
// symbols, direction marks on lines with right-to-left letters, break marks in scripts without spaces,
// fillers between Hangul letters. Taken out without a word: soft hyphens where a word may break, paddings
// that say the same again and again, single marks beside spaces and punctuation. All else is taken out and
// told: Unicode tags, runs of zero-width characters, anything within a word, overrides of direction.
#pragma once
#include <string>

#include "mime/hidden_text.hpp"

namespace mailroom::mime {

/// `text` (valid UTF-8) as it looks; what was hidden goes to `log`. `reading`: text under a right-to-left
/// override is turned round to how it is read; false for names of files, whose order is what counts. Linear.
std::string clean_invisible(std::string text, HiddenLog& log, bool reading = true);

/// The code points of UTF-8 text from the last to the first.
std::string reversed(std::string_view text);

}  // namespace mailroom::mime
