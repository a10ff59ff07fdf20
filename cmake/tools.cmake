# The command-line tools: rulecheck needs the engine, and the runtime for numerics; qrules needs the runtime.
if(QRULES_RUNTIME AND QRULES_TOOLS)
  find_package(CLI11 REQUIRED)
  find_package(nlohmann_json REQUIRED)
  file(GLOB qrules_sources CONFIGURE_DEPENDS tools/qrules/*.cc tools/common/*.cc)
  set(view_page ${CMAKE_CURRENT_BINARY_DIR}/generated/view_page.cc)
  set(view_parts tools/qrules/view.html tools/qrules/view.css tools/qrules/view.js)
  list(TRANSFORM view_parts PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/)
  add_custom_command(
    OUTPUT ${view_page}
    COMMAND ${CMAKE_COMMAND} -DOUTPUT=${view_page} -DFOLDER=${CMAKE_CURRENT_SOURCE_DIR}/tools/qrules
            -P ${CMAKE_CURRENT_SOURCE_DIR}/cmake/view_page.cmake
    DEPENDS ${view_parts} ${CMAKE_CURRENT_SOURCE_DIR}/cmake/view_page.cmake
    COMMENT "Compiling the page of qrules view in"
    VERBATIM)
  add_executable(qrules_tool ${qrules_sources} ${view_page})
  set_target_properties(qrules_tool PROPERTIES OUTPUT_NAME qrules)
  # Keys of rule files and what they mean, for the language server: a string literal made of their schema.
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS schemas/rules.schema.json)
  file(READ schemas/rules.schema.json rules_schema)
  file(CONFIGURE OUTPUT ${QRULES_GENERATED}/rules_schema.inc CONTENT "R\"json(@rules_schema@)json\"\n" @ONLY)
  file(GLOB rulecheck_sources CONFIGURE_DEPENDS tools/rulecheck/*.cc tools/rulecheck/*/*.cc tools/common/*.cc)
  add_executable(rulecheck ${rulecheck_sources})
  foreach(tool qrules_tool rulecheck)
    target_include_directories(${tool} PRIVATE tools ${QRULES_GENERATED})
    target_link_libraries(${tool} PRIVATE qrules_runtime qrules_warnings CLI11::CLI11 nlohmann_json::nlohmann_json)
    target_compile_definitions(${tool} PRIVATE
      QRULES_VERSION="${PROJECT_VERSION}" QRULES_SOURCE_RULES="${CMAKE_CURRENT_SOURCE_DIR}/rules")
  endforeach()
endif()
