# `cmake --install`: headers under include/qrules/, the libraries, the tools with the rules they read, and a package for
# find_package(qrules [COMPONENTS engine runtime]). Each library has a file of targets of its own, so that a user of the engine
# needs neither LibTorch nor oneDNN.
include(CMakePackageConfigHelpers)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/qrules)
set(headers FILES_MATCHING PATTERN "*.h")

foreach(room support graph rules match rewrite generate)
  install(DIRECTORY engine/${room} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/qrules ${headers})
endforeach()
install(TARGETS qrules_engine EXPORT qrules-engine ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(EXPORT qrules-engine NAMESPACE qrules:: DESTINATION ${package_dir} FILE qrules-engine-targets.cmake)
install(DIRECTORY rules DESTINATION ${CMAKE_INSTALL_DATADIR}/qrules)
install(FILES schemas/rules.schema.json schemas/report.schema.json schemas/lock.schema.json
              schemas/explain.schema.json schemas/profile.schema.json DESTINATION ${CMAKE_INSTALL_DATADIR}/qrules/schemas)

if(QRULES_RUNTIME)
  install(DIRECTORY engine/runtime DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/qrules ${headers})
  install(DIRECTORY lowerings DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/qrules ${headers})
  install(TARGETS qrules_runtime EXPORT qrules-runtime ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
  install(EXPORT qrules-runtime NAMESPACE qrules:: DESTINATION ${package_dir} FILE qrules-runtime-targets.cmake)
  # LibTorch and oneDNN are seldom where the loader looks. `.venv` is a link in the source tree: what is installed must not need that.
  file(REAL_PATH ${Torch_DIR} QRULES_TORCH_DIR)
  file(REAL_PATH ${dnnl_DIR} QRULES_DNNL_DIR)
  get_filename_component(torch_libraries ${QRULES_TORCH_DIR}/../../../lib ABSOLUTE)
  get_filename_component(dnnl_libraries ${QRULES_DNNL_DIR}/../.. ABSOLUTE)
  if(QRULES_TOOLS)
    set_target_properties(qrules_tool qrules_torch rulecheck_numerics PROPERTIES INSTALL_RPATH "${torch_libraries};${dnnl_libraries}")
    install(TARGETS qrules_tool rulecheck rulecheck_numerics RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
    install(TARGETS qrules_torch LIBRARY DESTINATION ${CMAKE_INSTALL_BINDIR}/../lib/qrules)
  endif()
endif()

configure_package_config_file(cmake/qrules-config.cmake.in ${CMAKE_CURRENT_BINARY_DIR}/qrules-config.cmake
                              INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/qrules-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/qrules-config.cmake ${CMAKE_CURRENT_BINARY_DIR}/qrules-config-version.cmake
        DESTINATION ${package_dir})
