// Where a document's text goes, and the forms it takes there.
#pragma once
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace mailroom::documents {

/// Text and the marks that say where it stands. Both answer whether to go on.
class TextTo {
 public:
  virtual ~TextTo() = default;
  virtual bool mark(std::string_view words) = 0;
  /// Valid UTF-8 without control characters but line ends and tabs.
  virtual bool text(std::string_view text) = 0;
};

/// With marks as the host's services have them (aoh/services/knowledge.h): a line that begins with a form
/// feed.
class MarkedText : public TextTo {
 public:
  /// `to` answers whether to go on; at most `most` bytes are written.
  MarkedText(std::function<bool(std::string_view)> to, std::size_t most) : to_(std::move(to)), room_(most) {}
  bool mark(std::string_view words) override;
  bool text(std::string_view text) override;
  bool full() const { return room_ == 0; }

 private:
  bool put(std::string_view bytes);
  std::function<bool(std::string_view)> to_;
  std::size_t room_;
  bool at_line_ = true;  // the last byte was a line end
};

/// A window of the text as people and models read it: "--- page 3 ---". A line of the document's that begins
/// like a mark is moved in by one blank, so no document can make a mark.
class Window : public TextTo {
 public:
  /// `most` bytes from `offset` on, cut at characters.
  Window(std::size_t offset, std::size_t most) : offset_(offset), most_(most) {}
  bool mark(std::string_view words) override;
  bool text(std::string_view text) override;
  /// After the last text.
  void finish();

  const std::string& shown() const { return shown_; }
  bool more() const { return more_; }         ///< text came that is beyond the window
  std::size_t seen() const { return seen_; }  ///< bytes of text that came, at least

 private:
  bool put(std::string_view bytes);
  std::size_t offset_, most_, seen_ = 0;
  std::string shown_;
  std::string start_;  // of a line that may look like a mark, until that is known
  bool at_line_ = true;
  bool more_ = false;
};

/// Any bytes in pieces to what TextTo::text() takes.
class Cleaner {
 public:
  /// What can be said now; a character that is cut waits for the next piece.
  std::string feed(std::string_view bytes);
  std::string finish();

 private:
  std::string cut_;  // less than a character
};

}  // namespace mailroom::documents
