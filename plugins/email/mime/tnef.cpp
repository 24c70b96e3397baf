#include "mime/tnef.hpp"

#include <cstdint>

#include "mime/ascii.hpp"
#include "mime/charset.hpp"
#include "mime/headers.hpp"
#include "mime/parse.hpp"

namespace mailroom::mime {
namespace {

constexpr std::size_t kMaxName = 4'096;  // bytes, as sent
constexpr std::size_t kMaxFiles = 200;
constexpr std::size_t kMaxProperties = 5'000;  // of one list
constexpr std::uint32_t kSignature = 0x223E9F78;

// Little-endian reads that end at the end.
class Bytes {
 public:
  explicit Bytes(std::string_view s) : s_(s) {}
  bool good() const { return good_; }
  bool at_end() const { return at_ >= s_.size(); }

  std::uint32_t number(std::size_t size) {
    const std::string_view b = take(size);
    std::uint32_t n = 0;
    for (std::size_t i = b.size(); i-- > 0;) n = n << 8 | static_cast<unsigned char>(b[i]);
    return n;
  }
  std::string_view take(std::size_t size) {
    if (size > s_.size() - at_) {
      good_ = false;
      size = s_.size() - at_;
    }
    const std::string_view piece = s_.substr(at_, size);
    at_ += size;
    return piece;
  }
  void align() { take((4 - at_ % 4) % 4); }

 private:
  std::string_view s_;
  std::size_t at_ = 0;
  bool good_ = true;
};

struct Property {
  std::uint32_t id = 0, type = 0;
  std::string_view value;  // of the first one
};

// MS-OXTNEF §2.1.3.4. `take` is called for each property.
template <class F>
bool read_properties(std::string_view list, F take) {
  Bytes in(list);
  const std::uint32_t count = in.number(4);
  std::uint32_t i = 0;
  for (; i < count && i < kMaxProperties && in.good() && !in.at_end(); ++i) {
    Property p;
    p.type = in.number(2);
    p.id = in.number(2);
    if (p.id >= 0x8000) {  // a named property: its set, and its name
      in.take(16);
      if (in.number(4) == 0) {
        in.take(4);
      } else {
        in.take(in.number(4));
        in.align();
      }
    }
    const bool several = p.type & 0x1000u;
    p.type &= 0xFFFu;
    const bool sized = p.type == 0x1E || p.type == 0x1F || p.type == 0x0D || p.type == 0x102;
    const std::uint32_t values = several || sized ? in.number(4) : 1;
    for (std::uint32_t v = 0; v < values && in.good() && !in.at_end(); ++v) {
      std::size_t size = 0;
      switch (p.type) {
        case 0x02:
        case 0x03:
        case 0x04:
        case 0x0A:
        case 0x0B:
          size = 4;
          break;
        case 0x05:
        case 0x06:
        case 0x07:
        case 0x14:
        case 0x40:
          size = 8;
          break;
        case 0x48:
          size = 16;
          break;
        default:
          if (!sized) return false;  // of unknown length: nothing behind it can be read
          size = in.number(4);
      }
      const std::string_view value = in.take(size);
      in.align();
      if (v == 0) p.value = value;
    }
    take(p);
  }
  return in.good() && i == count;
}

std::string_view until_nul(std::string_view s) { return s.substr(0, s.find('\0')); }

class Reader {
 public:
  explicit Reader(std::size_t max_text) : max_text_(max_text) {}

  std::optional<Tnef> read(std::string_view bytes) {
    Bytes in(bytes);
    if (in.number(4) != kSignature) return {};
    in.take(2);  // key
    while (!in.at_end() && in.good()) {
      in.take(1);  // level: the attribute tells
      const std::uint32_t attribute = in.number(4) & 0xFFFFu;
      const std::string_view data = in.take(in.number(4));
      in.take(2);  // checksum: Outlook itself does not mind
      take(attribute, data);
    }
    out_.damaged = out_.damaged || !in.good();
    if (!rtf_.empty() && !out_.text && !out_.html)
      if (const auto rtf = decompress_rtf(rtf_, max_text_ * 4)) out_.text = rtf_to_text(*rtf, max_text_);
    return std::move(out_);
  }

 private:
  void take(std::uint32_t attribute, std::string_view data) {
    TnefFile* file = open_ ? &out_.files.back() : nullptr;
    switch (attribute) {
      case 0x9007:
        code_page_ = Bytes(data).number(4);
        break;
      case 0x800C:
        body(text_of(until_nul(data), max_text_));
        break;
      case 0x9003:
        if (!read_properties(data, [&](const Property& p) { message_property(p); })) out_.damaged = true;
        break;
      case 0x9002:  // begins an attachment
        open_ = out_.files.size() < kMaxFiles;
        if (open_) out_.files.emplace_back();
        break;
      case 0x8010:
        if (file && file->filename.empty()) file->filename = one_line(text_of(until_nul(data), kMaxName));
        break;
      case 0x800F:
        if (file) file->bytes = data;
        break;
      case 0x9005:
        if (file && !read_properties(data, [&](const Property& p) { file_property(*file, p); }))
          out_.damaged = true;
        break;
      default:
        break;
    }
  }

  void message_property(const Property& p) {
    if (p.id == 0x1000) body(string_of(p, max_text_));
    if (p.id == 0x1009) rtf_ = p.value;
    if (p.id == 0x3FDE && p.type == 0x03) html_code_page_ = Bytes(p.value).number(4);
    if (p.id == 0x1013 && !out_.html) {
      const std::uint32_t page = html_code_page_ ? html_code_page_ : code_page_;
      out_.html = p.type == 0x102 ? to_utf8_text(p.value.substr(0, max_text_), charset_of(page))
                                  : string_of(p, max_text_);
    }
  }

  void file_property(TnefFile& file, const Property& p) {
    if (p.id == 0x3707 && !p.value.empty()) file.filename = name_of(p);
    if ((p.id == 0x3704 || p.id == 0x3001) && file.filename.empty()) file.filename = name_of(p);
    if (p.id == 0x370E) file.mime_type = to_lower(name_of(p));
    if (p.id == 0x3712) file.content_id = name_of(p);
    if (p.id == 0x3701 && file.bytes.empty()) {
      constexpr std::size_t kInterface = 16;  // a GUID, then the object
      file.is_message = p.type == 0x0D && p.value.size() > kInterface;
      file.bytes = p.type == 0x0D ? p.value.substr(std::min(kInterface, p.value.size())) : p.value;
    }
  }

  void body(std::string text) {
    if (!out_.text && !trim(text).empty()) out_.text = std::move(text);
  }

  static std::string charset_of(std::uint32_t page) {
    switch (page) {
      case 0:
        return {};
      case 932:
        return "shift_jis";
      case 936:
        return "gbk";
      case 949:
        return "ks_c_5601-1987";
      case 950:
        return "big5";
      case 20127:
        return "us-ascii";
      case 20866:
        return "koi8-r";
      case 50220:
      case 50221:
      case 50222:
        return "iso-2022-jp";
      case 65000:
        return "utf-7";
      case 65001:
        return "utf-8";
      default:
        break;
    }
    if (page > 28590 && page < 28610) return "iso-8859-" + std::to_string(page - 28590);
    return "cp" + std::to_string(page);
  }

  std::string name_of(const Property& p) const { return one_line(string_of(p, kMaxName)); }

  std::string text_of(std::string_view bytes, std::size_t most) const {
    return to_utf8_text(bytes.substr(0, most), charset_of(code_page_));
  }

  std::string string_of(const Property& p, std::size_t most) const {
    if (p.type == 0x1F) {
      std::string text = to_utf8_text(p.value.substr(0, most), "utf-16le");
      while (text.ends_with("\xEF\xBF\xBD")) text.resize(text.size() - 3);  // the NUL at the end
      return text;
    }
    return text_of(until_nul(p.value), most);
  }

  std::size_t max_text_;
  Tnef out_;
  std::string_view rtf_;
  std::uint32_t code_page_ = 0, html_code_page_ = 0;
  bool open_ = false;  // the last file is still being described
};

}  // namespace

std::optional<Tnef> parse_tnef(std::string_view bytes, std::size_t max_text) {
  return Reader(max_text).read(bytes);
}

}  // namespace mailroom::mime
