#include "rl/report/html.h"

#include <fmt/format.h>

namespace skerry::rl {

std::string escaped(std::string_view text) {
  std::string safe;
  for (const char c : text) {
    switch (c) {
      case '&':
        safe += "&amp;";
        break;
      case '<':
        safe += "&lt;";
        break;
      case '>':
        safe += "&gt;";
        break;
      case '"':
        safe += "&quot;";
        break;
      default:
        safe += c;
    }
  }
  return safe;
}

void HtmlPage::heading(std::string_view text) {
  body_ += fmt::format("<h2>{}</h2>\n", escaped(text));
}

void HtmlPage::paragraph(std::string_view text) {
  body_ += fmt::format("<p>{}</p>\n", escaped(text));
}

void HtmlPage::table(const std::vector<std::vector<std::string>>& rows) {
  body_ += "<table>\n";
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const char* cell = i == 0 ? "th" : "td";
    body_ += "<tr>";
    for (const std::string& text : rows[i]) {
      body_ += fmt::format("<{0}>{1}</{0}>", cell, escaped(text));
    }
    body_ += "</tr>\n";
  }
  body_ += "</table>\n";
}

std::string HtmlPage::text() const {
  return fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{0}</title>\n<style>"
      "body{{font-family:sans-serif;max-width:1100px;margin:2em auto;padding:0 1em;color:#222}}"
      "table{{border-collapse:collapse;font-size:13px;margin:1em 0}}"
      "th,td{{padding:3px 9px;border-bottom:1px solid #ddd;text-align:right}}"
      "th:first-child,td:first-child{{text-align:left}}</style></head>\n"
      "<body><h1>{0}</h1>\n{1}</body></html>\n",
      escaped(title_), body_);
}

}  // namespace skerry::rl
