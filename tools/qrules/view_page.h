// The parts of the page that `qrules view` writes, compiled in from tools/qrules/view.{html,css,js}.
#pragma once

#include <string_view>

namespace qrules::tools {

std::string_view view_html();  // with {{title}}, {{style}}, {{data}} and {{script}}
std::string_view view_css();
std::string_view view_js();

}  // namespace qrules::tools
