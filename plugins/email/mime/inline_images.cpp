#include "mime/inline_images.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <unordered_map>

#include "base/error.hpp"
#include "mime/ascii.hpp"
#include "mime/codec.hpp"
#include "mime/entity.hpp"
#include "mime/html_tags.hpp"
#include "mime/outgoing.hpp"

namespace mailroom::mime {
namespace {

template <std::size_t N>
bool among(std::string_view name, const std::array<std::string_view, N>& names) {
  return std::any_of(names.begin(), names.end(), [&](std::string_view n) { return iequals(n, name); });
}

constexpr std::array<std::string_view, 7> kUrls{"src",    "href", "xlink:href", "background",
                                                "poster", "data", "longdesc"};

// The part of a URL parser that matters here: blanks around it and line ends within are no part of it.
std::string clean_url(std::string_view s) {
  while (!s.empty() && static_cast<unsigned char>(s.front()) <= ' ') s.remove_prefix(1);
  while (!s.empty() && static_cast<unsigned char>(s.back()) <= ' ') s.remove_suffix(1);
  std::string out;
  out.reserve(s.size());
  for (char c : s)
    if (c != '\t' && c != '\n' && c != '\r') out += c;
  return out;
}

std::string_view extension_of(std::string_view type) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kNames{
      {{"image/jpeg", "jpg"},
       {"image/svg+xml", "svg"},
       {"image/x-icon", "ico"},
       {"image/tiff", "tif"},
       {"image/vnd.microsoft.icon", "ico"},
       {"image/x-png", "png"}}};
  for (const auto& [name, extension] : kNames)
    if (name == type) return extension;
  type.remove_prefix(std::string_view("image/").size());
  const bool plain = type.size() <= 8 &&
                     std::all_of(type.begin(), type.end(), [](char c) { return is_alpha(c) || is_digit(c); });
  return plain ? type : "img";
}

class Reader {
 public:
  Reader(std::string_view html, std::string_view id_suffix, std::size_t max_images, std::size_t max_bytes)
      : html_(html), id_suffix_(id_suffix), max_images_(max_images), max_bytes_(max_bytes) {}

  InlineHtml run() {
    HtmlTags tags(html_);
    while (tags.next()) {
      for (const auto& a : tags.attributes()) attribute(tags.name(), a);
      if (!tags.style().empty()) css(tags.style());
    }
    if (out_.changed) out_.html += html_.substr(copied_);
    return std::move(out_);
  }

 private:
  void attribute(std::string_view tag, const HtmlAttribute& a) {
    if (a.value.empty()) return;
    if (iequals(a.name, "style")) {
      css(without_references(a.value));
    } else if (iequals(a.name, "srcset")) {
      const std::string value = without_references(a.value);
      for (std::size_t at = 0; at < value.size();) {
        std::size_t end = at;
        while (end < value.size() && !is_space(value[end])) ++end;
        std::string_view candidate = std::string_view(value).substr(at, end - at);
        while (candidate.ends_with(',')) candidate.remove_suffix(1);
        reference(candidate);
        at = end + 1;
      }
    } else if (among(a.name, kUrls)) {
      const std::string url = clean_url(without_references(a.value));
      const bool shows = !iequals(a.name, "data") && !iequals(a.name, "longdesc") &&
                         (!a.name.ends_with("href") || iequals(tag, "image") || iequals(tag, "feImage"));
      if (shows && istarts_with(url, "data:image/"))
        take(a.value, std::string_view(url).substr(5));
      else
        reference(url);
    }
  }

  void reference(std::string_view url) {
    if (!istarts_with(url, "cid:")) return;
    const std::string_view id = url.substr(4);
    if (std::find(out_.cids.begin(), out_.cids.end(), id) == out_.cids.end()) out_.cids.emplace_back(id);
  }

  void css(std::string_view text) {
    for (std::size_t at = text.find('('); at != text.npos; at = text.find('(', at + 1)) {
      if (at < 3 || !iequals(text.substr(at - 3, 3), "url")) continue;
      std::size_t from = at + 1;
      while (from < text.size() && is_space(text[from])) ++from;
      const char quote = from < text.size() && (text[from] == '"' || text[from] == '\'') ? text[from] : '\0';
      if (quote) ++from;
      const std::size_t to = std::min(text.find(quote ? quote : ')', from), text.size());
      reference(clean_url(text.substr(from, to - from)));
    }
  }

  // `value` lies in the HTML; `uri` is what it says behind "data:".
  void take(std::string_view value, std::string_view uri) {
    const std::size_t comma = uri.find(',');
    if (comma == uri.npos || uri.find('#') != uri.npos) return;
    std::string_view media = uri.substr(0, comma);
    const std::size_t last = media.rfind(';');
    const bool base64 = last != media.npos && iequals(trim(media.substr(last + 1)), "base64");
    const std::string type = to_lower(trim(media.substr(0, media.find(';'))));
    if (!is_token(std::string_view(type).substr(6))) return;
    const std::string plain = decode_percent(uri.substr(comma + 1));
    bool broken = false;
    std::string bytes = base64 ? decode_base64(plain, &broken) : plain;
    if (broken)
      refuse("html", "holds a data: URI whose base64 is damaged: " + printable(uri, 60),
             "give the image as an attachment with a content_id, and show it by cid:");
    if (bytes.empty()) return;
    std::size_t& number = known_[type + '\n' + bytes];
    if (number == 0) {
      if (out_.images.size() == max_images_) too_much("html", max_images_, "images in data: URIs");
      total_ += bytes.size();
      if (total_ > max_bytes_) too_much("html", max_bytes_, "bytes of images in data: URIs");
      number = out_.images.size() + 1;
      const std::string name = "image" + std::to_string(number) + '.';
      out_.images.push_back({name + std::string(extension_of(type)), type, std::move(bytes),
                             name + std::string(id_suffix_), true});
    }
    const auto begin = static_cast<std::size_t>(value.data() - html_.data());
    out_.html += html_.substr(copied_, begin - copied_);
    out_.html += "cid:" + out_.images[number - 1].content_id;
    copied_ = begin + value.size();
    out_.changed = true;
  }

  std::string_view html_, id_suffix_;
  std::size_t max_images_, max_bytes_;
  std::size_t copied_ = 0;                              // of html_, into out_.html
  std::size_t total_ = 0;                               // bytes of all images
  std::unordered_map<std::string, std::size_t> known_;  // type and bytes: number of the image
  InlineHtml out_;
};

}  // namespace

InlineHtml inline_images(std::string_view html, std::string_view id_suffix, std::size_t max_images,
                         std::size_t max_bytes) {
  return Reader(html, id_suffix, max_images, max_bytes).run();
}

bool names_content(std::string_view reference, std::string_view content_id) {
  return reference == content_id ||
         (reference.find('%') != reference.npos && decode_percent(reference) == content_id);
}

}  // namespace mailroom::mime
