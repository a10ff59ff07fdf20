# What the engine needs; the runtime's own are in runtime.cmake.
find_package(PkgConfig REQUIRED)
find_package(yaml-cpp 0.7 REQUIRED)
pkg_check_modules(RE2 REQUIRED IMPORTED_TARGET re2)
find_package(Threads REQUIRED)
