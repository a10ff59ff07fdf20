# qrules::runtime: the .pt2 reader, plans and the lowering handlers. LibTorch comes from the wheel in .venv (or CMAKE_PREFIX_PATH),
# oneDNN from the system, dnnl_ROOT or the wheel in .venv.
set(QRULES_VENV ${CMAKE_CURRENT_SOURCE_DIR}/.venv CACHE PATH "Python environment with the LibTorch wheel")
file(GLOB torch_cmake ${QRULES_VENV}/lib/python3*/site-packages/torch/share/cmake)
list(PREPEND CMAKE_PREFIX_PATH ${torch_cmake})
find_package(dnnl 3.2 QUIET)
if(NOT dnnl_FOUND)
  find_package(dnnl 3.2 REQUIRED PATHS ${QRULES_VENV}/lib/cmake NO_DEFAULT_PATH)
endif()
find_package(OpenMP REQUIRED)
find_package(Torch REQUIRED)
find_package(nlohmann_json REQUIRED)

# What needs LibTorch is apart from the rest, so that a program can load it when it is asked for (engine/runtime/torch.h).
# LibTorch's headers are seen only by these files: they take long, and carry oneDNN headers of another version.
file(GLOB runtime_sources CONFIGURE_DEPENDS engine/runtime/*.cc lowerings/*.cc lowerings/avx2/*.cc lowerings/avx512/*.cc lowerings/onednn/*.cc
     lowerings/decomposed/*.cc)
file(GLOB torch_sources CONFIGURE_DEPENDS engine/runtime/*_torch.cc lowerings/aten/*.cc)
list(REMOVE_ITEM runtime_sources ${torch_sources})
# GCC 12 takes the operands that its own AVX512 intrinsics do not care about for variables without a value. Its partial
# redundancy elimination moves what follows a loop into it, and then there are not enough registers for the sums of a tile.
file(GLOB avx512_sources CONFIGURE_DEPENDS lowerings/avx512/*.cc)
set_source_files_properties(${avx512_sources} PROPERTIES COMPILE_OPTIONS "-Wno-maybe-uninitialized;-Wno-uninitialized;$<$<CXX_COMPILER_ID:GNU>:-fno-tree-pre>")
set(torch_linked ${CMAKE_CURRENT_SOURCE_DIR}/lowerings/aten/linked.cc)
list(REMOVE_ITEM torch_sources ${torch_linked})
foreach(directory IN LISTS TORCH_INCLUDE_DIRS)
  list(APPEND torch_flags -isystem ${directory})
endforeach()
set_source_files_properties(${torch_sources} PROPERTIES COMPILE_OPTIONS "${torch_flags};-Wno-conversion;-Wno-shadow")

add_library(qrules_runtime_objects OBJECT ${runtime_sources})
add_library(qrules_torch_objects OBJECT ${torch_sources})
foreach(objects qrules_runtime_objects qrules_torch_objects)
  target_link_libraries(${objects} PRIVATE qrules_engine qrules_warnings nlohmann_json::nlohmann_json OpenMP::OpenMP_CXX
                        DNNL::dnnl)
  target_include_directories(${objects} PRIVATE ${QRULES_GENERATED})
endforeach()
add_library(qrules_runtime STATIC $<TARGET_OBJECTS:qrules_runtime_objects> $<TARGET_OBJECTS:qrules_torch_objects>
            ${torch_linked})
add_library(qrules::runtime ALIAS qrules_runtime)
set_target_properties(qrules_runtime PROPERTIES EXPORT_NAME runtime)
target_link_libraries(qrules_runtime
  PUBLIC qrules_engine
  PRIVATE $<BUILD_INTERFACE:qrules_warnings> DNNL::dnnl OpenMP::OpenMP_CXX $<LINK_ONLY:torch_cpu> $<LINK_ONLY:c10>
          Threads::Threads)
