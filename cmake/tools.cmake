# The command-line tools. qrules has the runtime and loads what needs LibTorch when it is asked for
# (tools/qrules/torch_on_demand.cc); rulecheck-numerics links the runtime; rulecheck is the engine alone, and starts fast
# (tools/rulecheck/numerics_here.h).
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
  add_executable(qrules_tool ${qrules_sources} ${view_page} $<TARGET_OBJECTS:qrules_runtime_objects>)
  set_target_properties(qrules_tool PROPERTIES OUTPUT_NAME qrules ENABLE_EXPORTS ON)
  target_link_libraries(qrules_tool PRIVATE DNNL::dnnl OpenMP::OpenMP_CXX Threads::Threads ${CMAKE_DL_LIBS})
  # What the module takes from the program, the program itself may not use: all of the engine is in it.
  target_link_options(qrules_tool PRIVATE -Wl,--whole-archive $<TARGET_FILE:qrules_engine> -Wl,--no-whole-archive)
  add_library(qrules_torch MODULE tools/torch/module.cc $<TARGET_OBJECTS:qrules_torch_objects>)
  set_target_properties(qrules_torch PROPERTIES OUTPUT_NAME qrules-torch
                        LIBRARY_OUTPUT_DIRECTORY ${CMAKE_RUNTIME_OUTPUT_DIRECTORY})
  target_include_directories(qrules_torch PRIVATE $<TARGET_PROPERTY:qrules_engine,INTERFACE_INCLUDE_DIRECTORIES>)
  target_link_libraries(qrules_torch PRIVATE qrules_warnings $<LINK_ONLY:torch_cpu> $<LINK_ONLY:c10>)
  add_dependencies(qrules_tool qrules_torch)
  # Keys of rule files and what they mean, for the language server: a string literal made of their schema.
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS schemas/rules.schema.json)
  file(READ schemas/rules.schema.json rules_schema)
  file(CONFIGURE OUTPUT ${QRULES_GENERATED}/rules_schema.inc CONTENT "R\"json(@rules_schema@)json\"\n" @ONLY)
  file(GLOB rulecheck_sources CONFIGURE_DEPENDS tools/rulecheck/*.cc tools/rulecheck/format/*.cc tools/common/*.cc)
  set(numerics_sources ${rulecheck_sources})
  list(FILTER numerics_sources INCLUDE REGEX
       "/(numerics|numerics_inputs|numerics_here|prove|coverage|mutate|junit|update|command_(prove|coverage|mutate|test|lsp))[.]cc$")
  file(GLOB server_sources CONFIGURE_DEPENDS tools/rulecheck/lsp/*.cc)
  list(APPEND numerics_sources ${server_sources})
  set(elsewhere tools/rulecheck/numerics_elsewhere.cc)
  list(REMOVE_ITEM rulecheck_sources ${numerics_sources} ${CMAKE_CURRENT_SOURCE_DIR}/${elsewhere})
  add_library(rulecheck_common OBJECT ${rulecheck_sources})
  add_executable(rulecheck $<TARGET_OBJECTS:rulecheck_common> ${elsewhere})
  add_executable(rulecheck_numerics $<TARGET_OBJECTS:rulecheck_common> ${numerics_sources})
  set_target_properties(rulecheck_numerics PROPERTIES OUTPUT_NAME rulecheck-numerics)
  add_dependencies(rulecheck rulecheck_numerics)
  foreach(tool qrules_tool rulecheck_common rulecheck rulecheck_numerics)
    target_include_directories(${tool} PRIVATE tools ${QRULES_GENERATED})
    target_link_libraries(${tool} PRIVATE qrules_engine qrules_warnings CLI11::CLI11 nlohmann_json::nlohmann_json)
    target_compile_definitions(${tool} PRIVATE
      QRULES_VERSION="${PROJECT_VERSION}" QRULES_TORCH_VERSION="${Torch_VERSION}" QRULES_SOURCE_RULES="${CMAKE_CURRENT_SOURCE_DIR}/rules")
  endforeach()
  target_link_libraries(rulecheck_numerics PRIVATE qrules_runtime)
endif()
