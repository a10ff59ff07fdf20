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

file(GLOB runtime_sources CONFIGURE_DEPENDS engine/runtime/*.cc lowerings/*.cc lowerings/avx2/*.cc lowerings/onednn/*.cc
     lowerings/decomposed/*.cc
     lowerings/aten/*.cc)
add_library(qrules_runtime STATIC ${runtime_sources})
add_library(qrules::runtime ALIAS qrules_runtime)
set_target_properties(qrules_runtime PROPERTIES EXPORT_NAME runtime)

# LibTorch's headers are seen only by the files that are named for it: they take long, and carry oneDNN headers of another version.
get_target_property(torch_includes torch INTERFACE_INCLUDE_DIRECTORIES)
file(GLOB torch_sources CONFIGURE_DEPENDS engine/runtime/*_torch.cc lowerings/aten/*.cc)
foreach(directory IN LISTS TORCH_INCLUDE_DIRS)
  list(APPEND torch_flags -isystem ${directory})
endforeach()
set_source_files_properties(${torch_sources} PROPERTIES COMPILE_OPTIONS "${torch_flags};-Wno-conversion;-Wno-shadow")

target_link_libraries(qrules_runtime
  PUBLIC qrules_engine
  PRIVATE $<BUILD_INTERFACE:qrules_warnings> $<BUILD_INTERFACE:nlohmann_json::nlohmann_json> DNNL::dnnl OpenMP::OpenMP_CXX
          $<LINK_ONLY:torch_cpu> $<LINK_ONLY:c10> Threads::Threads)
target_include_directories(qrules_runtime PRIVATE ${QRULES_GENERATED})
