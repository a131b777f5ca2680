// html.h: one HTML page of headings, texts, tables and charts, complete in itself and without a
// script.

#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace skerry::rl {

std::string escaped(std::string_view text);  // & < > "

class HtmlPage {
 public:
  explicit HtmlPage(std::string title) : title_(std::move(title)) {}

  void heading(std::string_view text);
  void paragraph(std::string_view text);
  void svg(std::string_view svg) { body_ += svg; }
  // The first row is the header; the first column is text, the others are numbers.
  void table(const std::vector<std::vector<std::string>>& rows);

  std::string text() const;

 private:
  std::string title_;
  std::string body_;
};

}  // namespace skerry::rl
