# tools/qrules/view.{html,css,js} -> one C++ file with the three as texts.
file(WRITE ${OUTPUT}.part "// Generated from tools/qrules/view.*\n#include \"qrules/view_page.h\"\n\nnamespace qrules::tools {\n")
foreach(part html css js)
  file(READ ${FOLDER}/view.${part} text HEX)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${text}")
  file(APPEND ${OUTPUT}.part "static const unsigned char k_${part}[] = {${bytes}};\n"
    "std::string_view view_${part}() { return {reinterpret_cast<const char*>(k_${part}), sizeof(k_${part})}; }\n")
endforeach()
file(APPEND ${OUTPUT}.part "}  // namespace qrules::tools\n")
file(RENAME ${OUTPUT}.part ${OUTPUT})
