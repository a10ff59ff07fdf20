# Warnings, sanitizers and coverage, as one target that only our own code links.
add_library(qrules_warnings INTERFACE)
target_compile_options(qrules_warnings INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror)
# g++ 12 sees overlapping copies where a literal and a std::string are joined (GCC bug 105651).
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  target_compile_options(qrules_warnings INTERFACE -Wno-restrict)
endif()

if(QRULES_SANITIZE)
  add_compile_options(-fsanitize=${QRULES_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${QRULES_SANITIZE})
  # Sanitizers' instrumentation makes g++ 12 see uninitialised values in library headers where there are none.
  target_compile_options(qrules_warnings INTERFACE -Wno-maybe-uninitialized)
endif()
if(QRULES_COVERAGE)
  add_compile_options(--coverage -O0)
  add_link_options(--coverage)
endif()

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM AND NOT CMAKE_CXX_COMPILER_LAUNCHER AND PROJECT_IS_TOP_LEVEL)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
endif()
