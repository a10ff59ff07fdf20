# schemas/operators*.yaml -> operator_schemas.inc: a sorted list of {"name", "schema"} that the engine compiles in.
set(QRULES_GENERATED ${CMAKE_CURRENT_BINARY_DIR}/generated)
set(QRULES_SCHEMA_INC ${QRULES_GENERATED}/operator_schemas.inc)
file(GLOB schema_files CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/schemas/operators*.yaml)
add_custom_command(
  OUTPUT ${QRULES_SCHEMA_INC}
  COMMAND ${CMAKE_COMMAND} -DOUTPUT=${QRULES_SCHEMA_INC} "-DINPUTS=${schema_files}"
          -P ${CMAKE_CURRENT_SOURCE_DIR}/cmake/compile_schemas.cmake
  DEPENDS ${schema_files} ${CMAKE_CURRENT_SOURCE_DIR}/cmake/compile_schemas.cmake
  COMMENT "Compiling operator signatures in"
  VERBATIM)
